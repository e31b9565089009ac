"""Refusing an upload before its body is on its way, where the application runs behind httpd.

mod_wsgi gives its daemon a request when all of the body has come in. Its access script runs in
httpd's own process before that, and can only say yes or no: no is Apache's 403. So this looks
whose the certificate is and no further. What else may stand in the way has an answer of its own,
which the application gives. It lets nobody in either: the application asks everything again.
"""

from repoman.certificates.middleware import Environ, find_caller
from repoman.certificates.presented import MAX_CHAIN
from repoman.errors import CertificateRequired, DatabaseUnavailable, RepomanError
from repoman.logs import get_logger
from repoman.models import Sessions, make_engine
from repoman.settings import Settings

log = get_logger(__name__)

NAMES = (
    "SSL_CLIENT_VERIFY",
    "SSL_CLIENT_CERT",
    *(f"SSL_CLIENT_CERT_CHAIN_{number}" for number in range(MAX_CHAIN + 1)),
)


class AccessScript:
    """mod_wsgi's ``allow_access``: False to somebody who may upload nothing, else None."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.sessions = settings, Sessions(make_engine(settings))

    def __call__(self, environ: Environ, host: str) -> bool | None:
        """Refuse, or leave it to whoever comes next."""
        look_up = environ["mod_ssl.var_lookup"]
        # Whether the host takes proxies is not in the environ yet. Where it does not, the
        # handshake has refused them.
        shown = {"REPOMAN_PROXY_CERTS": "on"} | {name: look_up(name) for name in NAMES}
        try:
            find_caller(shown, self.sessions, self.settings)
        except (CertificateRequired, DatabaseUnavailable):
            return None
        except RepomanError as refusal:
            log.info(
                "upload refused before its body",
                method=environ["REQUEST_METHOD"],
                path=environ["REQUEST_URI"],
                code=refusal.code,
                dn=shown.get("repoman.dn"),
                client=host,
            )
            return False
        return None

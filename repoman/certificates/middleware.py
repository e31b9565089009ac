"""The WSGI middleware that turns a client certificate into an `Identity`.

It is wrapped around the application in `repoman.main`, not in the ini, so that no ini edit can
remove it. It answers nothing itself: it leaves ``repoman.identity`` (an `Identity` or None) and
``repoman.refusal`` (the error for whoever is None) in the environ, and the application answers.
``repoman.dn`` is the name that was presented, known or not, for the log.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from repoman.certificates import presented
from repoman.errors import (
    CertificateRefused,
    CertificateRequired,
    DatabaseUnavailable,
    RepomanError,
)
from repoman.identity import Identity
from repoman.logs import get_logger
from repoman.models import Sessions
from repoman.services.identities import identify, outlives_record, record_expiry
from repoman.settings import Settings

log = get_logger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class CertificateMiddleware:
    """Finds out who is calling, in one query of a short session of its own.

    Where that shows that the certificate was renewed, or is seen for the first time, its expiry is
    written in another.
    """

    def __init__(self, application: Application, sessions: Sessions, settings: Settings) -> None:
        self.application = application
        self.sessions = sessions
        self.settings = settings

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Identify the caller and pass on."""
        environ["repoman.identity"] = environ["repoman.refusal"] = None
        try:
            identity = find_caller(environ, self.sessions, self.settings)
            environ["repoman.identity"] = identity
            if outlives_record(identity):
                try_to_record_expiry(identity, self.sessions)
        except RepomanError as refusal:
            environ["repoman.refusal"] = refusal
        return self.application(environ, start_response)


def find_caller(environ: Environ, sessions: Sessions, settings: Settings) -> Identity:
    """Return the caller, or raise why it is nobody."""
    try:
        shown = presented.read(environ, accept_proxies=settings.accept_proxies)
    except presented.InvalidCertificate as error:
        raise CertificateRefused(str(error)) from error
    if shown is None:
        raise CertificateRequired(
            "Show a client certificate over https: curl --cert me.pem --key me.key URL"
        )
    environ["repoman.dn"] = shown.subject.slash
    try:
        with sessions.asking() as session:
            return identify(session, shown, require_issuer=settings.require_issuer)
    except SQLAlchemyError as error:
        log.error("no database", reason=str(error))
        raise DatabaseUnavailable("The database does not answer; try again soon.") from error


def try_to_record_expiry(identity: Identity, sessions: Sessions) -> None:
    """Write until when the certificate is valid; the next request tries again where that fails.

    A database that is locked, or only reads, keeps nobody out.
    """
    try:
        with sessions.trying.begin() as session:
            record_expiry(session, identity)
    except SQLAlchemyError as error:
        log.warning(
            "expiry not recorded",
            user=identity.user_name,
            certificate=identity.certificate_id,
            reason=str(error),
        )

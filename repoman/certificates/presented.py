"""The certificate that a client presented, out of what mod_ssl puts into the WSGI environ.

Only the variables named here count. A client's own headers arrive as ``HTTP_...`` and so never
under these names.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import takewhile
from typing import Any

from cryptography import x509

from repoman.certificates.names import DistinguishedName, from_x509, parse_mod_ssl
from repoman.certificates.proxies import find_end_entity, is_proxy
from repoman.certificates.untrusted import errors_as

MAX_CHAIN = 16
"""So many certificates a client may send besides its own when that is a proxy."""


class InvalidCertificate(ValueError):
    """A client certificate that identifies nobody; the message tells why and what to do."""


@dataclass(frozen=True)
class Presented:
    """Who the presented certificate is for.

    ``subject`` is the name in the certificate itself and ``end_entity`` that of whoever stands
    behind it: another where ``depth``, the number of proxies, is not 0. ``issuer`` is the end
    entity's. ``limited`` when any proxy is a limited one. All certificates concerned are valid
    from ``not_before`` to ``not_after`` (aware, UTC; None where the server did not say), the end
    entity's own until ``end_entity_not_after``: a proxy mostly ends earlier.
    """

    subject: DistinguishedName
    end_entity: DistinguishedName
    issuer: DistinguishedName | None
    depth: int
    limited: bool
    not_before: datetime | None
    not_after: datetime | None
    end_entity_not_after: datetime | None


def read(
    environ: Mapping[str, Any], *, accept_proxies: bool | None, now: datetime | None = None
) -> Presented | None:
    """Return what the client presented, or None where it presented nothing: anonymous.

    Proxies are accepted where ``accept_proxies`` says so, or says nothing (None) and our Apache
    module has set ``REPOMAN_PROXY_CERTS``: it lets them through the handshake. Where either does,
    the distinguished name alone is refused, for the holder of a proxy chooses its last CN.
    Raises InvalidCertificate.
    """
    match environ.get("SSL_CLIENT_VERIFY"):
        case None | "" | "NONE":
            return None
        case "SUCCESS":
            with errors_as(InvalidCertificate):
                presented = _read_verified(environ, accept_proxies)
        case _:
            raise InvalidCertificate("The server could not verify your certificate.")
    _check_dates(presented, now or datetime.now(UTC))
    return presented


def _read_verified(environ: Mapping[str, Any], accept_proxies: bool | None) -> Presented:
    let_through = bool(environ.get("REPOMAN_PROXY_CERTS"))
    proxies = let_through if accept_proxies is None else accept_proxies
    if pem := environ.get("SSL_CLIENT_CERT"):
        return _read_certificates(pem, _chain(environ), proxies)
    if proxies or let_through:
        raise InvalidCertificate(
            "This server accepts proxy certificates, but does not pass your certificate on to "
            "Repoman (SSLOptions +ExportCertData)."
        )
    return _read_strings(environ)


def _chain(environ: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the client sent besides, and at most one more than is allowed."""
    numbered = (environ.get(f"SSL_CLIENT_CERT_CHAIN_{n}", "") for n in range(MAX_CHAIN + 1))
    return tuple(takewhile(bool, numbered))


@lru_cache(maxsize=1024)
def _read_certificates(pem: str, chain: tuple[str, ...], proxies: bool) -> Presented:
    """Read the certificate, a pure function of its arguments: what depends on now is not here."""
    leaf = _load(pem)
    if is_proxy(leaf):
        if not proxies:
            raise InvalidCertificate(
                "This server does not accept proxy certificates: show the certificate that you "
                "made the proxy from."
            )
        if len(chain) > MAX_CHAIN:
            # With some left out, a made-up signer could be the only one to fit.
            raise InvalidCertificate(f"More than {MAX_CHAIN} certificates came with the proxy.")
    else:
        chain = ()
    found = find_end_entity(leaf, [_load(one) for one in chain])
    return Presented(
        subject=from_x509(leaf.subject),
        end_entity=from_x509(found.certificate.subject),
        issuer=from_x509(found.certificate.issuer),
        depth=found.depth,
        limited=found.limited,
        not_before=found.not_before,
        not_after=found.not_after,
        end_entity_not_after=found.certificate.not_valid_after_utc,
    )


def _load(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode("ascii"))


def _read_strings(environ: Mapping[str, Any]) -> Presented:
    subject = parse_mod_ssl(environ.get("SSL_CLIENT_S_DN") or "")
    issuer = environ.get("SSL_CLIENT_I_DN")
    not_after = _time(environ.get("SSL_CLIENT_V_END"))
    return Presented(
        subject=subject,
        end_entity=subject,
        issuer=parse_mod_ssl(issuer) if issuer else None,
        depth=0,
        limited=False,
        not_before=_time(environ.get("SSL_CLIENT_V_START")),
        not_after=not_after,
        end_entity_not_after=not_after,
    )


def _time(text: str | None) -> datetime | None:
    """Read OpenSSL's ``Nov 24 05:37:00 2026 GMT``."""
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC) if text else None


def _check_dates(presented: Presented, now: datetime) -> None:
    # The server checked them in the handshake, but a connection may outlive the certificate.
    if presented.not_after is not None and now > presented.not_after:
        raise InvalidCertificate(
            f"Your certificate expired at {presented.not_after:%Y-%m-%dT%H:%M:%SZ}."
        )
    if presented.not_before is not None and now < presented.not_before:
        raise InvalidCertificate(
            f"Your certificate is not valid before {presented.not_before:%Y-%m-%dT%H:%M:%SZ}."
        )

"""The distinguished names by which users are known: several each, with or without an issuer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session, joinedload

from repoman.certificates.names import DistinguishedName, InvalidName, from_x509, parse
from repoman.certificates.proxies import is_proxy
from repoman.errors import (
    CertificateInUse,
    CertificateNotFound,
    InvalidParameter,
    MissingParameter,
)
from repoman.models import Certificate, User
from repoman.services import pages

FIELDS = frozenset({"cert_dn", "client_dn", "issuer_dn", "certificate"})
"""The request fields that `read_registration` takes."""

MAX_BYTES = 1000
"""Of a canonical name: two of them must fit an index entry of PostgreSQL (2,704 bytes)."""


@dataclass(frozen=True)
class Registration:
    """A name to be registered, of one issuer or, where None, of any.

    Where the certificate itself was given, it is valid until ``not_after`` (aware, UTC).
    """

    dn: DistinguishedName
    issuer: DistinguishedName | None
    not_after: datetime | None = None


def read_registration(fields: Mapping[str, Any], *, require_issuer: bool) -> Registration:
    """Read a registration out of request fields.

    Either ``cert_dn`` (or ``client_dn``) with or without ``issuer_dn``, or ``certificate`` (PEM)
    in place of both. Raises `InvalidParameter`, `MissingParameter`.
    """
    given = {name: fields[name] for name in FIELDS if fields.get(name) is not None}
    if not given:
        raise MissingParameter(
            "Give the distinguished name as cert_dn, such as /C=CA/O=Grid/CN=Ann Lee, "
            "or the certificate (PEM) as certificate.",
            field="cert_dn",
        )
    if "certificate" in given:
        if len(given) > 1:
            raise InvalidParameter(
                "Give the certificate or its distinguished names, not both.", field="certificate"
            )
        return _from_pem(given["certificate"])
    if "cert_dn" in given and "client_dn" in given and given["cert_dn"] != given["client_dn"]:
        raise InvalidParameter("cert_dn and client_dn are one field.", field="client_dn")
    shown = given.get("cert_dn") or given.get("client_dn")
    if shown is None:
        raise MissingParameter("An issuer_dn needs a cert_dn beside it.", field="cert_dn")
    issuer = given.get("issuer_dn")
    if issuer is None and require_issuer:
        raise MissingParameter("This server wants the issuer_dn too.", field="issuer_dn")
    return Registration(
        _parse(shown, "cert_dn"), None if issuer is None else _parse(issuer, "issuer_dn")
    )


def find(user: User, identifier: str) -> Certificate:
    """Return the user's certificate of that id. Raises `CertificateNotFound`."""
    for certificate in user.certificates:
        if str(certificate.id) == identifier:
            return certificate
    raise CertificateNotFound(f"{user.name} has no certificate of that id.")


def rows_of_user(user: User) -> Select[int]:
    """Select the ids of the user's certificates."""
    return select(Certificate.id).where(Certificate.user_id == user.id)


def whole(session: Session, ids: Sequence[int]) -> list[Certificate]:
    """Return these certificates, in this order."""
    statement = select(Certificate).options(joinedload(Certificate.user))
    return pages.load(session, statement, Certificate.id, ids)


def check_free(
    session: Session, registration: Registration, *, except_of: User | None = None
) -> None:
    """Refuse a name that is registered, or that would make two users of one certificate.

    A name registered without issuer excludes any other registration of it, and the reverse.
    Raises `CertificateInUse`.
    """
    if session.get_bind().dialect.name == "postgresql":
        # No row to lock can stand for the absence of others; SQLite lets one writer in at a time.
        session.execute(text("LOCK TABLE certificate IN SHARE ROW EXCLUSIVE MODE"))
    issuer = registration.issuer.canonical if registration.issuer else ""
    taken = session.scalars(
        select(Certificate).where(Certificate.dn == registration.dn.canonical)
    ).all()
    for other in taken:
        if except_of is not None and other.user_id == except_of.id:
            continue
        if "" in {issuer, other.issuer} or issuer == other.issuer:
            raise CertificateInUse(
                f"This distinguished name is registered for {other.user.name}"
                + (f", issued by {other.shown_issuer}." if other.shown_issuer else ".")
            )


def new(registration: Registration) -> Certificate:
    """Make the row."""
    dn, issuer = registration.dn, registration.issuer
    return Certificate(
        dn=dn.canonical,
        shown_dn=dn.slash,
        issuer=issuer.canonical if issuer else "",
        shown_issuer=issuer.slash if issuer else None,
        not_after=registration.not_after,
    )


def add(session: Session, user: User, registration: Registration) -> Certificate:
    """Give a user one more certificate. Raises `CertificateInUse`."""
    check_free(session, registration)
    certificate = new(registration)
    user.certificates.append(certificate)
    session.flush()
    return certificate


def _parse(text: str, field: str) -> DistinguishedName:
    try:
        return _bounded(parse(text), field)
    except InvalidName as error:
        raise InvalidParameter(str(error), field=field) from None


def _from_pem(text: str) -> Registration:
    if "PRIVATE KEY" in text:
        raise InvalidParameter(
            "This file holds a private key, which nobody else should see; send the certificate "
            "alone, as `openssl x509 -in FILE` prints it.",
            field="certificate",
        )
    try:
        return of_certificate(x509.load_pem_x509_certificate(text.encode()))
    except ValueError:
        raise InvalidParameter(
            "The certificate must be PEM, beginning with -----BEGIN CERTIFICATE-----. A file in "
            "DER, as Windows saves it under .cer, becomes PEM by "
            "`openssl x509 -inform DER -in FILE -out cert.pem`.",
            field="certificate",
        ) from None


def of_certificate(certificate: x509.Certificate) -> Registration:
    """Take both names and the expiry out of a certificate.

    Raises `InvalidName`, `InvalidParameter`.
    """
    if is_proxy(certificate):
        raise InvalidParameter(
            "This is a proxy certificate; register the certificate that signed it.",
            field="certificate",
        )
    dn, issuer = from_x509(certificate.subject), from_x509(certificate.issuer)
    return Registration(
        _bounded(dn, "certificate"),
        _bounded(issuer, "certificate"),
        certificate.not_valid_after_utc,
    )


def _bounded(name: DistinguishedName, field: str) -> DistinguishedName:
    if len(name.canonical.encode()) > MAX_BYTES:
        raise InvalidParameter(
            f"The distinguished name is too long: {MAX_BYTES} bytes at most.", field=field
        )
    return name

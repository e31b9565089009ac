"""Certificate revocation lists (RFC 5280 section 5): which of several is an authority's to use.

mod_ssl refuses every certificate of an authority whose list is expired, not valid yet, or missing.
So a list is only replaced by a better one, and never given up for nothing.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from repoman.certificates.names import from_x509

PEM = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
PARTIAL = (x509.DeltaCRLIndicator, x509.IssuingDistributionPoint)
"""Extensions of lists that do not stand for all certificates of their issuer."""


@dataclass(frozen=True)
class RevocationList:
    """A list, and where it was read."""

    crl: x509.CertificateRevocationList
    source: str

    @property
    def begins(self) -> datetime:
        """When it was issued (thisUpdate)."""
        return self.crl.last_update_utc

    @property
    def ends(self) -> datetime | None:
        """When it is no longer good (nextUpdate)."""
        return self.crl.next_update_utc

    @property
    def number(self) -> int | None:
        """Its number, which grows from list to list, where it has one."""
        try:
            return self.crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        except x509.ExtensionNotFound:
            return None

    @property
    def pem(self) -> bytes:
        """Write it as mod_ssl reads it."""
        return self.crl.public_bytes(Encoding.PEM)

    def is_newer_than(self, other: "RevocationList") -> bool:
        """Say whether it takes the place of another: by number, else by the time of its issue."""
        if self.number is not None and other.number is not None and self.number != other.number:
            return self.number > other.number
        return self.begins > other.begins

    def fault(self, now: datetime) -> str | None:
        """Say why it must not be put in place of any other, or None."""
        if any(isinstance(one.value, PARTIAL) for one in self.crl.extensions):
            return "it stands for a part of the certificates alone"
        if self.begins > now:
            return f"it is not valid before {self.begins:%Y-%m-%d %H:%M} UTC"
        if self.has_expired(now):
            return f"it expired on {self.ends:%Y-%m-%d %H:%M} UTC"
        return None

    def has_expired(self, now: datetime) -> bool:
        """Say whether its time is over."""
        return self.ends is not None and self.ends <= now


@dataclass(frozen=True)
class Choice:
    """What becomes of one authority: the lists to use, and what has to be said.

    ``refused`` are sentences about lists that were given and not taken.
    """

    name: str
    lists: Sequence[RevocationList]
    is_new: bool
    refused: Sequence[str] = ()

    def warning(self, now: datetime) -> str | None:
        """Say why certificates of this authority are refused, or None."""
        if not self.lists:
            return f"{self.name} has no list, so all of its certificates are refused"
        if all(one.has_expired(now) for one in self.lists):
            return f"the list of {self.name} has expired, so all of its certificates are refused"
        return None


def read_lists(data: bytes, source: str) -> list[RevocationList]:
    """Read the lists of a file, PEM or DER. Raises ValueError where it is no such file."""
    found = PEM.findall(data)
    loaded = [x509.load_pem_x509_crl(one) for one in found] or [x509.load_der_x509_crl(data)]
    for crl in loaded:
        # The library reads these when they are asked for.
        _ = crl.issuer, crl.last_update_utc, crl.next_update_utc, [*crl.extensions]
    return [RevocationList(crl, source) for crl in loaded]


def has_signed(authority: x509.Certificate, crl: x509.CertificateRevocationList) -> bool:
    """Say whether a list is an authority's own."""
    if crl.issuer != authority.subject:
        return False
    try:
        return crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def choose(
    authorities: Iterable[x509.Certificate],
    installed: Sequence[RevocationList],
    given: Sequence[RevocationList],
) -> list[Choice]:
    """Choose for each authority; lists of others are passed over."""
    now, choices = datetime.now(UTC), []
    known = {_identity(one): one for one in authorities}
    subjects = {one.subject for one in known.values()}
    signed = [any(has_signed(one, each.crl) for one in known.values()) for each in given]
    forged = [
        one for one, ok in zip(given, signed, strict=True) if not ok and one.crl.issuer in subjects
    ]
    for authority in known.values():
        name = from_x509(authority.subject).slash
        choice = _choose(name, _own(authority, installed), _own(authority, given), now)
        refused = [
            f"{one.source}: {name} has not signed it"
            for one in forged
            if one.crl.issuer == authority.subject
        ]
        choices.append(Choice(name, choice.lists, choice.is_new, [*refused, *choice.refused]))
    return choices


def _identity(authority: x509.Certificate) -> tuple[x509.Name, bytes]:
    """Return what tells authorities apart: a renewed certificate is the same one."""
    key = authority.public_key()
    return authority.subject, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _own(authority: x509.Certificate, lists: Iterable[RevocationList]) -> list[RevocationList]:
    return [one for one in lists if has_signed(authority, one.crl)]


def _choose(
    name: str, installed: list[RevocationList], given: list[RevocationList], now: datetime
) -> Choice:
    sound = [one for one in given if one.fault(now) is None]
    if not sound:
        refused = [f"{one.source}: {one.fault(now)}" for one in given]
        return Choice(name, installed, is_new=False, refused=refused)
    best, last = newest(sound), newest(installed) if installed else None
    if last is None or best.is_newer_than(last):
        return Choice(name, [best], is_new=True)
    if best.crl == last.crl:
        return Choice(name, installed, is_new=False)
    return Choice(
        name,
        installed,
        is_new=False,
        refused=[f"{best.source}: it is no newer than the list of {name} that is in use"],
    )


def newest(lists: Sequence[RevocationList]) -> RevocationList:
    """Return the newest of some lists of one authority."""
    best = lists[0]
    for one in lists[1:]:
        if one.is_newer_than(best):
            best = one
    return best

"""Distinguished names: one comparison for every spelling that certificates, servers, people use.

Compared are types by OID and values by exact code points, RDNs in order, a multi-valued RDN as a
set. Nothing is folded, trimmed or normalised: whoever may choose a look-alike of another's name
would otherwise become the other.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509

from repoman.certificates.spellings import (
    MOD_SSL,
    MOD_SSL_LEGACY,
    RFC4514,
    SLASH,
    InvalidName,
    RDNs,
    Spelling,
    read,
    write_canonical,
    write_rfc4514,
    write_slash,
)
from repoman.certificates.values import rdn_of_x509

__all__ = [
    "DistinguishedName",
    "InvalidName",
    "from_x509",
    "parse",
    "parse_mod_ssl",
    "parse_rfc4514",
    "parse_slash",
]

_MISTAKES = (
    (r"-----BEGIN ", "This is a certificate in PEM and not its name: send it as the certificate."),
    (r"\s*(?i:subject|issuer)\s*=", "Leave out the word before the name, `subject=` or `issuer=`."),
    (
        r"[\w.]+ +=|[^/].*, +[\w.]+ *=",
        "With blanks around comma or equals sign a name cannot be told from its reverse: give the "
        "certificate instead, or what `openssl x509 -noout -subject -nameopt RFC2253` prints.",
    ),
)


@dataclass(frozen=True)
class DistinguishedName:
    """A name of at least one RDN, root first, each a set of (dotted OID, value).

    A value is a ``str``, or ``bytes`` with the DER of what is no character string. Each of the
    three spellings is one-to-one: equal for two names only where the names are equal.
    Raises InvalidName when there is no RDN or an empty one.
    """

    rdns: RDNs

    def __post_init__(self) -> None:
        if not self.rdns or not all(self.rdns):
            raise InvalidName("The distinguished name is empty.")

    def __str__(self) -> str:
        return self.slash

    @cached_property
    def canonical(self) -> str:
        """The key for the database: the slash form with OIDs, in printable ASCII.

        Up to 12 characters a code point: whoever stores it bounds it.
        """
        return write_canonical(self.rdns)

    @cached_property
    def slash(self) -> str:
        """The form shown to people, ``/C=CA/O=Grid/CN=Ann Lee``."""
        return write_slash(self.rdns)

    @cached_property
    def rfc4514(self) -> str:
        """The RFC 4514 form, leaf first, ``CN=Ann Lee,O=Grid,C=CA``."""
        return write_rfc4514(self.rdns)


def from_x509(name: x509.Name) -> DistinguishedName:
    """Take the name out of a certificate; InvalidName when it is empty."""
    return DistinguishedName(tuple(rdn_of_x509(rdn) for rdn in name.rdns))


def parse(text: str) -> DistinguishedName:
    """Read what a person wrote: the slash form if it begins with a slash, else RFC 4514.

    A line end around it is dropped. Raises InvalidName.
    """
    return parse_slash(text) if text.startswith("/") else parse_rfc4514(text)


def parse_slash(text: str) -> DistinguishedName:
    r"""Read the slash form, in which a slash separates only before ``type=``.

    A raw blank at the very end is refused: it is more often a slip than a name's. (``\x20``)
    Raises InvalidName.
    """
    if text.endswith(" "):
        raise InvalidName(r"The name ends in a blank. Leave it out, or write \x20 if it is meant.")
    return DistinguishedName(_read_typed(text, SLASH, lead=""))


def parse_rfc4514(text: str) -> DistinguishedName:
    """Read RFC 4514, without the blanks, quotes and semicolons that RFC 2253 let pass.

    Raises InvalidName.
    """
    return DistinguishedName(_read_typed(text, RFC4514, lead=",")[::-1])


def parse_mod_ssl(text: str) -> DistinguishedName:
    r"""Read SSL_CLIENT_S_DN or SSL_CLIENT_I_DN as WSGI passes it: UTF-8 seen as latin-1 (PEP 3333).

    Either OpenSSL's RFC 2253 form, or with +LegacyDNStringFormat its slash form, which writes the
    letter ``ë`` and the characters ``\xC3\xAB`` alike: refused where it contains a backslash.
    A BMPString it shows byte by byte, so prefer the certificate in any case. Raises InvalidName.
    """
    try:
        text = text.encode("latin-1").decode()
    except UnicodeError:
        raise InvalidName("The server passed a distinguished name that is not UTF-8.") from None
    if not text.startswith("/"):
        return DistinguishedName(_read(text, MOD_SSL, lead=",")[::-1])
    if "\\" in text:
        raise InvalidName(
            "mod_ssl's legacy spelling of this distinguished name can be read in two ways: "
            "have the server pass SSL_CLIENT_CERT, or remove +LegacyDNStringFormat."
        )
    return DistinguishedName(_read(text, MOD_SSL_LEGACY, lead=""))


def _read(text: str, spelling: Spelling, *, lead: str) -> RDNs:
    # read() wants a separator before every attribute, which RFC 4514 leaves out of the first.
    if not text.strip("/"):
        raise InvalidName(f"The distinguished name is empty. {spelling.hint}")
    try:
        return read(lead + text, spelling)
    except UnicodeError:
        raise InvalidName("The escaped bytes in the name are not UTF-8.") from None


def _read_typed(text: str, spelling: Spelling, *, lead: str) -> RDNs:
    text = text.strip("\r\n")
    try:
        _refuse_invisible(text)
        return _read(text, spelling, lead=lead)
    except InvalidName:
        for pattern, advice in _MISTAKES:
            if re.match(pattern, text):
                raise InvalidName(advice) from None
        raise


def _refuse_invisible(text: str) -> None:
    for char in text:
        if not char.isprintable():
            raise InvalidName(
                f"The name contains U+{ord(char):04X}, which cannot be seen. Leave it out, or "
                "escape the bytes of its UTF-8: \\xHH in the slash form, \\HH in RFC 4514."
            )

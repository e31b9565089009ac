r"""Distinguished names to text and back: the slash form and RFC 4514.

Both are one-to-one. Reading what was written gives the same name, and two names never share a
text, because every character that could be taken for structure is escaped: the separators and the
backslash, a leading ``#``, blanks at either edge of a value, and whatever cannot be seen
(controls, bidirectional and other format characters, odd blanks), so that a terminal is safe.

The slash form has no standard. Ours: root first, ``\/ \+ \\`` for these characters, ``\xHH`` for
bytes of UTF-8, ``#`` and hexadecimal for the DER of a value that is no character string.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography import x509

from repoman.certificates.attribute_types import OPENSSL_NAMES, SHORT_NAMES, TYPED_NAMES
from repoman.certificates.values import RDN, Value, der_of_value, value_of_der

RDNs = tuple[RDN, ...]
"""A name: its relative distinguished names, root first."""


class InvalidName(ValueError):
    """A text or an X.509 name that is no distinguished name; the message tells what to do."""


@dataclass(frozen=True)
class Spelling:
    """How one form of text is read.

    ``attribute`` matches one separator, type and value; its matches must tile the text.
    ``escape`` matches an escape in UTF-8: group 1 is a byte in hexadecimal, group 2 a character.
    ``oid_of`` finds the dotted OID of a type's name. ``hex_values``: ``#`` introduces DER.
    """

    attribute: re.Pattern[str]
    escape: re.Pattern[bytes]
    oid_of: Callable[[str], str | None]
    hex_values: bool
    hint: str


# No possessive quantifiers (*+): Python 3.11.2, which is Debian 12's, matches them wrongly. Nothing
# is lost: each alternative begins with characters of its own, so nothing is tried twice.
_TYPE = r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)"
_SLASH_VALUE = rf"(?:\\(?:x[0-9A-Fa-f]{{2}}|[/+\\])|[/+](?!{_TYPE}=)|[^/+\\])*"
_RFC4514_VALUE = (
    r"(?! )"  # blanks at the edges must be escaped
    r'(?:\\(?:["+,;<>\\ #=]|[0-9A-Fa-f]{2})'
    r"| +(?![ ,+]|\Z)"
    r'|[^"+,;<>\\ ])*'
)
_SLASH_SPECIAL, _SLASH_BYTE = "/+\\", r"\x{:02X}"
_RFC4514_SPECIAL, _RFC4514_BYTE = ',+"<>;\\', r"\{:02X}"
_RFC4514_ESCAPE = re.compile(rb"\\(?:([0-9A-Fa-f]{2})|(.))")
_WITH_CERTIFICATE = "The string is not one-to-one here: have the server pass SSL_CLIENT_CERT."


def _attribute(separators: str, value: str) -> re.Pattern[str]:
    return re.compile(rf"([{separators}])({_TYPE})=({value})", re.DOTALL)


def _typed(name: str) -> str | None:
    return TYPED_NAMES.get(name.lower())


SLASH = Spelling(
    attribute=_attribute("/+", _SLASH_VALUE),
    escape=re.compile(rb"\\(?:x(..)|(.))"),
    oid_of=_typed,
    hex_values=True,
    hint="Write it as /C=CA/O=Grid/CN=Ann Lee, with \\/ \\+ \\\\ for a slash, plus or backslash "
    "that belongs to a value and \\xHH for a byte of UTF-8, or give the certificate instead.",
)
"""What a person writes and ``client_dn`` shows: a slash separates only before ``type=``."""

RFC4514 = Spelling(
    attribute=_attribute(",+", _RFC4514_VALUE),
    escape=_RFC4514_ESCAPE,
    oid_of=_typed,
    hex_values=True,
    hint="Write it as `openssl x509 -noout -subject -nameopt RFC2253` does, CN=Ann Lee,O=Grid,C=CA "
    "(no blanks around comma and equals sign), or give the certificate instead.",
)
"""RFC 4514 without RFC 2253's leniencies: quotes, semicolons, blanks around separators."""

MOD_SSL_LEGACY = Spelling(
    attribute=_attribute("/+", r"[^/+\\]*"),
    escape=re.compile(rb"(?!)"),
    oid_of=OPENSSL_NAMES.get,
    hex_values=False,
    hint=_WITH_CERTIFICATE,
)
"""OpenSSL's X509_NAME_oneline as far as it is one-to-one, that is, without a backslash."""

MOD_SSL = Spelling(
    attribute=RFC4514.attribute,
    escape=_RFC4514_ESCAPE,
    oid_of=OPENSSL_NAMES.get,
    hex_values=True,
    hint=_WITH_CERTIFICATE,
)
"""OpenSSL's XN_FLAG_RFC2253, as mod_ssl uses it."""


def read(text: str, spelling: Spelling) -> RDNs:
    """Read a text that begins with a separator; the RDNs are in the order of the text.

    Raises InvalidName, and UnicodeError where escapes do not make UTF-8.
    """
    rdns: list[list[tuple[str, Value]]] = []
    position = 0
    while match := spelling.attribute.match(text, position):
        position = match.end()
        separator, type_name, raw = match.groups()
        attribute = (_oid(type_name, spelling), _value(raw, spelling))
        if separator != "+":
            rdns.append([attribute])
        elif attribute in rdns[-1]:
            raise InvalidName(f"The name has {type_name} twice, with one value, joined by a plus.")
        else:
            rdns[-1].append(attribute)
    if position < len(text) or not rdns:
        rest = text[position : position + 40].removeprefix(",")
        raise InvalidName(f"The name cannot be read from {rest!r} on. {spelling.hint}")
    return tuple(frozenset(rdn) for rdn in rdns)


def _oid(type_name: str, spelling: Spelling) -> str:
    if oid := spelling.oid_of(type_name):
        return oid
    try:
        return x509.ObjectIdentifier(type_name).dotted_string
    except ValueError:
        raise InvalidName(
            f"{type_name!r} is no known attribute type. Give its OID, such as 2.5.4.3=; "
            f"where it belongs to a value, escape the separator before it. {spelling.hint}"
        ) from None


def _value(raw: str, spelling: Spelling) -> Value:
    if spelling.hex_values and raw.startswith("#") and raw != "#":
        try:
            return value_of_der(bytes.fromhex(raw[1:]))
        except ValueError:
            raise InvalidName(
                "A value that begins with # is DER in hexadecimal. For the character itself, "
                "write \\x23 in the slash form and \\23 in RFC 4514."
            ) from None
    return spelling.escape.sub(_unescape, raw.encode()).decode()


def _unescape(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode()) if match[1] else match[2]


def write_slash(rdns: RDNs) -> str:
    """Write the slash form for people: short names, letters of every script as they are."""
    return _write_slash(rdns, SHORT_NAMES, str.isprintable)


def write_canonical(rdns: RDNs) -> str:
    """Write the slash form for keys: OIDs, and nothing but ASCII.

    So the key does not depend on a table of names, on a database's collation, or on which
    characters the running Python's Unicode version can print.
    """
    return _write_slash(rdns, {}, _is_printable_ascii)


def write_rfc4514(rdns: RDNs) -> str:
    """Write RFC 4514, leaf first; a type without a short name as OID, ``#`` and DER (2.4)."""
    return ",".join("+".join(_write_rfc4514(*one) for one in _in_order(rdn)) for rdn in rdns[::-1])


def _write_slash(rdns: RDNs, names: Mapping[str, str], is_plain: Callable[[str], bool]) -> str:
    def attribute(oid: str, value: Value) -> str:
        return f"{names.get(oid, oid)}={_escape(value, _SLASH_SPECIAL, _SLASH_BYTE, is_plain)}"

    return "".join("/" + "+".join(attribute(*one) for one in _in_order(rdn)) for rdn in rdns)


def _write_rfc4514(oid: str, value: Value) -> str:
    if oid not in SHORT_NAMES:
        return f"{oid}=#{der_of_value(value).hex()}"
    escaped = _escape(value, _RFC4514_SPECIAL, _RFC4514_BYTE, str.isprintable)
    return f"{SHORT_NAMES[oid]}={escaped}"


def _escape(value: Value, special: str, byte: str, is_plain: Callable[[str], bool]) -> str:
    if isinstance(value, bytes):
        return f"#{value.hex()}"

    def escape(position: int, char: str) -> str:
        at_edge = char == " " and position in {0, len(value) - 1}
        if at_edge or not is_plain(char) or (char == "#" and position == 0):
            return "".join(byte.format(octet) for octet in char.encode())
        return f"\\{char}" if char in special else char

    return "".join(escape(position, char) for position, char in enumerate(value))


def _is_printable_ascii(char: str) -> bool:
    return char.isascii() and char.isprintable()


def _in_order(rdn: RDN) -> list[tuple[str, Value]]:
    # A multi-valued RDN is a set; text wants one order.
    return sorted(rdn, key=lambda attribute: (attribute[0], der_of_value(attribute[1])))

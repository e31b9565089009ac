"""The values in a distinguished name: character strings, or the DER of whatever is none.

A string's ASN.1 type (PrintableString, UTF8String, BMPString ...) does not matter to who somebody
is, so it is dropped. Other types (BIT STRING, OCTET STRING ...) keep their DER, as ``bytes``, which
never equals a ``str``.
"""

from cryptography import x509
from cryptography.hazmat import asn1

Value = str | bytes
"""A character string, or the DER encoding of a value that is none."""

RDN = frozenset[tuple[str, Value]]
"""A relative distinguished name: its attributes' dotted OIDs and values."""

_CODECS = {
    b"\x0c": "utf-8",  # UTF8String
    b"\x12": "utf-8",  # NumericString. In this and the next four, whatever is not ASCII
    b"\x13": "utf-8",  # PrintableString       is taken for UTF-8, as cryptography does.
    b"\x14": "utf-8",  # T61String
    b"\x16": "utf-8",  # IA5String
    b"\x1a": "utf-8",  # VisibleString
    b"\x1c": "utf-32-be",  # UniversalString
    b"\x1e": "utf-16-be",  # BMPString
}


@asn1.sequence
class _Attribute:
    type: x509.ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class _NameOfOneRDN:
    rdn: asn1.SetOf[_Attribute]


def value_of_der(der: bytes) -> Value:
    """Read one value from its DER encoding; ValueError where it is none."""
    return _value(asn1.decode_der(asn1.TLV, der))


def der_of_value(value: Value) -> bytes:
    """Encode a value in DER, a character string as UTF8String."""
    return asn1.encode_der(value) if isinstance(value, str) else value


def rdn_of_x509(rdn: x509.RelativeDistinguishedName) -> RDN:
    """Convert cryptography's RDN.

    By way of DER, since only there an OCTET STRING or a time differs from a character string.
    """
    attributes = asn1.decode_der(_NameOfOneRDN, x509.Name([rdn]).public_bytes()).rdn.as_list()
    return frozenset((one.type.dotted_string, _value(one.value)) for one in attributes)


def _value(tlv: asn1.TLV) -> Value:
    codec = _CODECS.get(tlv.tag_bytes)
    return bytes(tlv.data).decode(codec) if codec else asn1.encode_der(tlv)

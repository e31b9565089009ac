"""Every distinguished name is itself and nobody else's, in every spelling."""

import subprocess
from contextlib import suppress
from itertools import combinations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from repoman.certificates import names
from repoman.certificates.attribute_types import SHORT_NAMES
from repoman.certificates.names import DistinguishedName, InvalidName
from tests.odd_names import ODD_SUBJECTS
from tests.pki import CertificateAuthority, make_name

AUTHORITY = CertificateAuthority()


def issued(subject, **options) -> x509.Certificate:
    return AUTHORITY.issue(make_name(subject, "UTF8String"), **options).certificate


SUBJECTS = {what: issued(subject).subject for what, subject in ODD_SUBJECTS.items()}


def expected(name: x509.Name) -> DistinguishedName:
    """Read a name of character strings as cryptography itself does."""
    return DistinguishedName(
        tuple(frozenset((one.oid.dotted_string, one.value) for one in rdn) for rdn in name.rdns)
    )


def openssl_subject(certificate: x509.Certificate, form: str) -> str:
    """Have OpenSSL write the subject, as mod_ssl does, and see it as latin-1, as WSGI does."""
    shown = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", form],
        input=certificate.public_bytes(Encoding.DER),
        capture_output=True,
        check=True,
    ).stdout.decode("latin-1")
    return shown.removeprefix("subject=").removesuffix("\n")


# --- names as hypothesis draws them ---

any_char = st.characters(exclude_categories=["Cs"])
text_values = st.text(st.one_of(st.sampled_from('/+\\=#, "<>;xCN0\0'), any_char), max_size=12)
der_values = st.binary(max_size=40).map(lambda data: bytes([4, len(data)]) + data)
oids = st.one_of(
    st.sampled_from(sorted(SHORT_NAMES)),
    st.lists(st.integers(0, 2**31), max_size=4).map(lambda arcs: ".".join(map(str, [2, 9, *arcs]))),
)
attributes = st.tuples(oids, st.one_of(text_values, der_values))
rdns = st.frozensets(attributes, min_size=1, max_size=3)
any_name = st.lists(rdns, min_size=1, max_size=4).map(lambda some: DistinguishedName(tuple(some)))


@given(any_name)
def test_what_is_written_reads_back_as_the_same_name(name):
    assert names.parse_slash(name.slash) == name
    assert names.parse_slash(name.canonical) == name
    assert names.parse_rfc4514(name.rfc4514) == name
    assert names.parse(name.slash) == names.parse(name.rfc4514) == name


@given(any_name, any_name)
def test_two_names_share_a_spelling_only_if_equal(one, other):
    for form in ("canonical", "slash", "rfc4514"):
        assert (getattr(one, form) == getattr(other, form)) == (one == other)


@given(any_name)
def test_what_is_written_is_printable_and_keys_are_ascii(name):
    assert name.slash.isprintable()
    assert name.rfc4514.isprintable()
    assert name.canonical.isprintable()
    assert name.canonical.isascii()
    assert name.slash == name.slash.strip()


@given(st.text())
def test_reading_any_text_gives_a_name_or_invalid_name(text):
    for reader in (names.parse, names.parse_slash, names.parse_rfc4514, names.parse_mod_ssl):
        for given_text in (text, f"/CN={text}", f"CN={text}"):
            with suppress(InvalidName):
                name = reader(given_text)
                assert names.parse_slash(name.slash) == name


ordinary = st.tuples(
    st.sampled_from(["O", "OU", "L", "DC", "UID", "emailAddress", "1.2.3.4.5"]), text_values
)


@given(st.lists(st.lists(ordinary, min_size=1, max_size=2, unique=True), min_size=1, max_size=3))
def test_a_real_certificates_name_is_cryptographys_and_reads_back(subject):
    certificate = issued(subject)
    name = names.from_x509(certificate.subject)
    assert name == expected(make_name(subject))
    assert names.parse(name.slash) == names.parse(name.rfc4514) == name
    assert names.parse(name.canonical) == name


@pytest.mark.parametrize("what", ODD_SUBJECTS)
def test_an_odd_name_in_a_real_certificate_is_itself(what):
    name = names.from_x509(SUBJECTS[what])
    assert name == expected(make_name(ODD_SUBJECTS[what]))
    assert names.parse(name.slash) == name
    assert names.parse(name.canonical) == name
    assert names.parse(name.rfc4514) == name


def test_no_two_odd_names_meet_in_any_spelling():
    for one, other in combinations(map(names.from_x509, SUBJECTS.values()), 2):
        assert one != other
        assert len({one.canonical, other.canonical}) == 2
        assert len({one.slash, other.slash}) == 2
        assert len({one.rfc4514, other.rfc4514}) == 2


@pytest.mark.parametrize("what", ODD_SUBJECTS)
def test_mod_ssls_string_is_the_certificates_name(what):
    certificate = issued(ODD_SUBJECTS[what])
    shown = openssl_subject(certificate, "RFC2253,-esc_msb")
    assert names.parse_mod_ssl(shown) == names.from_x509(certificate.subject)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(ordinary, min_size=1, max_size=2, unique=True), min_size=1, max_size=3))
def test_mod_ssls_string_of_any_name_is_the_certificates_name(subject):
    certificate = issued(subject)
    shown = openssl_subject(certificate, "RFC2253,-esc_msb")
    assert names.parse_mod_ssl(shown) == names.from_x509(certificate.subject)


@pytest.mark.parametrize("what", ODD_SUBJECTS)
def test_mod_ssls_legacy_string_is_the_certificates_name_or_refused(what):
    certificate = issued(ODD_SUBJECTS[what])
    shown = openssl_subject(certificate, "compat")
    if "\\" in shown:
        with pytest.raises(InvalidName, match="SSL_CLIENT_CERT"):
            names.parse_mod_ssl(shown)
    else:
        assert names.parse_mod_ssl(shown) == names.from_x509(certificate.subject)


@pytest.mark.parametrize(
    "text",
    [
        "/CN=host/node1",  # a server that does not escape the slash
        "/CN=a+b",
        "/foo=a",
        "/cn=a",
        "/",
        "",
        "CN=a, O=b",
        "cn=a",
        "CN=\\FF",
        "CN=\xff",
        "CN=Zo\u0308",
        "1.2.3.4=#0c",
    ],
)
def test_a_string_that_mod_ssl_does_not_write_is_refused(text):
    with pytest.raises(InvalidName):
        names.parse_mod_ssl(text)


@pytest.mark.parametrize("string_type", ["PrintableString", "BMPString", "UniversalString"])
def test_the_type_of_string_does_not_matter(string_type):
    subject = [("O", "Grid"), ("CN", "Ann Lee")]
    certificate = AUTHORITY.issue(subject, string_type=string_type).certificate
    assert names.from_x509(certificate.subject) == names.parse("/O=Grid/CN=Ann Lee")


@pytest.mark.parametrize("string_type", ["OctetString", "UTCTime", "GeneralizedTime"])
def test_a_value_that_is_no_string_equals_no_string(string_type):
    value = {"OctetString": "Ann"}.get(string_type, "20260101000000Z")
    certificate = AUTHORITY.issue([("O", value)], string_type=string_type).certificate
    name = names.from_x509(certificate.subject)
    assert name != names.parse(f"/O={value}")
    assert name != names.from_x509(make_name([("O", name.slash.removeprefix("/O="))]))
    assert name.slash.startswith("/O=#")
    assert names.parse(name.slash) == names.parse(name.rfc4514) == name


def test_a_bit_string_is_written_in_hexadecimal():
    oid = x509.NameOID.X500_UNIQUE_IDENTIFIER
    attribute = x509.NameAttribute(oid, b"\0ab", x509.name._ASN1Type.BitString)
    name = names.from_x509(AUTHORITY.issue(x509.Name([attribute])).certificate.subject)
    assert name.slash == "/x500UniqueIdentifier=#0303006162"
    assert names.parse(name.slash) == name


def test_hexadecimal_of_a_string_is_that_string():
    assert names.parse("CN=#0c03416e6e") == names.parse("/CN=#1303416e6e") == names.parse("/CN=Ann")


@pytest.mark.parametrize(
    ("text", "slash"),
    [
        ("/CN=host/node1.example.org", r"/CN=host\/node1.example.org"),
        ("/CN=C++ team", r"/CN=C\+\+ team"),
        (r"/CN=a\/CN=b", r"/CN=a\/CN=b"),
        ("/cn=Ann/EMAILADDRESS=a@b", "/CN=Ann/emailAddress=a@b"),
        ("/O=Grid/E=a@b", "/O=Grid/emailAddress=a@b"),
        ("/2.5.4.3=Ann", "/CN=Ann"),
        ("/userid=ann+commonName=Ann", "/UID=ann+CN=Ann"),
        (r"/CN=Zo\xC3\xab", "/CN=Zoë"),
        (r"/CN=a\x2fCN=b", r"/CN=a\/CN=b"),
        ("/CN=Ann\r\n", "/CN=Ann"),
        ("/O= Grid /CN=Ann", r"/O=\x20Grid\x20/CN=Ann"),
        ("CN=Ann Lee,O=Grid,C=CA", "/C=CA/O=Grid/CN=Ann Lee"),
        (r"CN=Lee\, Ann,O=\22G\22", '/O="G"/CN=Lee, Ann'),
        ("uid=ann+cn=Ann,o=a=b/c", r"/O=a=b\/c/UID=ann+CN=Ann"),
        ("CN=,O=x", "/O=x/CN="),
        (r"CN=Zo\C3\AB,1.2.3.4=foo", "/1.2.3.4=foo/CN=Zoë"),
    ],
)
def test_what_people_write_is_read(text, slash):
    if "UID=ann+CN" in slash:
        assert names.parse(text) == names.parse(slash)
    else:
        assert names.parse(text).slash == slash


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("C = CA, O = Grid, CN = Ann", "certificate"),
        ("C=CA, O=Grid, CN=Ann", "certificate"),
        ("CN=Ann, O=Grid", "certificate"),
        ("subject=CN=Ann,O=Grid", "Leave out"),
        ("subject= /O=Grid/CN=Ann", "Leave out"),
        ("issuer=C = CA", "Leave out"),
        ("-----BEGIN CERTIFICATE-----\nMII", "PEM"),
        ("", "empty"),
        ("/", "empty"),
        ("\n", "empty"),
        ("Ann", "Ann"),
        ("/CN=Ann ", r"\\x20"),
        ("/CN=a\u202eb", r"U\+202E"),
        ("/CN=a\x00b", r"U\+0000"),
        ("/CN=a\ud800b", r"U\+D800"),
        ("/CN=a/foo=b", "'foo'"),
        ("foo=b", "'foo'"),
        ("/9.9.9=b", "9.9.9"),
        ("/\u0662.5.4.3=b", "cannot be read"),
        (r"/CN=a\b", r"cannot be read"),
        (r"/CN=a\x4", r"cannot be read"),
        (r"/CN=\xFF", "UTF-8"),
        (r"/CN=\xED\xA0\x80", "UTF-8"),
        ("/CN=#1 fan", r"\\x23"),
        ("/CN=#0c04416e6e", r"\\x23"),
        ("/CN=#0c01ff", r"\\x23"),
        ("/CN=a+CN=a", "twice"),
        ("/CN=a+CN=#0c0161", "twice"),
        ("CN=a;O=b", "cannot be read"),
        ('CN="a"', "cannot be read"),
        ("CN= a", "cannot be read"),
        ("CN=a ,O=b", "cannot be read"),
        ("CN=a,", "cannot be read"),
        ("CN=a ", "cannot be read"),
        (" CN=a", "cannot be read"),
        ("CN=a\\", "cannot be read"),
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused_with_advice(text, advice):
    with pytest.raises(InvalidName, match=advice):
        names.parse(text)


def test_order_within_an_rdn_does_not_matter_but_order_of_rdns_does():
    assert names.parse("/CN=a+UID=b") == names.parse("/UID=b+CN=a")
    assert names.parse("/CN=a+UID=b").canonical == names.parse("/UID=b+CN=a").canonical
    assert names.parse("/CN=a/UID=b") != names.parse("/UID=b/CN=a")


def test_an_empty_subject_is_no_name():
    with pytest.raises(InvalidName, match="empty"):
        names.from_x509(x509.Name([]))

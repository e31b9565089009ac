"""RFC 3820: whose proxy it is, and every way in which a chain can lie."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from repoman.certificates.proxies import InvalidProxy, find_end_entity, is_proxy
from tests.pki import CertificateAuthority, Holder, der, make_name, proxy_info

AUTHORITY = CertificateAuthority()
ANN = AUTHORITY.issue("/O=Grid/CN=Ann")
STRANGER = AUTHORITY.issue("/O=Grid/CN=Stranger")
OTHER_RSA = rsa.generate_private_key(65537, 2048)
ANY_LANGUAGE = "1.3.6.1.5.5.7.21.0"
BASIC_CA = (x509.BasicConstraints(ca=True, path_length=None), True)


def nested(depth: int, **last) -> Holder:
    holder = ANN
    for level in range(depth):
        holder = holder.proxy(**last) if level == depth - 1 else holder.proxy()
    return holder


def find(holder: Holder):
    return find_end_entity(holder.certificate, holder.chain)


def refused(holder: Holder, sentence: str, chain=None) -> None:
    with pytest.raises(InvalidProxy, match=sentence):
        find_end_entity(holder.certificate, holder.chain if chain is None else chain)


def test_an_end_entity_is_itself_whatever_else_was_sent():
    found = find_end_entity(ANN.certificate, [STRANGER.certificate, AUTHORITY.certificate])
    assert (found.certificate, found.depth, found.limited) == (ANN.certificate, 0, False)


@pytest.mark.parametrize("depth", [1, 2, 3, 7])
def test_a_proxy_of_any_depth_is_the_end_entitys(depth):
    found = find(nested(depth))
    assert (found.certificate, found.depth, found.limited) == (ANN.certificate, depth, False)


def test_a_chain_is_limited_when_any_proxy_in_it_is():
    assert find(ANN.proxy(limited=True)).limited
    assert find(ANN.proxy(limited=True).proxy()).limited
    assert find(ANN.proxy().proxy(limited=True)).limited
    assert find(ANN.proxy().proxy(limited=True).proxy()).limited


def test_a_cn_of_digits_alone_is_no_proxy():
    digits = AUTHORITY.issue("/O=Grid/CN=Ann/CN=12345")
    assert not is_proxy(digits.certificate)
    assert find(digits).certificate == digits.certificate
    assert find(digits.proxy()).certificate == digits.certificate


def test_the_chain_may_come_in_any_order_with_strangers_and_repetitions():
    holder = nested(3)
    sent = [*holder.chain, STRANGER.certificate, AUTHORITY.certificate]
    for order in permutations(sent):
        assert find_end_entity(holder.certificate, order).certificate == ANN.certificate
    again = [holder.certificate, *holder.chain, *holder.chain]
    assert find_end_entity(holder.certificate, again).depth == 3


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()]
)
def test_the_signer_may_have_any_kind_of_key(key):
    signer = AUTHORITY.issue("/O=Grid/CN=Ann", key=key)
    proxy = signer.proxy()
    assert find(proxy).certificate == find(proxy.proxy()).certificate == signer.certificate
    others = [ANN.certificate, AUTHORITY.issue("/CN=x", key=OTHER_RSA).certificate]
    assert find_end_entity(proxy.certificate, [*others, *proxy.chain]).depth == 1
    refused(proxy, "not sent along", others)


def test_a_signature_by_rsa_pss_is_checked():
    key = rsa.generate_private_key(65537, 2048)
    signer = AUTHORITY.issue("/O=Grid/CN=Ann", key=key)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    proxy = signer.proxy(rsa_padding=pss)
    chain = [AUTHORITY.issue("/CN=x", key=OTHER_RSA).certificate, signer.certificate]
    assert find_end_entity(proxy.certificate, chain).certificate == signer.certificate
    refused(proxy, "not sent along", chain[:1])


def test_dates_are_those_in_which_the_whole_chain_is_valid():
    now = datetime.now(UTC).replace(microsecond=0)
    times = [now + timedelta(minutes=minute) for minute in (-3, 5, -2, 7, -1, 6)]
    ann = AUTHORITY.issue("/CN=Ann", not_before=times[0], not_after=times[1])
    proxy = ann.proxy(not_before=times[2], not_after=times[3])
    found = find(proxy.proxy(not_before=times[4], not_after=times[5]))
    assert (found.not_before, found.not_after) == (times[4], times[1])


def test_a_chain_with_a_link_missing_is_refused():
    holder = nested(3)
    for missing in range(3):
        chain = [one for n, one in enumerate(holder.chain) if n != missing]
        refused(holder, "not sent along", chain)
    refused(nested(1), "not sent along", [])
    refused(nested(1), "not sent along", [AUTHORITY.certificate, STRANGER.certificate])


def test_a_forged_signature_is_refused():
    mallory = AUTHORITY.issue("/O=Grid/CN=Mallory")
    forged = mallory.proxy(
        issuer=ANN.certificate.subject, subject=make_name("/O=Grid/CN=Ann/CN=123")
    )
    refused(forged, "not sent along", [ANN.certificate])
    refused(forged, "name is not its signer's", [ANN.certificate, mallory.certificate])


def test_a_changed_proxy_is_refused():
    proxy = ANN.proxy(cn="1234567")
    changed = proxy.certificate.public_bytes(Encoding.DER).replace(b"1234567", b"7654321")
    with pytest.raises(InvalidProxy, match="not sent along"):
        find_end_entity(x509.load_der_x509_certificate(changed), proxy.chain)


def test_a_proxy_that_signed_itself_ends_the_walk():
    own = "/O=Grid/CN=Ann/CN=1"
    loop = Holder(ANN.certificate, STRANGER.key).proxy(key=STRANGER.key, subject=own, issuer=own)
    refused(loop, "not sent along", [ANN.certificate])
    refused(loop, "name is not its signer's", [loop.certificate, ANN.certificate])


@pytest.mark.parametrize(
    "subject",
    [
        "/O=Grid/CN=Ann",
        "/O=Grid",
        "/CN=1",
        "/O=Grid/CN=Bob/CN=1",
        "/CN=Ann/O=Grid/CN=1",
        "/O=Grid/CN=ann/CN=1",
        "/O=Grid/CN=Ann/CN=1/CN=2",
    ],
)
def test_a_name_other_than_the_signers_and_one_rdn_is_refused(subject):
    refused(ANN.proxy(subject=subject), "name is not its signer's")


@pytest.mark.parametrize(
    "last", [("O", "1"), [("CN", "1"), ("O", "1")], [("CN", "1"), ("CN", "2")]]
)
def test_a_last_rdn_other_than_one_cn_is_refused(last):
    refused(ANN.proxy(subject=[("O", "Grid"), ("CN", "Ann"), last]), "not a single CN")


def test_an_issuer_name_other_than_the_signers_is_refused():
    refused(ANN.proxy(issuer="/O=Grid/CN=ANN"), "name is not its signer's")


def test_a_proxy_signed_by_an_authority_is_refused():
    refused(Holder(AUTHORITY.certificate, AUTHORITY.key).proxy(), "authority may not sign")


def test_a_proxy_that_is_an_authority_is_refused():
    refused(ANN.proxy(extensions=[BASIC_CA]), "cannot be a certificate authority")
    refused(ANN.proxy(extensions=[BASIC_CA]).proxy(), "authority")


def test_a_signer_that_may_not_sign_is_refused():
    signer = AUTHORITY.issue("/CN=Server", usage=["key_encipherment"])
    refused(signer.proxy(), "may not make digital signatures")


def test_a_second_certificate_with_the_signers_key_is_refused_whatever_its_names():
    # Ann holds her key, so she can put any names beside it: another CA's as issuer ...
    proxy = ANN.proxy()
    other_issuer = CertificateAuthority("/O=Other CA").issue("/O=Grid/CN=Ann", key=ANN.key)
    refused(proxy, "Several", [other_issuer.certificate, ANN.certificate])
    # ... or somebody else's as subject, when OpenSSL is content with names that fold alike.
    folded = CertificateAuthority().issue("/O=Grid/CN=ANN", key=ANN.key)
    lying = Holder(folded.certificate, ANN.key).proxy()
    refused(lying, "Several", [folded.certificate, ANN.certificate])
    refused(lying, "Several", [ANN.certificate, folded.certificate])


def test_a_proxy_shown_as_an_end_entity_with_the_same_key_is_refused():
    # CN=Ann/CN=7 may be another person, and Ann can make a proxy of just that name.
    proxy = ANN.proxy(cn="7")
    posing = CertificateAuthority().issue(proxy.certificate.subject, key=proxy.key)
    second = proxy.proxy()
    refused(second, "Several", [posing.certificate, *second.chain])


def test_an_independent_proxy_is_refused_at_any_level():
    refused(ANN.proxy(independent=True), "independent")
    refused(ANN.proxy(independent=True).proxy(), "independent")
    refused(ANN.proxy().proxy(independent=True), "independent")


def test_an_unknown_policy_language_is_refused():
    refused(ANN.proxy(language=ANY_LANGUAGE), "policy .*not known")
    refused(ANN.proxy(language="1.2.3").proxy(), "policy .*not known")


def test_a_policy_where_the_language_has_none_is_refused():
    refused(ANN.proxy(policy=b"read only"), "policy .*not known")
    refused(ANN.proxy(limited=True, policy=b"read only"), "policy .*not known")


@pytest.mark.parametrize(("allowed", "below"), [(0, 0), (1, 1), (1, 0), (2, 2)])
def test_a_path_within_the_constraint_is_accepted(allowed, below):
    holder = ANN.proxy(path_length=allowed)
    for _ in range(below):
        holder = holder.proxy()
    assert find(holder).depth == below + 1


@pytest.mark.parametrize(("allowed", "below"), [(0, 1), (1, 2), (0, 3)])
def test_a_path_beyond_the_constraint_is_refused(allowed, below):
    holder = ANN.proxy(path_length=allowed)
    for _ in range(below):
        holder = holder.proxy(path_length=9)
    refused(holder, f"{below} proxy certificates below one that allows {allowed}")


def test_a_negative_path_length_is_refused():
    refused(ANN.proxy(path_length=-1), "allows -1")


GOOD = proxy_info("1.3.6.1.5.5.7.21.1")


@pytest.mark.parametrize(
    "info",
    [
        b"",
        b"\x30",
        der(0x30),
        der(0x31, GOOD[2:]),
        GOOD + b"\0",
        GOOD[:-1],
        b"\x30\x80" + GOOD[2:] + b"\0\0",
        b"\x30\x81" + GOOD[1:],
        der(0x30, der(2, b"\x00\x01"), GOOD[2:]),
        der(0x30, der(4, b"x"), GOOD[2:]),
        der(0x30, GOOD[2:], der(2, b"\x01")),
        der(0x30, der(0x30)),
        der(0x30, der(0x30, der(6, b"\x80"))),
    ],
)
def test_a_malformed_extension_is_refused(info):
    refused(ANN.proxy(info=info), "malformed")


def test_an_extension_that_is_not_critical_is_refused():
    refused(ANN.proxy(critical=False), "not critical")


def test_a_proxy_of_the_globus_draft_is_refused():
    draft = ANN.proxy(oid="1.3.6.1.4.1.3536.1.222")
    assert is_proxy(draft.certificate)
    refused(draft, "draft that preceded")


def test_extensions_given_twice_are_refused():
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.15"), b"")
    encoded = ANN.proxy(extensions=[(other, False)]).certificate.public_bytes(Encoding.DER)
    twice = encoded.replace(bytes.fromhex("2b0601050507010f"), bytes.fromhex("2b0601050507010e"))
    with pytest.raises(InvalidProxy):
        find_end_entity(x509.load_der_x509_certificate(twice), [ANN.certificate])


HOLDER = nested(2)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=400, deadline=None)
@given(st.data())
def test_broken_certificates_are_refused_and_never_crash(data):
    """Change a few bytes anywhere in leaf or chain: nothing but InvalidProxy may come of it."""
    certificates = [HOLDER.certificate, *HOLDER.chain]
    victim = data.draw(st.integers(0, 2))
    encoded = bytearray(certificates[victim].public_bytes(Encoding.DER))
    seed = data.draw(st.randoms(use_true_random=False))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[seed.randrange(len(encoded))] = seed.choice(
            [0, 1, 6, 12, 48, 128, 255, seed.randrange(256)]
        )
    try:
        certificates[victim] = x509.load_der_x509_certificate(bytes(encoded))
    except (ValueError, x509.InvalidVersion):
        return
    with suppress(InvalidProxy):
        find_end_entity(certificates[0], certificates[1:])

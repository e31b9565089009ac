"""From mod_ssl's variables to who presented what."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoman.certificates import names, presented
from repoman.certificates.presented import MAX_CHAIN, InvalidCertificate
from tests.pki import CertificateAuthority, make_name, to_pem

AUTHORITY = CertificateAuthority("/C=CA/O=Grid/CN=Grid CA")
ANN = AUTHORITY.issue([("C", "CA"), ("O", "Grid"), ("CN", "Zoë Lee, PhD")])
PLAIN = AUTHORITY.issue("/C=CA/O=Grid/CN=Ann")
ANN_NAME = names.parse("/C=CA/O=Grid/CN=Zoë Lee, PhD")
ISSUER = names.parse("/C=CA/O=Grid/CN=Grid CA")


def read(environ, accept_proxies=None, **options):
    return presented.read(environ, accept_proxies=accept_proxies, **options)


def without(environ, *keys):
    return {key: value for key, value in environ.items() if key not in keys}


def refused(environ, sentence, **options):
    with pytest.raises(InvalidCertificate, match=sentence):
        read(environ, **options)


@pytest.mark.parametrize("verify", [{}, {"SSL_CLIENT_VERIFY": "NONE"}, {"SSL_CLIENT_VERIFY": ""}])
@pytest.mark.parametrize("accept_proxies", [True, False])
def test_without_a_verified_certificate_the_caller_is_anonymous(verify, accept_proxies):
    claims = without(ANN.environ(), "SSL_CLIENT_VERIFY")
    assert read({**claims, **verify}, accept_proxies) is None


@pytest.mark.parametrize("verify", ["GENEROUS", "FAILED:self-signed", "success", "SUCCESS ", True])
def test_any_other_outcome_of_verification_is_refused(verify):
    refused({**ANN.environ(), "SSL_CLIENT_VERIFY": verify}, "could not verify")


def test_a_header_is_no_certificate():
    headers = {f"HTTP_{key}": value for key, value in ANN.environ().items()}
    assert read(headers) is None
    bob = {**headers, **AUTHORITY.issue("/O=Grid/CN=Bob").environ()}
    assert read(bob).end_entity == names.parse("/O=Grid/CN=Bob")


@pytest.mark.parametrize("accept_proxies", [True, False])
def test_the_certificate_gives_name_issuer_and_dates(accept_proxies):
    certificate = ANN.certificate
    assert read(ANN.environ(), accept_proxies) == presented.Presented(
        subject=ANN_NAME,
        end_entity=ANN_NAME,
        issuer=ISSUER,
        depth=0,
        limited=False,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        end_entity_not_after=certificate.not_valid_after_utc,
    )


def test_the_certificate_counts_and_not_the_string():
    assert read({**ANN.environ(), "SSL_CLIENT_S_DN": "CN=Mallory"}).end_entity == ANN_NAME


def test_the_string_serves_where_there_is_no_certificate():
    from_certificate = read(ANN.environ())
    assert read(without(ANN.environ(), "SSL_CLIENT_CERT")) == from_certificate
    assert read({**ANN.environ(), "SSL_CLIENT_CERT": ""}) == from_certificate


def test_the_legacy_string_serves_where_it_is_one_to_one():
    environ = without(PLAIN.environ(), "SSL_CLIENT_CERT")
    legacy = {
        "SSL_CLIENT_S_DN": "/C=CA/O=Grid/CN=Ann",
        "SSL_CLIENT_I_DN": "/C=CA/O=Grid/CN=Grid CA",
    }
    assert read({**environ, **legacy}) == read(PLAIN.environ())
    refused({**environ, "SSL_CLIENT_S_DN": r"/O=Grid/CN=host\/node1"}, "SSL_CLIENT_CERT")
    refused({**environ, "SSL_CLIENT_S_DN": r"/O=Grid/CN=Zo\xC3\xAB"}, "two ways")


def test_a_string_alone_without_issuer_or_dates_has_none():
    shown = read({"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_S_DN": "CN=Ann"})
    assert shown.end_entity == names.parse("/CN=Ann")
    assert (shown.issuer, shown.not_before, shown.not_after) == (None, None, None)


@pytest.mark.parametrize("dn", [{}, {"SSL_CLIENT_S_DN": ""}, {"SSL_CLIENT_S_DN": "/"}])
def test_a_string_that_is_empty_is_refused(dn):
    refused({"SSL_CLIENT_VERIFY": "SUCCESS", **dn}, "empty")


def test_a_certificate_with_an_empty_subject_is_refused():
    refused(AUTHORITY.issue(make_name([])).environ(), "empty")


def test_the_string_alone_is_refused_where_proxies_are_accepted():
    environ = without(ANN.environ(), "SSL_CLIENT_CERT")
    refused(environ, "ExportCertData", accept_proxies=True)
    refused({**environ, "REPOMAN_PROXY_CERTS": "1"}, "ExportCertData")
    assert read({**environ, "HTTP_REPOMAN_PROXY_CERTS": "1"}).end_entity == ANN_NAME


@pytest.mark.parametrize("switch", [{"accept_proxies": True}, {}])
def test_a_proxy_is_the_end_entitys_where_proxies_are_accepted(switch):
    proxy = ANN.proxy(limited=True).proxy(cn="42")
    module = {} if switch else {"REPOMAN_PROXY_CERTS": "1"}
    shown = read({**proxy.environ(), **module}, **switch)
    assert shown.subject == names.from_x509(proxy.certificate.subject)
    assert shown.subject.slash.endswith("/CN=42")
    assert (shown.end_entity, shown.issuer) == (ANN_NAME, ISSUER)
    assert (shown.depth, shown.limited) == (2, True)
    assert shown.not_after == proxy.certificate.not_valid_after_utc


@pytest.mark.parametrize("module", [{}, {"REPOMAN_PROXY_CERTS": "1"}])
def test_a_proxy_is_refused_where_proxies_are_not_accepted(module):
    refused({**ANN.proxy().environ(), **module}, "does not accept proxy", accept_proxies=False)
    refused(ANN.proxy().environ(), "does not accept proxy")


def test_the_string_alone_is_refused_where_a_proxy_could_be_behind_it():
    environ = without(ANN.environ(), "SSL_CLIENT_CERT") | {"REPOMAN_PROXY_CERTS": "1"}
    refused(environ, "ExportCertData", accept_proxies=False)


def test_a_proxy_without_its_chain_is_refused():
    refused(ANN.proxy().environ(chain=[]), "not sent along", accept_proxies=True)


def test_the_chain_is_read_up_to_the_first_number_absent():
    proxy = ANN.proxy().proxy()
    environ = proxy.environ(chain=[proxy.chain[0], PLAIN.certificate, ANN.certificate])
    assert read(environ, accept_proxies=True).end_entity == ANN_NAME
    gap = without(environ, "SSL_CLIENT_CERT_CHAIN_1")
    refused(gap, "not sent along", accept_proxies=True)


def test_more_certificates_than_are_read_are_refused_with_a_proxy_only():
    strangers = [PLAIN.certificate] * (MAX_CHAIN - 1)
    proxy = ANN.proxy()
    fits = proxy.environ(chain=[*strangers, ANN.certificate])
    assert read(fits, accept_proxies=True).end_entity == ANN_NAME
    over = proxy.environ(chain=[*strangers, ANN.certificate, PLAIN.certificate])
    refused(over, "More than 16", accept_proxies=True)
    many = ANN.environ(chain=[*strangers, *strangers])
    assert read(many, accept_proxies=True).end_entity == ANN_NAME


def test_a_stranger_that_cannot_be_read_is_refused_with_a_proxy_only():
    broken = {"SSL_CLIENT_CERT_CHAIN_1": "-----BEGIN CERTIFICATE-----\n"}
    refused({**ANN.proxy().environ(), **broken}, "cannot be accepted", accept_proxies=True)
    sent = ANN.environ(chain=[PLAIN.certificate])
    assert read({**sent, **broken}, accept_proxies=True).end_entity == ANN_NAME


@pytest.mark.parametrize("accept_proxies", [True, False])
@pytest.mark.parametrize("cut", [2, 30, 300])
def test_a_certificate_that_cannot_be_read_is_refused(cut, accept_proxies):
    refused(
        {**ANN.environ(), "SSL_CLIENT_CERT": ANN.pem[:-cut]},
        "cannot be accepted",
        accept_proxies=accept_proxies,
    )


@pytest.mark.parametrize("pem", ["x", "ü", "\ud800", b"x", ["x"], 7])
def test_a_value_that_is_no_pem_is_refused(pem):
    refused({**ANN.environ(), "SSL_CLIENT_CERT": pem}, "cannot be accepted")


def at(when: datetime, seconds: int) -> datetime:
    return when + timedelta(seconds=seconds)


@pytest.mark.parametrize("only_string", [True, False])
def test_dates_are_checked_anew_at_every_request(only_string):
    environ = without(ANN.environ(), *["SSL_CLIENT_CERT"] * only_string)
    start, end = ANN.certificate.not_valid_before_utc, ANN.certificate.not_valid_after_utc
    assert read(environ, now=start)
    assert read(environ, now=end)
    refused(environ, "expired at", now=at(end, 1))
    refused(environ, "not valid before", now=at(start, -1))
    assert read(environ)


def test_a_chain_expires_with_its_first_certificate():
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
    short = AUTHORITY.issue("/CN=Ann", not_after=soon)
    environ = short.proxy(days=2).proxy(days=1).environ()
    assert read(environ, accept_proxies=True, now=soon).not_after == soon
    assert read(environ, accept_proxies=True, now=soon).end_entity_not_after == soon
    refused(environ, "expired at", accept_proxies=True, now=at(soon, 1))
    environ = ANN.proxy(not_after=soon).proxy(days=1).environ()
    shown = read(environ, accept_proxies=True, now=soon)
    assert (shown.not_after, shown.end_entity_not_after) == (
        soon,
        ANN.certificate.not_valid_after_utc,
    )
    refused(environ, "expired at", accept_proxies=True, now=at(soon, 1))


def test_an_expired_certificate_is_refused_now():
    past = datetime.now(UTC) - timedelta(minutes=1)
    refused(AUTHORITY.issue("/CN=Ann", not_after=past).environ(), "expired at")


def test_openssls_day_of_one_digit_is_read():
    environ = {"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_S_DN": "CN=Ann"}
    shown = read({**environ, "SSL_CLIENT_V_END": "Nov  4 05:37:00 2096 GMT"})
    assert shown.not_after == shown.end_entity_not_after == datetime(2096, 11, 4, 5, 37, tzinfo=UTC)


@pytest.mark.parametrize("key", ["SSL_CLIENT_V_END", "SSL_CLIENT_V_START"])
@pytest.mark.parametrize("time", ["tomorrow", "Nov 24 05:37:00 2096", "2096-11-24T05:37:00Z"])
def test_a_date_that_cannot_be_read_is_refused(key, time):
    environ = {"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_S_DN": "CN=Ann", key: time}
    refused(environ, "cannot be accepted")


def test_a_certificate_is_parsed_once():
    presented._read_certificates.cache_clear()
    proxy = ANN.proxy()
    first = read(proxy.environ(), accept_proxies=True)
    assert read(proxy.environ(), accept_proxies=True) is first
    # What was read where proxies are accepted is nothing where they are not.
    refused(proxy.environ(), "does not accept proxy")
    refused(proxy.environ(chain=[]), "not sent along", accept_proxies=True)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "SSL_CLIENT_VERIFY": st.sampled_from(["SUCCESS", "SUCCESS", "NONE", "FAILED:x"]),
            "SSL_CLIENT_CERT": st.one_of(st.text(), st.sampled_from([ANN.pem, ANN.proxy().pem])),
            "SSL_CLIENT_CERT_CHAIN_0": st.one_of(st.text(), st.just(to_pem(ANN.certificate))),
            "SSL_CLIENT_S_DN": st.text(),
            "SSL_CLIENT_I_DN": st.text(),
            "SSL_CLIENT_V_END": st.text(),
            "REPOMAN_PROXY_CERTS": st.just("1"),
        },
    )
)
def test_whatever_the_environ_holds_it_is_read_or_refused(environ):
    try:
        shown = read(environ)
    except InvalidCertificate:
        return
    assert shown is None or environ["SSL_CLIENT_VERIFY"] == "SUCCESS"

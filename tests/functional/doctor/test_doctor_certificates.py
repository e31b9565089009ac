"""``repoman-admin doctor`` on the server's certificate, the authorities and their lists.

They are broken in turn beside a running embedded server, which reads them for each connection.
"""

from datetime import UTC, datetime, timedelta

import pytest

from tests.databases import on_sqlite
from tests.doctor import LIVE, replaced
from tests.pki import CertificateAuthority, to_pem

NAME = "/O=Test Grid/CN=localhost"
NOW = datetime.now(UTC)


@pytest.fixture
def issue(served):
    """Give the server another certificate, and return what the doctor says then."""

    def issue(name=NAME, hostnames=("localhost",), chain=(), **options):
        holder = served.authority.issue(name, hostnames=hostnames, key=served.holder.key, **options)
        text = holder.pem + "".join(map(to_pem, chain))
        with replaced(served.certificate, text):
            return served.doctor(live=True)

    return issue


@pytest.mark.parametrize(
    ("start", "end", "state", "part"),
    [
        (-30, -1, "FAILED", "expired on "),
        (1, 30, "FAILED", "is not valid before "),
        (-1, 13, "warning", "expires on "),
        (-1, 15, "ok", "valid until "),
    ],
)
def test_server_certificate_out_of_date_is_said(issue, start, end, state, part):
    dates = {"not_before": NOW + timedelta(days=start), "not_after": NOW + timedelta(days=end)}
    report = issue(**dates)
    assert report.states["server certificate"] == state
    assert part in report.texts["server certificate"]
    assert set(report.not_ok) <= {"server certificate"}


def test_certificate_of_another_host_is_said_with_its_names(issue):
    report = issue(hostnames=["images.example.org", "192.0.2.1"])
    assert report.not_ok == {"host name": "FAILED"}
    said = "the certificate is not for localhost, but for images.example.org, 192.0.2.1"
    assert said in report.texts["host name"]
    assert issue(hostnames=[]).not_ok == {"host name": "FAILED"}


@pytest.mark.parametrize(
    ("base_url", "pattern", "state"),
    [
        ("https://images.example.org", "*.example.org", "ok"),
        ("https://images.example.org:8443/x", "IMAGES.example.org", "ok"),
        ("https://a.images.example.org", "*.example.org", "FAILED"),
        ("https://example.org", "*.example.org", "FAILED"),
        ("https://192.0.2.1", "192.0.2.1", "ok"),
        ("https://[2001:db8::1]", "2001:DB8:0::1", "ok"),
    ],
)
@on_sqlite
def test_name_of_the_certificate_is_compared_as_clients_do(
    deployment, base_url, pattern, state, database
):
    deployment.app["repoman.base_url"] = base_url
    deployment.write()
    holder = deployment.authority.issue(NAME, hostnames=[pattern], key=deployment.holder.key)
    deployment.certificate.write_text(holder.pem)
    assert deployment.doctor().states["host name"] == state


@on_sqlite
def test_server_without_a_name_is_not_checked_for_one(deployment, database):
    deployment.server["host"] = "*"
    deployment.write()
    report = deployment.doctor()
    assert report.not_ok == {"host name": "not checked"}
    assert "repoman.base_url" in report.texts["host name"]


def test_chain_that_is_not_in_order_is_a_warning(issue, served):
    own, strange = served.authority.certificate, CertificateAuthority().certificate
    assert issue(chain=[own]).not_ok == {}
    report = issue(chain=[strange, own])
    assert report.not_ok == {"certificate chain": "warning"}
    assert "CN=Test CA,O=Test Grid,C=CA follows" in report.texts["certificate chain"]


def test_key_of_another_certificate_is_said_and_lets_nobody_connect(served):
    other = served.authority.issue(NAME, hostnames=["localhost"])
    with replaced(served.key, other.key_pem):
        report = served.doctor(live=True)
    assert report.broken() == {"server key": "FAILED", "answers": "FAILED"}
    assert f"{served.key} is not the key of {served.certificate}" in report.texts["server key"]
    assert report.not_checked() == [*LIVE[1:]]


def test_key_that_everybody_can_read_is_said(served):
    served.key.chmod(0o644)
    report = served.doctor(live=True)
    served.key.chmod(0o640)
    assert report.not_ok == {"server key": "FAILED"}
    assert report.texts["server key"].endswith(f"chmod o-rwx {served.key}")
    assert served.doctor(live=True).not_ok == {}


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_server_certificate_that_is_not_there_leaves_the_rest_to_be_checked(served, text):
    with replaced(served.certificate, text):
        report = served.doctor(live=True)
    assert report.broken() == {"server certificate": "FAILED", "answers": "FAILED"}
    unknown = ["server key", "host name", "certificate chain", *LIVE[1:]]
    assert report.not_checked() == unknown
    assert report.states["revocation lists"] == report.states["database"] == "ok"


@pytest.mark.parametrize("text", [None, "no key"])
def test_key_that_is_not_there_is_said(served, text):
    with replaced(served.key, text):
        report = served.doctor(live=True)
    assert report.broken() == {"server key": "FAILED", "answers": "FAILED"}


def expired_authority():
    return CertificateAuthority("/C=CA/O=Test Grid/CN=Old CA", days=-0.01)


def test_expired_authority_among_others_is_a_warning_with_its_name(served):
    old = expired_authority()
    both = replaced(served.ca, served.authority.pem + old.pem)
    with both, replaced(served.crl, served.authority.revoke() + old.revoke()):
        report = served.doctor(live=True)
    assert report.not_ok == {"authorities": "warning"}
    assert "1 of 2 authorities" in report.texts["authorities"]
    assert "/C=CA/O=Test Grid/CN=Old CA (" in report.texts["authorities"]


def test_authorities_that_are_all_expired_fail(served):
    old = expired_authority()
    with replaced(served.ca, old.pem), replaced(served.crl, old.revoke()):
        assert served.doctor(live=True).not_ok == {"authorities": "FAILED"}


@pytest.mark.parametrize("text", [None, "no authorities"])
def test_authorities_that_are_not_there_fail(served, text):
    with replaced(served.ca, text):
        report = served.doctor(live=True)
    assert report.broken() == {"authorities": "FAILED", "answers": "FAILED"}
    assert report.not_checked() == ["revocation lists", *LIVE[1:]]


def lists(served, kind):
    own, other = served.authority, CertificateAuthority()  # of the same name, with another key
    return {
        "of another authority": CertificateAuthority("/CN=Other CA").revoke(),
        "not signed by it": other.revoke(),
        "expired": own.revoke(days=-0.01),
        "of nobody": "",
        "about to expire": own.revoke(days=1.9),
        "fresh beside an expired one": own.revoke(days=-0.01) + own.revoke(days=2.1),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "state", "part"),
    [
        ("of another authority", "FAILED", "has no revocation list of /C=CA/O=Test Grid/CN=Test"),
        ("not signed by it", "FAILED", "/C=CA/O=Test Grid/CN=Test CA has not signed its list"),
        ("expired", "FAILED", "the list of /C=CA/O=Test Grid/CN=Test CA expired on "),
        ("of nobody", "FAILED", "every certificate of /C=CA/O=Test Grid/CN=Test CA is refused"),
        ("about to expire", "warning", "expires on "),
        ("fresh beside an expired one", "ok", "one of each authority"),
    ],
)
def test_revocation_list_that_cannot_be_used_is_said_with_its_authority(served, kind, state, part):
    with replaced(served.crl, lists(served, kind)):
        if kind == "of nobody":
            served.crl.write_text("nothing")
            report = served.doctor(live=False)
        else:
            report = served.doctor(live=True)
    assert report.states["revocation lists"] == state
    assert part in report.texts["revocation lists"]
    assert set(report.not_ok) <= {"revocation lists"}


def test_authority_without_revocation_list_fails_beside_one_with(served):
    other = CertificateAuthority("/CN=Other CA")
    with replaced(served.ca, served.authority.pem + other.pem):
        report = served.doctor(live=True)
    assert report.not_ok == {"revocation lists": "FAILED"}
    assert "no revocation list of /CN=Other CA: every" in report.texts["revocation lists"]


def test_revocation_lists_that_are_missing_or_not_configured_are_a_warning(served):
    with replaced(served.crl, None):
        assert served.doctor(live=True).not_ok == {"revocation lists": "warning"}
    text = served.config.read_text().replace(f"crl = {served.crl}\n", "")
    with replaced(served.config, text):
        served.config.chmod(0o600)
        assert served.doctor(live=True).not_ok == {"revocation lists": "warning"}

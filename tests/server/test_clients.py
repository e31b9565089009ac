"""What the application learns of the client, and whom the handshake refuses."""

import json
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.pki import (
    INHERIT_ALL,
    PROXY_CERT_INFO,
    CertificateAuthority,
    Holder,
    make_name,
    proxy_info,
    to_pem,
)
from tests.tls import assert_no_session_is_resumed


def environ(server, *arguments, **options):
    answer = server.curl("/environ", *arguments, **options)
    assert answer.code == 0, answer.errors
    return json.loads(answer.printed)


def presented(server, **options):
    """Return the PEM certificates the application sees, the client's own first."""
    seen = environ(server, **options)
    assert seen["SSL_CLIENT_VERIFY"] == "SUCCESS"
    numbered = [f"SSL_CLIENT_CERT_CHAIN_{n}" for n in range(9)]
    return [seen[key] for key in ["SSL_CLIENT_CERT", *numbered] if key in seen]


@pytest.fixture
def revoke(folder, authority):
    """Publish a revocation list that names these certificates."""
    path = folder / "crl.pem"
    yield lambda *holders: path.write_text(
        authority.revoke(holder.certificate.serial_number for holder in holders)
    )
    path.unlink(missing_ok=True)


def test_client_without_certificate_is_none(server):
    seen = environ(server)
    assert seen["SSL_CLIENT_VERIFY"] == "NONE"
    assert seen["wsgi.url_scheme"] == "https"
    assert [key for key in seen if key.startswith("SSL_")] == ["SSL_CLIENT_VERIFY"]


def test_certificate_arrives_with_its_authority(server, folder, ann, authority):
    seen = presented(server, certificate=ann.write(folder))
    assert list(map(ssl.PEM_cert_to_DER_cert, seen)) == list(
        map(ssl.PEM_cert_to_DER_cert, [ann.pem, authority.pem])
    )


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["level 1", "level 2", "limited"])
def test_proxy_arrives_with_its_chain(server, folder, ann, authority, kind, version):
    proxy = ann.proxy(limited=kind == "limited")
    proxy = proxy.proxy() if kind == "level 2" else proxy
    certificate = proxy.write(folder)
    seen = environ(server, f"--tlsv{version}", "--tls-max", version, certificate=certificate)
    chain = [to_pem(issuer) for issuer in proxy.chain] + [authority.pem]
    assert seen["SSL_CLIENT_CERT"].strip() == proxy.pem.strip()
    for number, issuer in enumerate(chain):
        assert seen[f"SSL_CLIENT_CERT_CHAIN_{number}"].strip() == issuer.strip()
    assert f"SSL_CLIENT_CERT_CHAIN_{len(chain)}" not in seen


def test_proxy_without_key_identifiers_is_accepted(server, folder, ann, authority):
    """As real grid tools make them; OpenSSL's strict checks, Python 3.13's default, refuse it."""
    key = ann.key  # any will do
    subject = x509.Name([*ann.certificate.subject.rdns, *make_name("/CN=1").rdns])
    info = x509.UnrecognizedExtension(
        x509.ObjectIdentifier(PROXY_CERT_INFO), proxy_info(INHERIT_ALL)
    )
    bare = (
        x509.CertificateBuilder(ann.certificate.subject, subject, key.public_key(), 1)
        .not_valid_before(ann.certificate.not_valid_before_utc)
        .not_valid_after(ann.certificate.not_valid_after_utc)
        .add_extension(info, critical=True)
        .sign(key, hashes.SHA256())
    )
    proxy = Holder(bare, key, (ann.certificate,))
    assert len(presented(server, certificate=proxy.write(folder))) == 3


def test_each_request_of_a_connection_sees_the_client(server, folder, ann):
    certificate = ann.write(folder)
    answer = server.curl(
        "/environ", "/environ", "-w", "\n%{num_connects}\n", certificate=certificate
    )
    first, connects, second, more = answer.printed.splitlines()
    assert json.loads(first)["SSL_CLIENT_CERT"] == json.loads(second)["SSL_CLIENT_CERT"]
    assert (connects, more) == ("1", "0")


def test_headers_cannot_pretend_to_be_the_client_or_a_proxy_in_front(server):
    headers = [
        "SSL_CLIENT_VERIFY: SUCCESS",
        "SSL-CLIENT-VERIFY: SUCCESS",
        "SSL_CLIENT_S_DN: /CN=admin",
        "SSL-Client-S-DN: /CN=admin",
        "X-Forwarded-Proto: http",
        "SCRIPT_NAME: /environ",
        "REMOTE_ADDR: 192.0.2.1",
    ]
    seen = environ(server, *[part for header in headers for part in ("-H", header)])
    assert seen["SSL_CLIENT_VERIFY"] == "NONE"
    assert [key for key in seen if key.startswith("SSL_")] == ["SSL_CLIENT_VERIFY"]
    assert seen["wsgi.url_scheme"] == "https"
    assert seen["SCRIPT_NAME"] == ""
    assert seen["PATH_INFO"] == "/environ"
    assert seen["REMOTE_ADDR"] in {"127.0.0.1", "::1"}


def test_tls_below_1_2_is_refused(server):
    answer = server.curl("/hello", "--tlsv1.0", "--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0")
    assert answer.code == 35
    assert "alert protocol version" in answer.errors


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_no_session_is_resumed(server, folder, ann, version, tmp_path):
    """A resumed session would arrive without the chain of a proxy."""
    assert_no_session_is_resumed(server, ann.write(folder), version, "/hello", tmp_path)


def test_unusable_certificates_are_refused_by_the_handshake(server, folder, ann, authority):
    past = datetime.now(UTC) - timedelta(minutes=1)
    expired = authority.issue("/O=Test Grid/CN=Old", not_after=past)
    stranger = CertificateAuthority().issue("/O=Test Grid/CN=Ann Lee")
    for holder, alert in (
        (expired, "certificate expired"),
        (expired.proxy(), "certificate expired"),
        (ann.proxy(not_after=past), "certificate expired"),
        (stranger, "alert"),
        (stranger.proxy(), "alert"),
        (ann.proxy(subject="/O=Test Grid/CN=Admin/CN=1"), "alert"),
    ):
        answer = server.curl("/hello", certificate=holder.write(folder))
        assert answer.code in {35, 56}
        assert alert in answer.errors


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_revoked_user_and_his_proxies_are_refused_by_the_handshake(
    server, folder, ann, authority, revoke, version
):
    bob = authority.issue("/O=Test Grid/CN=Bob")
    holders = [bob, bob.proxy(), bob.proxy().proxy(), bob.proxy(limited=True)]
    for holder in holders:
        assert presented(server, certificate=holder.write(folder))
    revoke(bob)
    for holder in holders:
        answer = server.curl("/hello", "--tls-max", version, certificate=holder.write(folder))
        assert answer.code in {35, 56}
        assert "certificate revoked" in answer.errors
    for holder in (ann, ann.proxy()):
        assert presented(server, certificate=holder.write(folder))
    assert environ(server)["SSL_CLIENT_VERIFY"] == "NONE"


def test_revocation_list_that_cannot_be_read_lets_nobody_in(server, folder, ann, revoke):
    revoke()
    assert presented(server, certificate=ann.write(folder))
    (folder / "crl.pem").write_text("no list")
    assert server.curl("/hello", certificate=ann.write(folder)).code == 35
    assert "crl: " in server.errors.read_text()

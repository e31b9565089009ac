"""Who is let in by Apache and as whom: certificates, proxies, what nobody can forge."""

import json
import re
import socket
import ssl

import pytest

from tests.apache.refusals import assert_refused_by_handshake
from tests.server.running import wait_until
from tests.tls import assert_no_session_is_resumed


def whoami(site, certificate):
    """Return the user name that somebody has here."""
    answer = site.ask("/api/whoami", certificate=certificate)
    assert answer.status == 200, (answer.errors, answer.body)
    assert answer.headers["x-repoman-user"] == answer.json["user_name"]
    return answer.json["user_name"]


def test_without_certificate_only_the_entrance_is_open(site):
    assert site.ask("/api").status == 200
    assert site.ask("/healthz").json == {"status": "ok"}
    for path in ("/api/whoami", "/api/images", "/api/images/raw/x", "/nonsense"):
        answer = site.ask(path)
        assert answer.refusal == (401, "certificate-required"), path
        assert answer.headers["www-authenticate"] == "X509"
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_certificate_is_its_user_in_both_modes(site, certificates, ann):
    assert whoami(site, ann) == "ann"
    # A file URL, which runs in httpd's own processes.
    answer = site.ask("/api/images/raw/nothing", certificate=ann)
    assert answer.refusal == (404, "image-not-found")
    assert answer.headers["x-repoman-user"] == "ann"
    unknown = certificates.write(certificates.unknown)
    for path in ("/api/whoami", "/api/images/raw/nothing"):
        answer = site.ask(path, certificate=unknown)
        assert answer.refusal == (403, "certificate-unknown")
        assert "/O=Test Grid/CN=Nobody Knows" in answer.body


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("who", ["expired", "stranger", "revoked"])
def test_unusable_certificate_gets_no_answer(site, certificates, who, version):
    certificate = certificates.write(getattr(certificates, who))
    assert_refused_by_handshake(site, certificate, f"--tlsv{version}", "--tls-max", version)


@pytest.mark.parametrize("who", ["expired", "stranger", "revoked"])
@pytest.mark.parametrize("depth", [1, 2])
def test_proxy_of_an_unusable_certificate_gets_no_answer(site, certificates, who, depth):
    holder = getattr(certificates, who)
    for _ in range(depth):
        holder = holder.proxy()
    assert_refused_by_handshake(site, certificates.write(holder))


@pytest.mark.parametrize("path", ["/api/whoami", "/api/images/raw/nothing"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_proxy_of_any_depth_is_its_user_in_both_modes(site, certificates, depth, path):
    holder = certificates.ann
    for _ in range(depth):
        holder = holder.proxy()
    answer = site.ask(path, certificate=certificates.write(holder))
    assert answer.status == (200 if path == "/api/whoami" else 404)
    assert answer.headers["x-repoman-user"] == "ann"


def test_limited_proxy_uploads_but_does_not_administer(site, certificates, image, tmp_path):
    (tmp_path / "disk").write_bytes(b"disk")
    limited = certificates.write(certificates.ann.proxy(limited=True))
    assert whoami(site, limited) == "ann"
    answer = site.ask("-T", tmp_path / "disk", f"/api/images/raw/{image}", certificate=limited)
    assert answer.status == 201
    limited = certificates.write(certificates.administrator.proxy(limited=True))
    fields = ["-d", "user_name=eve", "-d", "cert_dn=/CN=Eve"]
    answer = site.ask("/api/users", *fields, certificate=limited)
    assert answer.refusal == (403, "limited-proxy")


def test_independent_proxy_is_refused_by_name(site, certificates):
    proxy = certificates.write(certificates.ann.proxy(independent=True))
    for path in ("/api/whoami", "/api/images/raw/nothing"):
        answer = site.ask(path, certificate=proxy)
        assert answer.refusal == (403, "certificate-invalid")


def test_forged_proxies_get_no_answer(site, certificates):
    """Signed by somebody else than whose name they bear, or without being a proxy."""
    ann, bob = certificates.ann, certificates.bob
    forged = bob.proxy(subject="/O=Test Grid/CN=Ann Lee/CN=1")
    assert_refused_by_handshake(site, certificates.write(forged))
    forged = bob.proxy(subject="/O=Test Grid/CN=Ann Lee/CN=1", issuer="/O=Test Grid/CN=Ann Lee")
    assert_refused_by_handshake(site, certificates.write(forged))
    no_proxy = ann.proxy(oid="1.3.6.1.5.5.7.1.99", critical=False)
    assert_refused_by_handshake(site, certificates.write(no_proxy))


def test_name_that_looks_like_a_proxys_is_its_own_user(site, certificates):
    assert whoami(site, certificates.write(certificates.robot)) == "robot"
    assert whoami(site, certificates.write(certificates.robot.proxy())) == "robot"
    assert whoami(site, certificates.write(certificates.ann.proxy(cn="12345"))) == "ann"


def test_other_host_of_the_same_apache_goes_on_refusing_proxies(site, certificates, ann):
    there = ["--connect-to", f"other.test:{site.port}:localhost:{site.port}"]
    url = f"https://other.test:{site.port}/hello"
    assert site.ask(*there, url, certificate=ann).body == "hello"
    proxy = certificates.write(certificates.ann.proxy())
    answer = site.ask(*there, url, certificate=proxy)
    assert (answer.code in {35, 56}, answer.status) == (True, 0)
    # Nor by the Host header, on a connection of the host that lets proxies in.
    answer = site.ask("-H", "Host: other.test", "/hello", certificate=proxy)
    assert answer.status in {403, 421}


@pytest.mark.parametrize(("version", "works"), [("1.1", False), ("1.2", True), ("1.3", True)])
def test_tls_from_1_2_on(site, ann, version, works):
    ciphers = ["--ciphers", "ALL:@SECLEVEL=0"]
    answer = site.ask("/api/whoami", "--tlsv1.0", "--tls-max", version, *ciphers, certificate=ann)
    assert (answer.code, answer.status) == ((0, 200) if works else (35, 0))
    if not works:
        assert "alert protocol version" in answer.errors


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_no_session_is_resumed(site, ann, version, tmp_path):
    """A resumed session would arrive without the chain of a proxy."""
    assert_no_session_is_resumed(site, ann, version, "/api", tmp_path)


def test_headers_make_nobody_somebody_else(site, bob):
    forged = [
        "SSL_CLIENT_VERIFY: SUCCESS",
        "SSL-Client-Verify: SUCCESS",
        "SSL_CLIENT_S_DN: /O=Test Grid/CN=Ann Lee",
        "SSL-Client-S-DN: /O=Test Grid/CN=Ann Lee",
        "SSL-Client-Cert: x",
        "Repoman-Identity: ann",
        "Unique-Id: mine",
        "X-Repoman-Request-Id: mine",
    ]
    headers = [part for header in forged for part in ("-H", header)]
    for path in ("/api/whoami", "/api/images/raw/nothing"):
        answer = site.ask(path, *headers)
        assert answer.refusal == (401, "certificate-required")
        assert answer.headers["x-repoman-request-id"] != "mine"
        answer = site.ask(path, *headers, certificate=bob)
        assert answer.headers["x-repoman-user"] == "bob"


@pytest.mark.parametrize(
    "path",
    ["/api/images/a%2fb", "/api/images/raw/a%2Fb", "/api/users/..%2f..%2fhealthz", "/api%2fwhoami"],
)
def test_encoded_slash_is_answered_by_repoman_and_is_never_a_slash(site, ann, path):
    answer = site.ask("--path-as-is", path, certificate=ann)
    assert answer.status == 404
    assert answer.headers["x-repoman-error"] != "apache-error"
    assert answer.headers["x-repoman-user"] == "ann"


def apache_error(answer, status):
    """Check an error of Apache's own."""
    assert answer.refusal == (status, "apache-error"), (answer.errors, answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json["status"] == status
    assert answer.json["code"] == "apache-error"
    assert answer.json["type"] == "about:blank"
    assert answer.json["title"]
    assert answer.json["detail"]


@pytest.mark.parametrize("path", ["/api/images/a%00b", "/api/images/raw/%00", "/%00"])
def test_nul_in_a_path_is_apaches_404_in_our_form(site, ann, path):
    apache_error(site.ask(path, certificate=ann), 404)


def test_url_that_is_too_long_is_apaches_414_in_our_form(site, ann):
    apache_error(site.ask(f"/api/images/{'a' * 9000}", certificate=ann), 414)


def test_header_that_is_too_long_is_apaches_400_in_our_form(site, ann):
    apache_error(site.ask("/api/whoami", "-H", f"X-Long: {'a' * 9000}", certificate=ann), 400)


def test_what_is_no_http_is_apaches_400_in_our_form(site):
    context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
    with (
        socket.create_connection(("127.0.0.1", site.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"GET /api HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n")
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nContent-Type: application/problem+json" in head
    assert json.loads(body)["code"] == "apache-error"


def test_every_answer_says_that_only_https_will_do(site, ann):
    for path in ("/api", "/api/whoami", "/api/images/raw/nothing", "/nonsense"):
        answer = site.ask(path, certificate=ann)
        assert answer.headers["strict-transport-security"] == "max-age=31536000", path


def test_entity_tag_is_the_same_for_clients_that_take_gzip(site, ann):
    plain = site.ask("/api/whoami", certificate=ann)
    packed = site.ask("/api/whoami", "-H", "Accept-Encoding: gzip, br", certificate=ann)
    assert plain.headers["etag"] == packed.headers["etag"]
    assert "content-encoding" not in packed.headers
    condition = ["-H", f"If-None-Match: {plain.headers['etag']}"]
    assert site.ask("/api/whoami", *condition, certificate=ann).status == 304


@pytest.mark.parametrize("path", ["/api/whoami", "/api/images/raw/nothing"])
def test_request_id_is_apaches_in_answer_and_logs(site, ann, path):
    request_id = site.ask(path, certificate=ann).headers["x-repoman-request-id"]
    assert re.fullmatch(r"[A-Za-z0-9@_-]{27}", request_id)
    for name in ("repoman-access.log", "repoman-error.log"):
        assert wait_until(lambda name=name: request_id in site.log(name)), name
    (line,) = [line for line in site.log("repoman-error.log").splitlines() if request_id in line]
    assert json.loads(line[line.index("{") :])["user"] == "ann"


def test_urls_in_answers_are_the_sites_whatever_host_is_asked_for(site, ann):
    answer = site.ask("/api/whoami", certificate=ann)
    assert answer.json["url"] == f"{site.url}/api/users/ann"
    answer = site.ask("/api/whoami", "-H", "Host: evil.example.org", certificate=ann)
    assert answer.refusal == (400, "unknown-host")

"""The host without TLS: public images can be downloaded, and nothing else takes place there."""

import hashlib
import subprocess

import pytest

from tests.apache.test_files import EXPECT, MIB, filled, sha256
from tests.server.running import need

IDENTITY = [
    "SSL_CLIENT_VERIFY: SUCCESS",
    "SSL-Client-Verify: SUCCESS",
    "SSL_CLIENT_S_DN: /O=Test Grid/CN=Ann Lee",
    "SSL-Client-S-DN: /O=Test Grid/CN=Ann Lee",
    "Repoman-Identity: ann",
    "Repoman-Sendfile: x-sendfile",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Ssl: on",
    "Forwarded: for=127.0.0.1;proto=https",
]
FORGED = [part for header in IDENTITY for part in ("-H", header)]


@pytest.fixture(scope="session")
def site(either_site):
    return either_site


@pytest.fixture
def public(site, ann, image, tmp_path):
    """Make an image with a file public, and return its JSON."""
    path = filled(tmp_path / "disk", b"disk", MIB)
    assert site.ask("-T", path, f"/api/images/raw/{image}", certificate=ann).status == 201
    changed = site.ask("-d", "unauthenticated_access=yes", f"/api/images/{image}", certificate=ann)
    assert changed.status == 200
    return changed.json


def test_public_image_names_its_url_here_and_everybody_may_download_it(
    site, public, image, tmp_path
):
    url = public["http_file_url"]
    assert url == f"{site.http}/api/images/raw/ann/kvm/{image}"
    assert public["file_url"] == f"{site.url}/api/images/raw/ann/kvm/{image}"
    answer = site.ask("-o", tmp_path / "down", url)
    assert answer.status == 200
    assert sha256(tmp_path / "down") == hashlib.sha256(b"disk" * MIB).hexdigest()
    assert answer.headers["content-length"] == str(4 * MIB)
    for name in ("x-sendfile", "x-repoman-user", "strict-transport-security"):
        assert name not in answer.headers
    head = site.ask("-I", "-r", "0-1", url)
    assert (head.status, head.headers["content-length"]) == (200, str(4 * MIB))
    part = site.ask("-r", "2-5", url)
    assert (part.status, part.body) == (206, "skdi")
    assert part.headers["content-range"] == f"bytes 2-5/{4 * MIB}"
    assert part.headers["etag"] == head.headers["etag"]
    several = site.ask("-r", "0-1,4-5", url)
    assert several.status == 206
    assert several.headers["content-type"].startswith("multipart/byteranges")


def test_other_images_are_as_good_as_not_there_whatever_headers_say(site, ann, public, image):
    hidden = site.ask("-d", "unauthenticated_access=no", f"/api/images/{image}", certificate=ann)
    assert hidden.json["http_file_url"] is None
    for path in (
        f"/api/images/raw/ann/{image}",
        "/api/images/raw/ann/nothing",
        "/api/images/raw/x",
    ):
        answer = site.ask(*FORGED, site.http + path)
        assert answer.refusal == (401, "certificate-required")
        assert "https" in answer.json["detail"]
        assert "x-repoman-user" not in answer.headers
        # A request may name the whole URL (RFC 9112 section 3.2.2), and its scheme is only that.
        target = ["--request-target", site.url + path]
        assert site.ask(*target, *FORGED, site.http).refusal == (401, "certificate-required")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/healthz",
        "/api/whoami",
        "/api/images?expand=true&q=a%0d%0aX:1",
        "/api/images/raw",
        "/api/a%0d%0aSet-Cookie:x",
        "/repoman.wsgi",
    ],
)
def test_who_asks_for_anything_else_is_sent_to_https(site, path):
    for method in ((), ("-I",)):
        answer = site.ask(*method, *FORGED, site.http + path)
        assert answer.status == 308
        assert answer.headers["location"] == site.url + path
        assert "set-cookie" not in answer.headers
        assert "strict-transport-security" not in answer.headers
    answer = site.ask("-H", "Host: evil.example.org", site.http + path)
    assert answer.headers["location"] == site.url + path


def test_path_that_leaves_the_files_is_sent_to_https(site):
    for path in ("/api/images/raw/../../whoami", "/api/images/raw/%2e%2e/%2e%2e/whoami"):
        answer = site.ask("--path-as-is", site.http + path)
        assert (answer.status, answer.headers["location"]) == (308, f"{site.url}/api/whoami")


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_refused_before_a_body(site, ann, public, image, tmp_path, method):
    new = filled(tmp_path / "new", b"new", MIB)
    for path in (f"/api/images/raw/ann/{image}", "/api/images", "/api/users/ann"):
        body = [*EXPECT, "-T", new] if method in {"PUT", "POST", "PATCH"} else []
        answer = site.ask("-X", method, *FORGED, *body, site.http + path)
        assert answer.refusal == (403, "apache-error")
        assert answer.sent == 0
        assert "https" in answer.json["detail"]
    assert site.ask(f"/api/images/{image}", certificate=ann).json == public


def test_other_host_is_none_of_ours(site, public):
    path = public["http_file_url"].removeprefix(site.http)
    for target in (["-H", "Host: evil.example.org", site.http + path],):
        assert site.ask(*target).refusal == (400, "unknown-host")


def test_tls_is_not_spoken_here_nor_http_on_the_port_of_tls(site, public):
    path = public["http_file_url"].removeprefix(site.http)
    assert site.ask(f"https://localhost:{site.http_port}{path}").code == 35
    plain = [need("curl"), "-s", f"http://localhost:{site.port}{path}"]
    printed = subprocess.run(plain, capture_output=True, text=True, check=False).stdout
    assert '"apache-error"' in printed

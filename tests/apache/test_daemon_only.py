"""Everything in mod_wsgi's daemon: what httpd does in its place, and what is worse then."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from tests.apache import memory
from tests.apache.site import Site
from tests.apache.test_files import EXPECT, GIB, MIB, NOWHERE, fetched, filled
from tests.server.running import wait_until


@pytest.fixture(scope="session")
def site(daemon_site):
    return daemon_site


@pytest.fixture
def url(site, ann, image, tmp_path):
    """Upload eight bytes, and return their URL."""
    path = f"/api/images/raw/ann/{image}"
    assert (
        site.ask("-T", filled(tmp_path / "old", b"01234567", 1), path, certificate=ann).status
        == 201
    )
    return path


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    path = tmp_path_factory.mktemp("sparse") / "disk"
    with path.open("wb") as file:
        file.truncate(GIB)
    return path


def stored(site, size):
    """Return the path of the one stored file of that size."""
    (found,) = [
        path
        for path in (site.store / "blobs").rglob("*")
        if path.is_file() and path.stat().st_size == size
    ]
    return found


def python_in_httpd(site):
    """Return which of httpd's own processes have loaded Repoman."""
    maps = {pid: Path(f"/proc/{pid}/maps").read_text() for pid in site.children(daemon=False)}
    return [pid for pid, text in maps.items() if "cryptography" in text]


# Refused before the body


@pytest.mark.parametrize(
    "path", ["/api/images/raw/ann/x", "/api/images/raw/nothing", "/api/uploads"]
)
@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH"])
def test_without_certificate_nothing_is_sent(site, sparse, method, path):
    answer = site.ask("-X", method, *EXPECT, "-T", sparse, path)
    assert answer.refusal == (401, "certificate-required")
    assert (answer.code, answer.sent) == (0, 0)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "X509"
    assert len(answer.headers["x-repoman-request-id"]) == 27
    # As the application says it to requests without body.
    assert answer.json == site.ask("/api/whoami").json
    assert answer.json["code"] == "certificate-required"


def test_with_a_certificate_that_is_nobodys_or_suspended_nothing_is_sent(
    site, certificates, bob, admin, sparse, url
):
    unknown = certificates.write(certificates.unknown)
    proxy = certificates.write(certificates.unknown.proxy())
    independent = certificates.write(certificates.ann.proxy(independent=True))
    suspend = ["/api/users/bob", "-d"]
    assert site.ask(*suspend, "suspended=yes", certificate=admin).status == 200
    try:
        for certificate in (unknown, proxy, independent, bob):
            answer = site.ask(*EXPECT, "-T", sparse, url, certificate=certificate)
            assert answer.refusal == (403, "apache-error")
            assert (answer.code, answer.sent) == (0, 0)
            assert answer.json["code"] == "apache-error"
            assert "/api/whoami" in answer.json["detail"]
    finally:
        site.ask(*suspend, "suspended=no", certificate=admin)
    assert "CN=Nobody Knows" in site.log("error.log")
    assert "certificate-unknown" in site.log("error.log")
    assert "account-suspended" in site.log("error.log")


def test_users_and_their_proxies_upload(site, certificates, ann, url, tmp_path):
    new = filled(tmp_path / "new", b"new", MIB)
    limited = certificates.ann.proxy(limited=True)
    for holder in (certificates.ann, certificates.ann.proxy().proxy(), limited):
        certificate = certificates.write(holder)
        answer = site.ask(*EXPECT, "-T", new, url, certificate=certificate)
        assert (answer.status, answer.sent) == (200, 3 * MIB)
    assert fetched(site, ann, url) == hashlib.sha256(b"new" * MIB).hexdigest()


def test_what_else_is_refused_costs_the_whole_body(site, ann, bob, url, tmp_path):
    new = filled(tmp_path / "new", b"new", MIB)
    for path, certificate, refusal in (
        (url, bob, (404, "image-not-found")),
        ("/api/images/raw/nothing", ann, (404, "image-not-found")),
    ):
        answer = site.ask(*EXPECT, "-T", new, path, certificate=certificate)
        assert (answer.refusal, answer.sent) == (refusal, 3 * MIB)


def test_refusal_can_be_read_by_who_does_not_wait_for_it(site, certificates, url, tmp_path):
    new = filled(tmp_path / "new", b"new", 10 * MIB)
    unknown = certificates.write(certificates.unknown)
    for certificate, status in ((None, 401), (unknown, 403)):
        answer = site.ask("-H", "Expect:", "-T", new, url, certificate=certificate)
        assert answer.status == status, answer.errors


def test_downloads_need_no_python_of_ours_in_httpd(site, ann, url, tmp_path):
    """The access script does, once somebody with a certificate uploads."""
    assert len(python_in_httpd(site)) > 0
    site.reload()
    assert wait_until(lambda: not python_in_httpd(site), 30)
    assert wait_until(lambda: site.ask("/api/whoami", certificate=ann).status == 200, 30)
    for _ in range(10):
        assert fetched(site, ann, url) == hashlib.sha256(b"01234567").hexdigest()
        assert site.ask(url).refusal == (401, "certificate-required")
    assert python_in_httpd(site) == []
    before = max(memory.now(pid) for pid in site.children(daemon=False))
    assert before < 40
    new = filled(tmp_path / "new", b"new", MIB)
    assert site.ask("-T", new, url, certificate=ann).status == 200
    assert len(python_in_httpd(site)) == 1


# Files sent by httpd


def test_file_is_sent_with_the_headers_that_it_always_has(site, ann, url):
    sent = site.ask(url, certificate=ann)
    head = site.ask("-I", url, certificate=ann)
    assert (sent.status, sent.body) == (200, "01234567")
    for answer in (sent, head):
        assert answer.headers.pop("x-repoman-request-id")
        assert answer.headers.pop("date")
        assert "x-sendfile" not in answer.headers
    assert sent.headers == head.headers
    assert sent.headers["accept-ranges"] == "bytes"
    assert sent.headers["content-length"] == "8"
    digest = "kkWSubED8U+DP6r7Z/SAaR8BmIqkV8AGF2n1jNRzEbw="
    assert sent.headers["repr-digest"] == f"sha-256=:{digest}:"


RANGES = {
    "0-1": (206, "01", "bytes 0-1/8"),
    "0-": (206, "01234567", "bytes 0-7/8"),
    "3-": (206, "34567", "bytes 3-7/8"),
    "-3": (206, "567", "bytes 5-7/8"),
    "-99": (206, "01234567", "bytes 0-7/8"),
    "7-99": (206, "7", "bytes 7-7/8"),
    "5-3": (200, "01234567", None),
    "0-5,3-7": (200, "01234567", None),
    "0-0,2-2,4-4,6-6,0-0": (200, "01234567", None),
    "99999999999999999999-": (200, "01234567", None),
}


@pytest.mark.parametrize("wanted", RANGES)
def test_ranges_are_what_they_are_without_httpds_help(site, ann, url, wanted):
    status, body, content_range = RANGES[wanted]
    tag = site.ask("-I", url, certificate=ann).headers["etag"]
    for condition in ((), ("-H", f"If-Range: {tag}"), ("-H", f'If-None-Match: W/{tag[:-2]}x"')):
        answer = site.ask("-r", wanted, *condition, url, certificate=ann)
        assert (answer.status, answer.body) == (status, body)
        assert answer.headers.get("content-range") == content_range
        assert answer.headers["content-length"] == str(len(body))
        assert answer.headers["etag"] == tag
        assert "repr-digest" in answer.headers
        assert "x-sendfile" not in answer.headers


def test_several_ranges_are_sent_in_the_order_asked_for(site, ann, url):
    answer = site.ask("-r", "6-7,0-1", url, certificate=ann)
    assert answer.status == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert re.findall(r"Content-Range: (.*)\n\n(.*)\n", answer.body) == [
        ("bytes 6-7/8", "67"),
        ("bytes 0-1/8", "01"),
    ]


def test_refusals_and_304_are_ours(site, ann, url):
    tag = site.ask("-I", url, certificate=ann).headers["etag"]
    answer = site.ask("-r", "8-", url, certificate=ann)
    assert answer.refusal == (416, "range-not-satisfiable")
    assert answer.headers["content-range"] == "bytes */8"
    answer = site.ask("-H", 'If-Match: "other"', url, certificate=ann)
    assert answer.refusal == (412, "precondition-failed")
    answer = site.ask("-H", f"If-None-Match: {tag}", url, certificate=ann)
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, "", tag)
    old = "Tue, 24 Nov 2015 05:37:00 GMT"
    both = ["-H", "If-Match: *", "-H", f"If-Unmodified-Since: {old}"]
    for headers in (both, ["-H", f"If-Modified-Since: {old}"], ["-H", "Request-Range: bytes=0-1"]):
        answer = site.ask(*headers, url, certificate=ann)
        assert (answer.status, answer.body) == (200, "01234567")


def test_stored_file_that_is_missing_or_cut_short_is_our_error(site, ann, url, image, tmp_path):
    new = filled(tmp_path / "new", b"n", 4321)
    assert site.ask("-T", new, url, certificate=ann).status == 200
    path = stored(site, 4321)
    shutil.move(path, tmp_path / "moved")
    answer = site.ask(url, certificate=ann)
    assert answer.refusal == (503, "store-unavailable")
    path.write_bytes(b"n" * 4320)
    path.chmod(0o644)
    answer = site.ask(url, certificate=ann)
    assert answer.refusal == (503, "store-unavailable")
    assert "x-sendfile" not in answer.headers


def test_without_the_module_repoman_sends_files_itself(installation, certificates, admin, tmp_path):
    options = ("--daemon-only",)
    plain = Site(installation, "nosendfile", options=options, without={"xsendfile"}, processes=1)
    try:
        assert plain.ask("/api/images", "-d", "name=x", certificate=admin).status == 201
        new = filled(tmp_path / "new", b"new", 3)
        assert plain.ask("-T", new, "/api/images/raw/x", certificate=admin).status == 201
        answer = plain.ask("/api/images/raw/x", certificate=admin)
        assert (answer.status, answer.body) == (200, "newnewnew")
        assert "x-sendfile" not in answer.headers
    finally:
        plain.stop()


# Restarted under


def test_at_a_graceful_restart_downloads_finish_and_uploads_are_cut(
    site, ann, url, image, tmp_path
):
    old = filled(tmp_path / "old", b"old!", 4 * MIB)
    assert site.ask("-T", old, url, certificate=ann).status == 200
    digest = hashlib.sha256(b"old!" * 4 * MIB).hexdigest()
    slow = ["--limit-rate", "2M", "-w", "%{http_code}"]
    downloads = [tmp_path / name for name in ("down1", "down2")]
    running = [site.curl(*slow, url, "-o", path, certificate=ann, wait=False) for path in downloads]
    running.append(
        site.curl(*slow, "-C", "100", url, "-o", tmp_path / "down3", certificate=ann, wait=False)
    )
    upload = site.curl(*slow, "-T", old, url, "-o", NOWHERE, certificate=ann, wait=False)
    assert wait_until(lambda: any(site.partials()))
    assert wait_until(lambda: all(path.exists() for path in downloads))
    site.reload()
    # httpd takes the rest of what is sent to nobody, and then says so.
    assert upload.communicate() == ("500", "")
    ended = [curl.communicate() for curl in running]
    assert [text for text, _ in ended] == ["200", "200", "206"], ended
    for path in downloads:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    assert wait_until(lambda: site.ask("/api/whoami", certificate=ann).status == 200, 30)
    assert fetched(site, ann, url) == digest
    # What the upload left behind is kept, until its sender begins anew.
    assert site.partials()
    assert site.ask("-T", old, url, certificate=ann).status == 200
    assert site.partials() == []

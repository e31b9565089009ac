"""Files through Apache: large ones in little memory, refused, broken off, restarted under.

Most of it twice: with files in httpd's own processes, and with everything in mod_wsgi's daemon,
whose downloads httpd sends by X-Sendfile.
"""

import hashlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from repoman.storage.filesystem import FilesystemStore
from tests.apache import memory
from tests.server.running import CHUNKED, need, wait_until

MIB, GIB = 1 << 20, 1 << 30
NOWHERE = Path(os.devnull)  # a string would be a path on the server
EXPECT = ("-H", "Expect: 100-continue", "--expect100-timeout", "60")


embedded_only = pytest.mark.parametrize(
    "either_site", ["default_site"], indirect=True, scope="session"
)
"""Where the daemon does otherwise, which test_daemon_only.py tells, or where once is enough."""


@pytest.fixture(scope="session")
def site(either_site):
    return either_site


def sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def filled(path, byte, size):
    path.write_bytes(byte * size)
    return path


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """Return a file of 3 GiB, beyond what 31 and 32 bits count, which takes no room on disk."""
    path = tmp_path_factory.mktemp("sparse") / "disk"
    with path.open("wb") as file:
        for offset, text in ((0, b"begin"), (2 * GIB + 17, b"middle"), (3 * GIB - 3, b"end")):
            file.seek(offset)
            file.write(text)
    return path


@pytest.fixture
def url(image):
    return f"/api/images/raw/ann/{image}"


@pytest.fixture
def old(site, ann, url, tmp_path):
    """Upload a file, and return its SHA-256."""
    path = filled(tmp_path / "old", b"old", MIB)
    assert site.ask("-T", path, url, certificate=ann).status == 201
    return sha256(path)


def fetched(site, certificate, url):
    """Download, and return the SHA-256 of what came."""
    curl = [need("curl"), "-sSf", "--cacert", site.folder / "ca.pem", "--cert", certificate]
    digest = hashlib.sha256()
    with subprocess.Popen([*curl, site.url + url], stdout=subprocess.PIPE) as process:
        while chunk := process.stdout.read(MIB):
            digest.update(chunk)
    assert process.returncode == 0
    return digest.hexdigest()


@embedded_only
def test_3_gib_go_up_and_down_whole_and_in_little_memory(site, ann, url, sparse, record_property):
    site.ask(url, certificate=ann)  # a process has now loaded the application, if none had
    memory.begin(site)
    before = max(memory.now(pid) for pid in site.children())
    expected = sha256(sparse)
    answer = site.ask("-T", sparse, url, certificate=ann)
    assert (answer.status, answer.sent) == (201, 3 * GIB), answer.errors
    assert answer.json["size"] == 3 * GIB
    assert answer.json["checksum"] == {"type": "sha256", "value": expected}
    assert fetched(site, ann, url) == expected
    peaks = {pid: memory.peak(pid) for pid in site.children()}
    record_property("MiB", (before, peaks))
    # Of every process of httpd's, those that it has started meanwhile too.
    assert max(peaks.values()) - before < 32, (before, peaks)


@embedded_only
def test_refusals_come_before_the_body(site, ann, bob, admin, url, image, old, sparse):
    """With `Expect: 100-continue`, curl sends none of 3 GiB."""
    share = f"/api/images/{image}/share/user/bob"
    assert site.ask("-X", "POST", share, certificate=ann).status == 200
    upload = [*EXPECT, "-T", sparse]

    def refused(*arguments, certificate=None):
        answer = site.ask(*upload, *arguments, certificate=certificate)
        assert answer.sent == 0, answer.errors
        return answer.refusal

    assert refused(url) == (401, "certificate-required")
    assert refused(url, certificate=bob) == (403, "permission-denied")
    assert refused("/api/images/raw/ann/nothing", certificate=ann) == (404, "image-not-found")
    none_yet = ["-H", "If-None-Match: *"]
    assert refused(url, *none_yet, certificate=ann) == (412, "precondition-failed")
    other = ["-H", 'If-Match: "other"']
    assert refused(url, *other, certificate=ann) == (412, "precondition-failed")
    read_only = site.ask("-d", "read_only=true", f"/api/images/{image}", certificate=ann)
    assert read_only.status == 200
    assert refused(url, certificate=ann) == (409, "image-read-only")
    site.ask("-d", "read_only=false", f"/api/images/{image}", certificate=ann)
    assert fetched(site, ann, url) == old


def test_refusal_can_be_read_by_who_does_not_expect_it(site, bob, url, old, tmp_path):
    path = filled(tmp_path / "new", b"n", 32 * MIB)
    for extra in ((), CHUNKED):
        answer = site.ask("-H", "Expect:", *extra, "-T", path, url, certificate=bob)
        assert answer.refusal == (404, "image-not-found"), answer.errors


@pytest.mark.parametrize("arguments", [("-T",), (*CHUNKED, "-T")], ids=["length", "chunked"])
def test_put_with_and_without_length(site, ann, url, tmp_path, arguments):
    path = filled(tmp_path / "new", b"new", 8 * MIB)
    answer = site.ask(*arguments, path, url, certificate=ann)
    assert (answer.status, answer.json["size"]) == (201, 24 * MIB)
    assert fetched(site, ann, url) == sha256(path)


def test_form_with_a_file(site, ann, url, tmp_path):
    path = filled(tmp_path / "new", b"new", 8 * MIB)
    assert site.ask("-F", f"file=@{path}", url, certificate=ann).status == 201
    assert fetched(site, ann, url) == sha256(path)


def test_parts_of_a_file(site, ann, url, old):
    answer = site.ask("-r", "1-4", url, certificate=ann)
    assert (answer.status, answer.body) == (206, "ldol")
    assert answer.headers["content-range"] == f"bytes 1-4/{3 * MIB}"
    answer = site.ask("-I", url, certificate=ann)
    assert (answer.status, answer.headers["content-length"]) == (200, str(3 * MIB))


def begin_upload(site, certificate, url, path, rate):
    """Start a slow upload; return its curl when the first bytes are in the store."""
    arguments = ["-T", path, url, "--limit-rate", rate, "-w", "%{http_code}", "-o", NOWHERE]
    curl = site.curl(*arguments, certificate=certificate, wait=False)
    assert wait_until(lambda: any(site.partials()))
    return curl


def go_on(site, certificate, url, path):
    """Send the rest of an upload as ``curl -C N -T`` does, once its process knows of its end."""
    store = FilesystemStore(site.store)
    assert wait_until(lambda: not any(store.is_held(key) for key, _ in store.partials()))
    offset = int(site.ask("-I", url, certificate=certificate).headers["x-repoman-upload-offset"])
    assert 0 < offset < path.stat().st_size
    answer = site.ask("-C", str(offset), "-T", path, url, certificate=certificate)
    assert (answer.status, answer.sent) == (200, path.stat().st_size - offset)
    assert fetched(site, certificate, url) == sha256(path)
    assert site.partials() == []


@pytest.mark.parametrize("chunked", [(), CHUNKED], ids=["length", "chunked"])
def test_killed_client_goes_on_where_it_stopped(site, ann, url, old, tmp_path, chunked):
    path = filled(tmp_path / "new", b"new", 8 * MIB)
    arguments = [*chunked, "-T", path, url, "--limit-rate", "4M"]
    curl = site.curl(*arguments, certificate=ann, wait=False)
    # mod_wsgi loses the bytes of the read that the client breaks, of 256 KiB.
    assert wait_until(lambda: sum(site.partials()) > MIB)
    curl.kill()
    curl.communicate()
    assert fetched(site, ann, url) == old
    go_on(site, ann, url, path)


def test_killed_process_of_apaches_loses_no_more_than_its_request(site, ann, url, old, tmp_path):
    path = filled(tmp_path / "new", b"new", 8 * MIB)
    curl = begin_upload(site, ann, url, path, "4M")
    killed = site.children(daemon=site.is_daemon_only)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    printed, _ = curl.communicate()
    # httpd takes the rest of the body, where it was the daemon, and then says what happened.
    assert curl.returncode != 0 or printed == "500"
    assert wait_until(lambda: site.ask("/healthz").status == 200)
    assert wait_until(lambda: not set(site.children()) & set(killed))
    assert fetched(site, ann, url) == old
    # What it left behind is its sender's to go on with, and not the collector's.
    site.admin("gc", "--grace", "0")
    go_on(site, ann, url, path)


@embedded_only
def test_transfers_outlive_a_graceful_restart(site, ann, url, tmp_path):
    old, new = (filled(tmp_path / name, name.encode(), 4 * MIB) for name in ("old", "new"))
    assert site.ask("-T", old, url, certificate=ann).status == 201
    slow = ["--limit-rate", "1M", "-w", "%{http_code}", "-f"]
    downloads = [tmp_path / "down1", tmp_path / "down2", tmp_path / "down3"]
    running = [site.curl(*slow, url, "-o", path, certificate=ann, wait=False) for path in downloads]
    upload = ["-T", new, url, "--limit-rate", "1M", "-w", "%{http_code}", "-o", NOWHERE]
    running.append(site.curl(*upload, certificate=ann, wait=False))
    assert wait_until(lambda: any(site.partials()))
    assert wait_until(lambda: all(path.exists() for path in downloads))
    before = set(site.children())
    site.reload()
    assert [curl.poll() for curl in running] == [None, None, None, None]
    # Others are served meanwhile: files at once, the rest when mod_wsgi's daemon is there again.
    assert site.ask("-I", url, certificate=ann).status == 200
    assert wait_until(lambda: site.ask("/api/whoami", certificate=ann).status == 200, 30)
    assert wait_until(lambda: set(site.children(daemon=False)) - before)
    ended = [curl.communicate() for curl in running]
    assert [printed for printed, _ in ended] == ["200", "200", "200", "200"], ended
    assert {sha256(path) for path in downloads} == {sha256(old)}
    assert fetched(site, ann, url) == sha256(new)


def test_downloads_during_overwrites_are_wholly_old_or_new(site, ann, url, tmp_path):
    files = [filled(tmp_path / letter, letter.encode(), 16 * MIB) for letter in "ab"]
    whole = {sha256(path) for path in files}
    assert site.ask("-T", files[0], url, certificate=ann).status == 201
    seen = set()
    # Until both have been seen, but six rounds at least.
    for number in range(40):
        paths = [tmp_path / f"down{n}" for n in range(3)]
        downloads = [
            site.curl("-f", url, "-o", path, certificate=ann, wait=False) for path in paths
        ]
        uploads = [
            # Forms, for of PUTs of one person only one may move at a time.
            site.curl("-f", "-F", f"file=@{path}", url, "-o", NOWHERE, certificate=ann, wait=False)
            for path in (files if number % 2 else files[::-1])
        ]
        for curl in downloads + uploads:
            printed = curl.communicate()
            assert curl.returncode == 0, printed
        found = {sha256(path) for path in paths}
        assert found <= whole
        seen |= found
        if number >= 5 and seen == whole:
            break
    assert seen == whole

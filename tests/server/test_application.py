"""Repoman itself behind its server: refused uploads, broken ones, and the README's tour."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from repoman.models import Sessions, make_engine
from repoman.settings import Settings
from tests.factories import FILE
from tests.server.running import (
    CHUNKED,
    EXPECT,
    EXPECT_NOTHING,
    ROOT,
    SHOW,
    Running,
    admin_command,
    free_port,
    need,
    wait_until,
)
from tests.wsgi import Remains

MIB = 1 << 20


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return what ``make run`` starts; its data are in the folder ``var`` of ``site.home``."""
    home = tmp_path_factory.mktemp("home")
    port = free_port()
    command = admin_command("run", "--var", home / "var", "--port", str(port))
    running = Running(command, home / "var" / "pki", port)
    running.home = home
    yield running
    running.stop()


@pytest.fixture(scope="module")
def remains(site):
    """Return a look at what is in the store and in its tables."""
    var = site.home / "var"
    database, store = f"sqlite:///{var}/repoman.sqlite", var / "store"
    sessions = Sessions(make_engine(Settings(database_url=database, store=store)))
    yield Remains(sessions, store)
    sessions.engine.dispose()


@pytest.fixture(scope="module")
def image(site, tmp_path_factory):
    """Return the name of an image of alice's, with the file `FILE`, that bob may read."""
    file = tmp_path_factory.mktemp("file") / "disk.img"
    file.write_bytes(FILE)
    name = "kept"
    for arguments in (
        ["-d", f"name={name}", "/api/images"],
        ["-T", file, f"/api/images/raw/{name}"],
        ["-X", "POST", f"/api/images/{name}/share/user/bob"],
    ):
        by(site, "alice", *arguments)
    return name


def by(site, person, *arguments):
    """Run curl with somebody's certificate, and return what it printed."""
    certificate = site.folder / f"{person}.pem"
    answer = site.curl("--fail-with-body", *arguments, certificate=certificate)
    assert answer.code == 0, (answer.errors, answer.printed)
    return answer.printed


def fetch(site, person, path):
    file = site.home / "fetched"
    by(site, person, path, "-o", file)
    return file.read_bytes()


@pytest.mark.parametrize("chunked", [(), CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("expect", [EXPECT, EXPECT_NOTHING], ids=["expect", "no-expect"])
def test_refusal_of_a_large_upload_can_be_read(site, remains, image, sparse, expect, chunked):
    before = remains.all()
    upload = ["-T", sparse(300 * MIB), f"/api/images/raw/alice/{image}", *expect, *chunked]
    answer = site.curl("-i", *upload, *SHOW, certificate=site.folder / "bob.pem")
    assert answer.code == 0, answer.errors
    head, body = answer.printed.split("\n\n", 1)
    problem, shown = body.rsplit("\n", 2)[:2]
    status, sent, *_ = shown.split()
    assert "content-type: application/problem+json" in head.lower()
    assert json.loads(problem)["code"] == "permission-denied"
    assert status == "403"
    assert int(sent) == 0 if expect is EXPECT else int(sent) < 64 * MIB
    assert remains.all() == before
    assert fetch(site, "bob", f"/api/images/raw/alice/{image}") == FILE


@pytest.mark.parametrize("how", ["expect", "empty"])
def test_a_file_that_one_could_copy_is_not_sent(site, image, tmp_path, how):
    by(site, "bob", "-d", f"name=known-{how}", "/api/images")
    file = tmp_path / "disk.img"
    file.write_bytes(FILE)
    digest = ["-H", f"X-Repoman-Checksum: sha256={hashlib.sha256(FILE).hexdigest()}"]
    body = ["-T", file, *EXPECT] if how == "expect" else ["-T", Path("/dev/null")]
    url = f"/api/images/raw/known-{how}"
    shown = by(site, "bob", *body, *digest, url, url, *SHOW).splitlines()
    answers = [line.split()[:2] for line in shown if line.startswith("20")]
    assert answers == [["201", "0"], ["200", "0"]]
    assert fetch(site, "bob", url) == FILE


@pytest.mark.parametrize("chunked", [(), CHUNKED], ids=["length", "chunked"])
def test_client_that_goes_away_half_way_goes_on_where_it_stopped(site, remains, chunked):
    name, before = f"interrupted-{len(chunked)}", remains.all()
    url, alice = f"/api/images/raw/{name}", site.folder / "alice.pem"
    by(site, "alice", "-d", f"name={name}", "/api/images")
    file = site.home / "interrupted"
    file.write_bytes(bytes(range(256)) * (16 * MIB // 256))
    client = site.curl(
        "-T", file, url, "--limit-rate", "8M", *chunked, certificate=alice, wait=False
    )

    def arrived():
        head = site.curl("-I", url, certificate=alice).printed
        found = re.search(r"(?mi)^x-repoman-upload-offset: ([0-9]+)", head)
        return int(found[1]) if found else 0

    try:
        assert wait_until(lambda: arrived() > 2 * MIB)
    finally:
        client.kill()
        client.communicate()
    # Its server has seen that it is gone when nobody holds the file any more.
    assert wait_until(lambda: not any((remains.store / "partial").glob("*.hold")))
    assert (remains.files(), remains.blobs()) == (before[0], before[2])
    offset = arrived()
    assert 2 * MIB < offset < 16 * MIB
    answer = site.curl("-i", "-C", str(offset), "-T", file, url, *SHOW, certificate=alice)
    assert " 201 " in answer.printed, answer.printed
    assert int(answer.printed.rsplit("\n", 2)[1].split()[1]) == 16 * MIB - offset
    assert fetch(site, "alice", url) == file.read_bytes()
    assert not remains.partials() | remains.uploads()


def tour():
    """Return the README's tour as blocks of lines, and what it names in place of qemu-img."""
    text = (ROOT / "README.markdown").read_text()
    section = re.search(r"^## A tour\n(.*?)(?=^## )", text, re.DOTALL | re.MULTILINE)[1]
    blocks = re.findall(r"^```\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    (instead,) = re.findall(r"`(head -c [^`]+)`", section)
    return [block.splitlines() for block in blocks], instead


def test_tour_of_the_readme_works_when_pasted(site, tmp_path):
    (disk_lines, alice_lines, bob_lines), instead = tour()
    (site.home / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    if shutil.which("qemu-img") is None:
        assert disk_lines[0].startswith("qemu-img ")
        disk_lines = [instead.replace("64M", "3M")]

    def paste(lines):
        for line in lines:
            assert line.startswith("curl ") is (lines is not disk_lines)
            pasted = subprocess.run(
                [need("bash"), "-c", line.replace("localhost:8443", f"localhost:{site.port}")],
                cwd=site.home,
                env={"CURL_HOME": ".", "PATH": "/usr/bin:/bin"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert (pasted.returncode, pasted.stderr) == (0, ""), (line, pasted)
            assert '"code"' not in pasted.stdout, line

    disk = site.home / "disk.qcow2"
    paste(disk_lines)
    original = disk.read_bytes()
    assert original
    paste(alice_lines)
    disk.unlink()
    paste(bob_lines)
    assert disk.read_bytes() == original
    assert fetch(site, "bob", "/api/images/raw/mine") == original

"""What the real server logs: JSON lines alone, and a line for a download that curl broke off."""

import json
import os
import re
import shutil

import pytest

from tests.server.running import ROOT, Running, admin_command, free_port, wait_until

MIB = 1 << 20
SIZE = 64 * MIB


@pytest.fixture(scope="module")
def var(tmp_path_factory):
    """Return the folder of a site that one start has filled."""
    folder = tmp_path_factory.mktemp("logs") / "var"
    port = free_port()
    server = Running(
        admin_command("run", "--var", folder, "--port", str(port)), folder / "pki", port
    )
    try:
        disk = folder / "disk.img"
        disk.touch()
        os.truncate(disk, SIZE)
        by_alice(server, "-d", "name=disk", "/api/images")
        by_alice(server, "-T", disk, "/api/images/raw/disk")
    finally:
        server.stop()
    return folder


@pytest.fixture
def serve(var, tmp_path):
    """Start ``repoman-admin serve`` with development.ini, changed; it ends with the test."""
    started = []

    def serve(*changes):
        shutil.copytree(var, tmp_path / "var")
        text, port = (ROOT / "development.ini").read_text(), free_port()
        for old, new in (("port = 8443", f"port = {port}"), *changes):
            text, times = re.subn(old, new, text, count=1, flags=re.DOTALL)
            assert times == 1, old
        ini = tmp_path / "site.ini"
        ini.write_text(text)
        command = admin_command("serve", config=ini)
        started.append(Running(command, tmp_path / "var" / "pki", port))
        return started[-1]

    yield serve
    for server in started:
        server.stop()


def by_alice(server, *arguments, **options):
    return server.curl(*arguments, certificate=server.folder / "alice.pem", **options)


def lines(server):
    """Return what is on stderr, which must be JSON objects, one a line."""
    return [json.loads(line) for line in server.errors.read_text().splitlines()]


def line_of(server, path):
    """Wait for the line of the request of that path: it is written after the last byte is sent."""
    found = wait_until(lambda: [line for line in lines(server) if line.get("path") == path])
    assert len(found) == 1, server.errors.read_text()
    assert found[0]["logger"] == "repoman.access"
    return found[0]


# Without the sections that set up logging, the default is the same.
NO_LOGGING = (r"\[loggers\].*", "")


@pytest.mark.parametrize("changes", [(), (NO_LOGGING,)], ids=["development.ini", "no logging"])
def test_a_download_that_curl_broke_off_has_its_line_with_what_was_sent(serve, tmp_path, changes):
    server = serve(*changes)
    whole, cut = "/api/images/raw/disk", "/api/images/raw/alice/disk"
    assert by_alice(server, whole, "-o", tmp_path / "whole", "-A", "whole").code == 0
    line = line_of(server, whole)
    assert (line["status"], line["user"], line["client"]) == (200, "alice", "127.0.0.1")
    assert line["dn"] == "/C=XX/O=Repoman Development/CN=Alice"
    assert (line["bytes_sent"], line["cut_off"], line["user_agent"]) == (SIZE, False, "whole")

    slow = [cut, "-o", tmp_path / "cut", "--limit-rate", "2M"]
    client = by_alice(server, *slow, wait=False)
    assert wait_until(lambda: (tmp_path / "cut").exists() and (tmp_path / "cut").stat().st_size)
    client.kill()
    client.communicate()
    line = line_of(server, cut)
    assert line["cut_off"] is True
    assert 0 < line["bytes_sent"] < SIZE
    assert line["bytes_sent"] % 65536 == 0
    # What curl has, the server has sent.
    assert (tmp_path / "cut").stat().st_size <= line["bytes_sent"] + 65536


def test_an_upload_that_curl_broke_off_has_its_line_with_what_came(serve, tmp_path):
    server = serve()
    disk, path = tmp_path / "var" / "disk.img", "/api/images/raw/kvm/disk"
    client = by_alice(server, "-T", disk, path, "--limit-rate", "4M", wait=False)
    partial = tmp_path / "var" / "store" / "partial"
    assert wait_until(lambda: any(entry.stat().st_size > MIB for entry in partial.iterdir()))
    client.kill()
    client.communicate()
    line = line_of(server, path)
    assert (line["status"], line["code"]) == (400, "incomplete-body")
    assert MIB < line["bytes_received"] < SIZE


def test_what_gunicorn_logs_is_a_json_line_too(serve, tmp_path):
    server = serve(("port = port\n", "port = port\ngraceful_timeout = 1\n"))
    slow = ["/api/images/raw/disk", "-o", tmp_path / "cut", "--limit-rate", "1M"]
    client = by_alice(server, *slow, wait=False)
    assert wait_until(lambda: (tmp_path / "cut").exists() and (tmp_path / "cut").stat().st_size)
    server.process.terminate()
    server.process.wait(12)
    client.kill()
    client.communicate()
    said = [line for line in lines(server) if line["logger"] == "gunicorn.error"]
    assert "Cut off the transfers that had not finished: 1" in {line["event"] for line in said}


def test_health_is_told_without_a_certificate(serve, tmp_path):
    server = serve()
    answer = server.curl("/healthz", "--fail")
    assert json.loads(answer.printed) == {"status": "ok"}
    (tmp_path / "var" / "store").rename(tmp_path / "var" / "away")
    failing = ["/healthz", "-w", "%{http_code}"]
    assert wait_until(lambda: server.curl(*failing).printed.endswith("503"), 15)
    reasons = [line for line in lines(server) if line["logger"] == "repoman.services.checks"]
    assert reasons[0]["part"] == "store"
    assert "No such file" in reasons[0]["reason"]
    request_id = reasons[0]["request_id"]
    assert wait_until(lambda: [line["request_id"] for line in lines(server)].count(request_id) == 2)

"""How the server ends: running transfers first, within a limit, and with nothing left behind."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.server.running import alive, wait_until


def four_downloads(server, blocks=160, rate="4M"):
    limit = ["--limit-rate", rate, "-o", Path(os.devnull), "-w", "%{http_code} %{size_download}"]
    return [server.curl(f"/download?{blocks}", *limit, wait=False) for _ in range(4)]


def outcome(curl):
    printed, errors = curl.communicate(timeout=30)
    return curl.returncode, printed, errors


@pytest.mark.parametrize("how", ["SIGTERM twice", "Ctrl-C twice", "terminal closed"])
def test_running_transfers_finish_and_nothing_is_left(start, tmp_path, how):
    server = start()
    for _ in range(6):  # clients that give up while shaking hands must not confuse its counting
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"\x16\x03\x01")
    body = tmp_path / "body"
    body.write_bytes(bytes(5 << 20))
    upload = server.curl("/read", "-T", body, "--limit-rate", "2M", wait=False)
    downloads = four_downloads(server)
    time.sleep(1)
    workers = server.workers()
    begin = time.monotonic()
    for _ in range(2):
        if how == "SIGTERM twice":
            server.process.terminate()
        else:
            server.signal_group(signal.SIGINT if how == "Ctrl-C twice" else signal.SIGHUP)
        time.sleep(0.3)
    assert server.process.poll() is None
    for download in downloads:
        assert outcome(download) == (0, f"200 {160 * 65536}", "")
    assert outcome(upload)[:2] == (0, str(5 << 20))
    assert server.process.wait(10) == 0
    assert time.monotonic() - begin < 10
    assert not [pid for pid in workers if alive(pid)]
    assert server.errors.read_text() == ""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_transfers_that_run_on_are_cut_off_at_the_limit(start):
    server = start(graceful_timeout=1)
    downloads = four_downloads(server, blocks=1600, rate="8M")
    time.sleep(0.5)
    workers = server.workers()
    begin = time.monotonic()
    server.process.terminate()
    assert server.process.wait(10) == 0
    assert 0.4 < time.monotonic() - begin < 4
    assert not [pid for pid in workers if alive(pid)]
    assert "Cut off the transfers that had not finished" in server.errors.read_text()
    assert {outcome(download)[0] for download in downloads} == {18}


def test_workers_end_when_their_parent_was_killed(start):
    server = start(graceful_timeout=1)
    downloads = four_downloads(server, blocks=1600, rate="8M")
    time.sleep(0.5)
    workers = server.workers()
    server.process.kill()
    server.process.wait()
    assert wait_until(lambda: not [pid for pid in workers if alive(pid)], 6)
    for download in downloads:
        assert outcome(download)[0] == 18

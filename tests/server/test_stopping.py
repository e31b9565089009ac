"""How the server ends: running transfers first, within a limit, and with nothing left behind."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.running import alive, wait_until

BLOCKS = 160  # more than the kernel holds for a client


def four_downloads(server, folder, blocks=1600, rate="8M"):
    """Start downloads, and return when all of them run."""
    paths = [folder / str(number) for number in range(4)]
    show = ["--limit-rate", rate, "-w", "%{http_code} %{size_download}"]
    started = [server.curl(f"/download?{blocks}", *show, "-o", path, wait=False) for path in paths]
    assert wait_until(lambda: all(path.exists() and path.stat().st_size for path in paths))
    return started


def outcome(curl):
    printed, errors = curl.communicate(timeout=30)
    return curl.returncode, printed, errors


def test_running_transfers_finish_and_nothing_is_left(start, tmp_path, subtests):
    ways = ["SIGTERM twice", "Ctrl-C twice", "terminal closed"]
    with ThreadPoolExecutor() as pool:  # each mostly waits
        ends = [
            (how, pool.submit(end_amid_transfers, start(), tmp_path / how, how)) for how in ways
        ]
        for how, end in ends:
            with subtests.test(how):
                end.result()


def end_amid_transfers(server, folder, how):
    folder.mkdir()
    for _ in range(6):  # clients that give up while shaking hands must not confuse its counting
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"\x16\x03\x01")
    body = folder / "body"
    body.write_bytes(bytes(3 << 20))
    upload = server.curl("/read", "-T", body, "--limit-rate", "1500k", wait=False)
    time.sleep(0.2)
    downloads = four_downloads(server, folder, BLOCKS, "6M")
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
        assert outcome(download) == (0, f"200 {BLOCKS * 65536}", "")
    assert outcome(upload)[:2] == (0, str(3 << 20))
    assert server.process.wait(10) == 0
    assert time.monotonic() - begin < 10
    assert not [pid for pid in workers if alive(pid)]
    assert server.errors.read_text() == ""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_transfers_that_run_on_are_cut_off_at_the_limit(start, tmp_path):
    server = start(graceful_timeout=1)
    downloads = four_downloads(server, tmp_path)
    workers = server.workers()
    begin = time.monotonic()
    server.process.terminate()
    assert server.process.wait(10) == 0
    assert 0.4 < time.monotonic() - begin < 4
    assert not [pid for pid in workers if alive(pid)]
    assert "Cut off the transfers that had not finished" in server.errors.read_text()
    assert {outcome(download)[0] for download in downloads} == {18}


def test_workers_end_when_their_parent_was_killed(start, tmp_path):
    server = start(graceful_timeout=1)
    downloads = four_downloads(server, tmp_path)
    workers = server.workers()
    server.process.kill()
    server.process.wait()
    assert wait_until(lambda: not [pid for pid in workers if alive(pid)], 6)
    for download in downloads:
        assert outcome(download)[0] == 18

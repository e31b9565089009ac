"""``/metrics`` of the embedded server: one answer for both of its workers, also of killed ones."""

import os
import signal

import pytest

from tests.scrape import Scrape, went_back
from tests.server.running import Running, admin_command, free_port, wait_until

RUNNING = "repoman_transfers_running"
REQUESTS = "repoman_requests_total"
MIB = 1 << 20


@pytest.fixture
def server(tmp_path):
    """Return what ``make run`` starts."""
    port = free_port()
    command = admin_command("run", "--var", tmp_path / "var", "--port", str(port))
    running = Running(command, tmp_path / "var" / "pki", port)
    yield running
    running.stop()


def scrape(server):
    answer = server.curl("/metrics", "--fail")
    assert answer.code == 0, answer.errors
    return Scrape(answer.printed)


def alice(server, *arguments, **options):
    certificate = server.folder / "alice.pem"
    return server.curl("--fail", *arguments, certificate=certificate, **options)


def test_whichever_worker_is_asked_tells_of_both(server, tmp_path):
    # Each on a connection of its own, which either worker may take.
    for _ in range(20):
        assert alice(server, "/api/whoami").code == 0
    assert wait_until(lambda: len(list((tmp_path / "var" / "metrics").glob("values-*"))) == 2)
    for number in range(10):
        found = scrape(server)
        assert found(REQUESTS, route="whoami", status="200") == 20
        assert found(REQUESTS, route="metrics", status="200") == number
    answer = server.curl("/metrics", "-H", "X-Forwarded-For: 127.0.0.1", "-w", "%{http_code}")
    assert answer.printed.endswith("401")


def test_what_a_killed_worker_counted_stays_and_its_transfers_go(server, tmp_path, sparse):
    assert alice(server, "-d", "name=x", "/api/images").code == 0
    raw, null = "/api/images/raw/x", tmp_path / "null"
    assert alice(server, "-T", sparse(32 * MIB), raw).code == 0
    slow = ["--limit-rate", "1M", "-o", null]
    downloads = [alice(server, *slow, raw, wait=False) for _ in range(3)]
    transfers = [*downloads, alice(server, *slow, "-T", sparse(64 * MIB), raw, wait=False)]
    try:
        assert wait_until(lambda: scrape(server)(RUNNING, direction="download") == 3)
        assert wait_until(lambda: scrape(server)(RUNNING, direction="upload") == 1)
        # The bytes of a transfer count while it runs.
        received = "repoman_received_bytes_total"
        assert wait_until(lambda: scrape(server)(received, route="raw") > 32 * MIB)
        before, workers = scrape(server), server.workers()
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        for curl in transfers:
            curl.communicate()
            assert curl.returncode != 0
    finally:
        for curl in transfers:
            curl.kill()
    assert wait_until(lambda: not set(server.workers()) & set(workers) and server.workers())
    after = scrape(server)
    assert went_back(before, after) == []
    assert after(RUNNING) == 0
    assert after(REQUESTS, route="raw", status="201") == 1
    assert len(list((tmp_path / "var" / "metrics").iterdir())) <= 3

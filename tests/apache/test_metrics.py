"""``/metrics`` through Apache: httpd's own processes and the daemon's in one answer."""

import os
import signal
from pathlib import Path

import pytest

from tests.apache.conftest import OTHER_HOST, register
from tests.apache.site import Site
from tests.scrape import Scrape, went_back
from tests.server.running import wait_until

REQUESTS, RUNNING = "repoman_requests_total", "repoman_transfers_running"
RECEIVED, SENT = "repoman_received_bytes_total", "repoman_sent_bytes_total"
MIB = 1 << 20
NOWHERE = Path(os.devnull)  # a string would be a path on the server
SLOW = ("--limit-rate", "2M", "-w", "%{http_code}")


@pytest.fixture(scope="module")
def site(installation, certificates):
    """Return an Apache of these tests' own, for they end its processes."""
    running = Site(installation, "metrics", more=OTHER_HOST.format(tls=installation.tls))
    try:
        register(running)
        yield running
    finally:
        running.stop()


@pytest.fixture
def url(image):
    return f"/api/images/raw/{image}"


@pytest.fixture
def disk(site, ann, url, tmp_path):
    """Upload a file, and return its path. It is more than what sockets hold by themselves."""
    path = tmp_path / "disk"
    path.write_bytes(b"disk" * (8 * MIB))
    assert site.ask("-T", path, url, certificate=ann).status == 201
    return path


def scrape(site):
    answer = site.ask("/metrics")
    assert answer.status == 200, (answer.errors, answer.body)
    return Scrape(answer.body)


def of_processes(site):
    """List the files of the processes that have counted something."""
    return sorted(path.name for path in (site.var / "metrics").glob("values-*"))


def test_httpds_processes_and_the_daemons_are_told_of_together(site, ann, url, disk):
    before = scrape(site)
    for _ in range(10):
        assert site.ask("/api/whoami", certificate=ann).status == 200
        assert site.ask(url, "-o", NOWHERE, certificate=ann).code == 0
    for _ in range(5):
        after = scrape(site)

        def more(name, after=after, **labels):
            return after(name, **labels) - before(name, **labels)

        # The daemon's, and httpd's own.
        assert more(REQUESTS, route="whoami", status="200") == 10
        assert more(REQUESTS, route="raw", method="GET", status="200") == 10
        assert more(SENT, route="raw") == 320 * MIB
    assert after(RECEIVED, route="raw") >= 32 * MIB
    assert after("repoman_transfer_duration_seconds_count", direction="upload") >= 1
    assert after(RUNNING) == 0
    assert after("repoman_database_up") == after("repoman_store_up") == 1
    assert len(of_processes(site)) >= 2


def test_who_asks_by_a_loopback_address_needs_no_certificate(site, ann):
    assert site.ask("/metrics").status == 200
    # As Prometheus does, whose tls_config has a server_name.
    assert site.ask("/metrics", "-H", f"Host: 127.0.0.1:{site.port}").status == 200
    through = site.ask("/metrics", "-H", "X-Forwarded-For: 192.0.2.7")
    assert through.refusal == (401, "certificate-required")
    through = site.ask("/metrics", "-H", "Via: 1.1 proxy", certificate=ann)
    assert through.refusal == (403, "permission-denied")
    admin = site.folder / "admin.pem"
    assert site.ask("/metrics", "-H", "Via: 1.1 proxy", certificate=admin).status == 200


def test_what_a_killed_process_counted_stays_and_its_transfers_go(site, ann, url, disk, tmp_path):
    download = site.curl(url, *SLOW, "-o", tmp_path / "down", certificate=ann, wait=False)
    upload = site.curl("-T", disk, url, *SLOW, "-o", tmp_path / "up", certificate=ann, wait=False)
    assert wait_until(lambda: scrape(site)(RUNNING, direction="download") == 1)
    assert wait_until(lambda: scrape(site)(RUNNING, direction="upload") == 1)
    before, killed = scrape(site), site.children()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    for curl in (download, upload):
        curl.communicate()
        assert curl.returncode != 0
    assert wait_until(lambda: site.ask("/healthz").status == 200)
    assert not set(site.children()) & set(killed)
    after = scrape(site)
    assert went_back(before, after) == []
    assert after(RUNNING) == 0


def test_counters_never_go_back_while_apache_restarts(site, ann, url, disk, tmp_path):
    download = site.curl(url, *SLOW, "-o", tmp_path / "down", certificate=ann, wait=False)
    assert wait_until(lambda: scrape(site)(RUNNING, direction="download") == 1)
    first = last = scrape(site)

    def restarted():
        nonlocal last
        site.ask(f"{url}?x=1", certificate=ann)
        answer = site.ask("/metrics")
        if answer.status == 503:  # while the daemon starts anew
            return False
        now = Scrape(answer.body)
        assert went_back(last, now) == []
        last = now
        return not set(site.children(daemon=True)) & set(before)

    before = site.children(daemon=True)
    site.reload()
    assert wait_until(restarted, 30)
    # It goes on in a process of before the restart.
    assert last(RUNNING, direction="download") == 1
    for _ in range(2):
        before = site.children(daemon=True)
        site.reload()
        assert wait_until(restarted, 30)
    assert download.communicate()[0] == "200"
    assert wait_until(lambda: scrape(site)(RUNNING) == 0)
    last = scrape(site)
    assert last(SENT, route="raw") - first(SENT, route="raw") > 16 * MIB
    assert went_back(first, last) == []
    assert wait_until(lambda: scrape(site) and len(of_processes(site)) <= len(site.children()))


def test_a_restart_of_all_of_apache_loses_nothing(site, ann, disk):
    before = scrape(site)
    site.stop()
    site._start(site.root / "httpd.conf")
    after = scrape(site)
    assert went_back(before, after) == []
    assert after(RUNNING) == 0
    assert len(of_processes(site)) <= len(site.children())

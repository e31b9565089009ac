"""``/metrics`` of a server of several processes, which put it together in a folder."""

import shutil

import pytest
from webtest import TestApp

import repoman
from repoman.metrics import Metrics, make_metrics
from repoman.settings import InvalidSetting
from tests.databases import on_sqlite
from tests.factories import People
from tests.mounts import filled, small_disk
from tests.scrape import scraper, went_back
from tests.wsgi import begin

# The database has no part in it.
pytestmark = on_sqlite
RAW, RUNNING = "/api/images/raw/debian12", "repoman_transfers_running"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "metrics"


@pytest.fixture
def start(ini, folder):
    """Start an application as another process does."""
    started = []

    def start(path=folder):
        started.append(repoman.main({}, **ini | {"repoman.metrics": str(path)}))
        return started[-1]

    yield start
    for application in started:
        application.sessions.engine.dispose()
        metrics_of(application).tally.close()


def metrics_of(application) -> Metrics:
    return application.application.application.registry.metrics


def test_whichever_process_is_asked_tells_of_all(start, sessions, authority):
    processes = [start() for _ in range(3)]
    for number, process in enumerate(processes, 1):
        client = TestApp(process)
        for _ in range(number):
            client.get("/api")
    for number, process in enumerate(processes):
        found = scraper(process)()
        assert found("repoman_requests_total", route="api") == 6
        assert found("repoman_requests_total", route="metrics") == number
        assert found("repoman_request_duration_seconds_count", route="api") == 6


def test_what_a_process_counted_stays_when_it_ends_but_its_transfers_do_not(
    start, sessions, authority, folder
):
    staying, ending = start(), start()
    people = People(ending, sessions, authority)
    people.alice.create()
    people.alice.upload(data=bytes(300_000))
    body = begin(people.alice.client, RAW)
    next(iter(body))
    before = scraper(staying)()
    assert before(RUNNING, direction="download") == 1
    metrics_of(ending).tally.close()  # as the kernel does when the process is killed
    after = scraper(staying)()
    assert after(RUNNING, direction="download") == 0
    assert went_back(before, after) == []
    assert after("repoman_received_bytes_total", route="raw") == 300_000
    assert len(list(folder.glob("values-*"))) == 1
    body.close()


def test_files_do_not_become_more_than_processes(start, folder):
    for number in range(1, 6):
        process = start()
        for _ in range(2):
            TestApp(process).get("/api")
        assert len(list(folder.iterdir())) <= 2
        assert scraper(process)()("repoman_requests_total", route="api") == 2 * number
        metrics_of(process).tally.close()


def test_a_folder_that_cannot_be_used_stops_the_start_and_names_the_setting(ini, tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "metrics"):
        with pytest.raises(InvalidSetting, match=rf"^repoman\.metrics: {path} must be a folder"):
            repoman.main({}, **ini | {"repoman.metrics": str(path)})
    with pytest.raises(InvalidSetting, match="must not be empty"):
        repoman.main({}, **ini | {"repoman.metrics": ""})
    with pytest.raises(InvalidSetting, match=r"^repoman\.metrics: "):
        make_metrics(tmp_path / "file")


def test_the_folder_is_for_the_servers_user_and_group_alone(start, folder):
    TestApp(start()).get("/api")
    assert folder.stat().st_mode & 0o777 == 0o750
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_full_disk_breaks_no_request_and_what_was_missed_is_written_later(start, tmp_path):
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        process = start(disk / "metrics")
        client, scrape = TestApp(process), scraper(process)
        client.get("/api")
        with filled(disk):
            for url, status in (("/api", 200), ("/nosuch", 401)):
                for _ in range(300):
                    client.get(url, status=status)
            assert scrape()("repoman_requests_total", route="api") == 301
        client.get("/nosuch", status=401)
        client.get("/api")
        found = scrape()
        assert found("repoman_requests_total", route="api") == 302
        assert found("repoman_errors_total", code="certificate-required") == 301
        metrics_of(process).tally.close()


def test_a_folder_that_is_emptied_or_goes_breaks_no_request(start, folder):
    process = start()
    client, scrape = TestApp(process), scraper(process)
    client.get("/api")
    client.get("/nosuch", status=401)
    for file in folder.iterdir():
        file.unlink()
    client.get("/api")
    assert scrape()("repoman_requests_total", route="api") == 2
    assert scrape()("repoman_errors_total") == 1
    shutil.rmtree(folder)
    client.get("/api")
    # The values of one process would look as if the counters had begun anew.
    found = scrape()
    assert found.series("repoman_requests_total") == []
    assert found("repoman_database_up") == 1
    folder.mkdir()
    client.get("/api")
    assert scrape()("repoman_requests_total", route="api") == 4

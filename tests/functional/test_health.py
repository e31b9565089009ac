"""``/healthz``: what works, found out by doing it, and to each what is theirs to know."""

import threading
import time
from contextlib import contextmanager

import pytest
from webtest import TestApp

import repoman
from repoman.services import health
from tests.databases import on_sqlite
from tests.factories import People
from tests.functional.test_openapi import validator
from tests.mounts import filled, small_disk
from tests.wsgi import wait_for

URL = "/healthz"


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    """Let every request find out anew."""
    monkeypatch.setattr(health, "CACHED_SECONDS", 0)


@contextmanager
def no_folder(folder, instead=None):
    """Take a folder of the store's away; root may write wherever there is one."""
    folder.rename(folder.with_name("away"))
    if instead is not None:
        folder.write_text(instead)
    try:
        yield
    finally:
        folder.unlink(missing_ok=True)
        folder.with_name("away").rename(folder)


def ask(client, status=200):
    answer = client.get(URL, status=status)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "ETag" not in answer.headers
    assert "X-Repoman-Error" not in answer.headers
    assert "X-Repoman-Request-Id" in answer.headers
    validator("Health").validate(answer.json)
    return answer.json


def test_each_is_told_what_is_theirs_to_know(people):
    stranger = people.client(people.holder("Stranger"))
    invalid = TestApp(people.application, {"SSL_CLIENT_VERIFY": "FAILED:expired"})
    for client in (people.anonymous, stranger, invalid):
        assert ask(client) == {"status": "ok"}
    parts = {"status": "ok", "database": "ok", "store": "ok"}
    assert ask(people.alice.client) == parts
    assert ask(people.admin.client) == parts | {"reasons": {}}


@pytest.mark.parametrize("folder", ["partial", "blobs"])
@pytest.mark.parametrize("instead", [None, "a file"])
def test_a_store_that_takes_no_files_is_failing(people, settings, folder, instead):
    clients = people.anonymous, people.alice.client, people.admin.client
    with no_folder(settings.store / folder, instead):
        nobody, user, admin = (ask(client, 503) for client in clients)
        assert nobody == {"status": "failing"}
        assert user == {"status": "failing", "database": "ok", "store": "failing"}
        assert {name: admin[name] for name in user} == user
        assert list(admin["reasons"]) == ["store"]
        assert str(settings.store / folder) in admin["reasons"]["store"]
        assert people.anonymous.head(URL, status=503).body == b""
    assert ask(people.alice.client)["store"] == "ok"


def test_while_the_database_is_gone_it_says_so_to_anybody(people, database):
    clients = people.anonymous, people.alice.client, people.admin.client
    with database.gone():
        for client in clients:
            assert ask(client, 503) == {"status": "failing"}
    assert ask(people.anonymous) == {"status": "ok"}


def test_a_database_without_tables_is_failing(people, database):
    assert people.alice
    with database.emptied():
        assert ask(people.anonymous, 503) == {"status": "failing"}
    assert ask(people.anonymous) == {"status": "ok"}


@on_sqlite
def test_a_database_replaced_by_something_else_is_failing(people, database):
    assert people.alice
    with database.gone():
        database.path.write_bytes(b"this is no database, and longer than its header" * 99)
        assert ask(people.anonymous, 503) == {"status": "failing"}
        database.remove()


def test_a_database_that_somebody_writes_to_is_well(people, database):
    with database.locked():
        assert ask(people.anonymous) == {"status": "ok"}


def test_a_database_that_keeps_readers_waiting_is_failing_after_the_timeout(ini, database):
    application = repoman.main({}, **ini | {"repoman.database_timeout": "1"})
    client = TestApp(application)
    ask(client)
    application.sessions.engine.dispose()
    with database.locked(reading=True):
        assert ask(client, 503) == {"status": "failing"}
    ask(client)
    application.sessions.engine.dispose()


def test_a_full_disk_is_failing(ini, tmp_path, sessions, authority):
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        application = repoman.main({}, **ini | {"repoman.store": str(disk / "store")})
        people = People(application, sessions, authority)
        assert ask(people.admin.client)["store"] == "ok"
        with filled(disk):
            assert "No space left" in ask(people.admin.client, 503)["reasons"]["store"]
        application.sessions.engine.dispose()


def test_nothing_is_left_in_the_store(people, remains):
    before = remains.all()
    for _ in range(3):
        ask(people.anonymous)
    assert remains.all() == before == (set(), set(), set(), set())


def test_it_answers_whatever_host_was_asked(ini, sessions, authority):
    application = repoman.main({}, **ini | {"repoman.hosts": "images.example.org"})
    client = TestApp(application)
    client.get(URL, headers={"Host": "10.0.0.7:8443"}, status=200)
    client.get("/api", headers={"Host": "10.0.0.7:8443"}, status=400)
    application.sessions.engine.dispose()


def test_what_else_it_refuses_as_every_url_does(people):
    people.anonymous.post(URL, status=401)
    people.anonymous.get(f"{URL}?x=1", status=400)
    people.anonymous.get("/api/healthz", status=401)
    people.anonymous.get(URL, headers={"Accept": "text/html"}, status=406)
    assert people.alice.client.put(URL, status=405).headers["Allow"] == "GET, HEAD, OPTIONS"
    people.anonymous.get(f"{URL}/", status=200)
    people.anonymous.get(URL, headers={"If-None-Match": "*"}, status=200)


# --- how often it is found out


class Part:
    """Stands for a store: notes how often it is checked, and hangs while ``free`` is not set."""

    def __init__(self):
        self.checked, self.free = 0, threading.Event()
        self.free.set()

    def check(self):
        self.checked += 1
        assert self.free.wait(20)


@pytest.fixture
def part():
    made = Part()
    yield made
    made.free.set()


def test_an_outcome_holds_for_a_while(sessions, part, monkeypatch):
    monkeypatch.setattr(health, "CACHED_SECONDS", 1000)
    found = health.Health(sessions, part, 10)
    for _ in range(5):
        assert found.failures() == {"database": None, "store": None}
    assert part.checked == 1
    monkeypatch.setattr(time, "monotonic", lambda real=time.monotonic: real() + 1001)
    found.failures()
    found.failures()
    assert part.checked == 2


def test_of_many_who_ask_at_once_one_finds_out(sessions, part, monkeypatch):
    monkeypatch.setattr(health, "CACHED_SECONDS", 1000)
    part.free.clear()
    found, seen = health.Health(sessions, part, 10), []
    threads = [threading.Thread(target=lambda: seen.append(found.failures())) for _ in range(20)]
    for thread in threads:
        thread.start()
    wait_for(lambda: part.checked)
    part.free.set()
    for thread in threads:
        thread.join()
    assert seen == [{"database": None, "store": None}] * 20
    assert part.checked == 1


def test_while_one_finds_out_anew_the_others_get_what_was_known(sessions, part):
    found = health.Health(sessions, part, 10)
    found.failures()
    part.free.clear()
    slow = threading.Thread(target=found.failures)
    slow.start()
    wait_for(lambda: part.checked == 2)
    assert found.failures() == {"database": None, "store": None}
    assert part.checked == 2
    part.free.set()
    slow.join()


def test_a_part_that_hangs_is_failing_and_is_not_asked_again_meanwhile(sessions, part):
    part.free.clear()
    found = health.Health(sessions, part, 1)
    for _ in range(2):
        reason = "There was no answer in time."
        assert found.failures() == {"database": None, "store": reason}
    assert part.checked == 1
    part.free.set()
    wait_for(lambda: found.failures()["store"] is None)

"""No test sees what another one left: what stands from test to test is as new for each."""

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from webtest import TestApp

import repoman
from repoman.models import Sessions, make_engine
from repoman.settings import Settings, read_settings
from tests import standing
from tests.databases import on_sqlite
from tests.factories import API, People
from tests.rights import all_rows
from tests.scrape import LOCAL, scraper
from tests.washing import Washed


def router_of(application):
    return application.application.application


@pytest.fixture
def after(ini, tmp_path, migrated_sqlite):
    """The settings of a test that comes after."""
    shutil.copy(migrated_sqlite, tmp_path / "after.sqlite")
    changes = {"sqlalchemy.url": f"sqlite:///{tmp_path}/after.sqlite"}
    return ini | changes | {"repoman.store": str(tmp_path / "after")}


@on_sqlite
def test_an_application_knows_nothing_of_the_one_before(ini, sessions, authority, after):
    other = {"Host": "other.org"}
    with standing.serving(ini | {"repoman.hosts": "localhost"}) as first:
        people = People(first, sessions, authority)
        people.alice.create()
        people.alice.upload()
        people.alice.client.get("/api", headers=other, status=400)
        assert scraper(first)()("repoman_requests_total") > 0
        router = router_of(first)
    later = Sessions(make_engine(read_settings(after)))
    with standing.serving(after) as second:
        assert router_of(second) is router
        assert scraper(second)()("repoman_requests_total") == 0
        client = People(second, later, authority).bob.client
        client.get("/api", headers=other, status=200)
        assert client.get("/api/images").json == []
        assert client.get("/api/users").json == [f"{API}/users/bob"]
        assert not [*router.registry.store.blobs.iterdir()]
    later.engine.dispose()


@on_sqlite
def test_two_applications_at_one_time_share_nothing(ini, after):
    with standing.serving(ini) as first, standing.serving(after) as second:
        assert router_of(first) is not router_of(second)


def test_a_router_keeps_nothing_but_what_each_application_brings(people):
    at_first = vars(repoman.make_router({}).registry).keys()
    alice = people.alice.client
    people.alice.create()
    people.alice.upload()
    alice.get("/api/images/raw/debian12")
    alice.delete("/api/images/none", status=404)
    TestApp(people.application, extra_environ=LOCAL).get("/metrics")
    added = vars(router_of(people.application).registry).keys() - at_first
    brought = {"repoman_settings", "sessions", "store", "health", "usage", "metrics"}
    # The methods of each URL, which are the router's own.
    assert added == brought | {"route_methods"}


@pytest.fixture
def washed(postgres, migrated_postgres):
    made = Washed(postgres, migrated_postgres)
    yield made
    made.close()


CHANGES = [
    'ALTER TABLE "user" ADD nickname text',
    "ALTER TABLE image ALTER description SET NOT NULL",
    "ALTER TABLE image DROP CONSTRAINT fk_image_owner_id",
    "CREATE INDEX ix_more ON image (created)",
    "DROP INDEX ix_image_share_user_id",
    "DROP TABLE audit CASCADE",
    "ALTER SEQUENCE image_id_seq INCREMENT 2",
    "CREATE TABLE more (id int)",
    "UPDATE alembic_version SET version_num = '000'",
    "TRUNCATE audit",
]


def test_a_washed_database_is_as_new(washed, authority):
    first = washed.take()
    sessions = sessions_of(first)
    new = all_of(sessions)
    people = People(None, sessions, authority)
    people.join("lab", people.alice, people.admin)
    with sessions.changing.begin() as session:
        session.execute(text("""UPDATE "group" SET description = 'x' WHERE name = 'admins'"""))
        session.execute(text("DELETE FROM group_permission"))
    assert all_of(sessions) != new
    washed.give_back()
    assert washed.take() is first
    assert all_of(sessions) == new
    sessions.engine.dispose()


@pytest.mark.parametrize("change", CHANGES)
def test_a_database_of_another_schema_is_not_for_the_next_test(washed, change):
    first = washed.take()
    with psycopg.connect(first.url) as connection:
        connection.execute(change)
    washed.give_back()
    assert washed.take() is not first


def test_a_database_where_somebody_is_at_work_is_not_for_the_next_test(washed):
    first = washed.take()
    with closing(psycopg.connect(first.url)) as connection:
        connection.execute("SELECT 1")
        washed.give_back()
    second = washed.take()
    assert second is not first
    second.remove()
    washed.give_back()
    assert washed.take() is not second


def test_a_connection_is_kept_for_the_same_database_and_settings_alone(washed):
    database = washed.take()
    settings = settings_of(database)
    first = process_of(settings)
    assert process_of(settings) == first
    assert process_of(replace(settings, database_timeout=3)) != first
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 10000)", [first])
    assert process_of(settings) != first


def process_of(settings):
    """Return the number of the server's process that serves a new engine."""
    engine = make_engine(settings)
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT pg_backend_pid()"))
        assert connection.scalar(text("SHOW lock_timeout")) == f"{settings.database_timeout}s"
    engine.dispose()
    return found


def settings_of(database):
    return Settings(database_url=database.url, store=Path())


def sessions_of(database):
    return Sessions(make_engine(settings_of(database)))


def all_of(sessions):
    """Return all rows, and the last ids that were given."""
    with sessions.reading() as session:
        ids = session.execute(text("SELECT sequencename, last_value FROM pg_sequences")).all()
    return all_rows(sessions), sorted(ids)

"""What only a PostgreSQL server does to Repoman: 503 while it lasts, and no file is lost."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import text

from repoman.services.collector import collect
from repoman.storage.filesystem import FilesystemStore
from tests.databases import on_postgresql
from tests.factories import FILE
from tests.wsgi import Source, assert_no_database, finish_by_the_last_byte, send, wait_for

RAW = "/api/images/raw/debian12"
NEW = b"another virtual machine image" * 1000

pytestmark = on_postgresql


@pytest.fixture
def administer(database):
    """Run statements as the database's administrator."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        yield connection.execute


def end_connections(administer):
    """End all connections but the administrator's, as a restart of the server does."""
    administer(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_connections_that_a_restart_has_ended_are_made_anew_and_nobody_notices(
    kept, alice, administer
):
    end_connections(administer)
    alice.get("/api/whoami", status=200)
    end_connections(administer)
    alice.post_json("/api/images", {"name": "new"}, status=201)
    end_connections(administer)
    assert alice.get(RAW).body == FILE
    source = Source(NEW, lambda: end_connections(administer))
    send(alice, RAW, source, length=len(NEW), status=200)
    assert alice.get(RAW).body == NEW


def test_a_connection_that_ends_under_a_waiting_request_is_503_and_the_next_is_served(
    kept, alice, administer, database
):
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool, database.locked():
        running = pool.submit(alice.delete, "/api/images/debian12", status=503)
        wait_for(lambda: administer(waiting).rowcount)
        administer(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        assert_no_database(running.result(20))
    kept.check()
    alice.delete("/api/images/debian12", status=200)


# What PostgreSQL does at a commit can be had by a trigger that waits for it.
AT_COMMIT = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {}; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON image_file DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fail();
"""


@pytest.mark.parametrize(
    "failure",
    [
        "RAISE EXCEPTION USING ERRCODE = 'disk_full'",
        "PERFORM pg_terminate_backend(pg_backend_pid())",
    ],
    ids=["disk full", "connection lost"],
)
def test_a_commit_that_fails_leaves_the_old_file_and_the_new_one_to_go_on_with(
    kept, alice, administer, sessions, settings, failure
):
    administer(AT_COMMIT.format(failure))
    assert_no_database(alice.put(RAW, NEW, status=503))
    assert alice.get(RAW).body == FILE
    # Whether the commit took place is not known to the server: it must not delete the file.
    assert len(kept.remains.files()) == 2
    administer("DROP TRIGGER fail ON image_file")
    assert not [*collect(sessions, FilesystemStore(settings.store), 0)]
    kept.check_file()
    finish_by_the_last_byte(alice, RAW, NEW)


def test_a_server_that_only_reads_as_a_standby_does_refuses_changes_and_shows_all(
    kept, alice, administer, database
):
    administer(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    end_connections(administer)
    assert_no_database(alice.put(RAW, NEW, status=503))
    assert_no_database(alice.post_json("/api/images", {"name": "new"}, status=503))
    assert_no_database(alice.delete("/api/images/debian12", status=503))
    assert alice.get(RAW).body == FILE
    administer(f"ALTER DATABASE {database.name} RESET default_transaction_read_only")
    end_connections(administer)
    kept.check()
    alice.put(RAW, NEW, status=200)


def test_a_server_without_a_free_connection_is_503_until_there_is_one(
    kept, alice, administer, database
):
    administer(f"ALTER DATABASE {database.name} CONNECTION LIMIT 1")
    end_connections(administer)
    assert_no_database(alice.get("/api/whoami", status=503))
    assert_no_database(alice.put(RAW, NEW, status=503))
    administer(f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")
    kept.check()


def test_what_is_read_in_one_request_is_of_one_moment(sessions):
    """Else a list would show by its second query what its first would not choose any more."""
    with sessions.reading() as session:
        assert session.scalar(text("SHOW transaction_isolation")) == "repeatable read"

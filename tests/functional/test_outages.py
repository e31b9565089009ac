"""A full disk, a database locked or gone, a store gone: the right 5xx, and nothing is lost."""

import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError

import repoman
from repoman.scripts.admin import main as repoman_admin
from repoman.services.collector import collect
from repoman.storage.filesystem import FilesystemStore
from tests.databases import moved_away, on_sqlite
from tests.factories import FILE, People
from tests.mounts import filled, small_disk
from tests.wsgi import (
    FORM,
    MIB,
    Noise,
    Source,
    assert_no_database,
    assert_refused,
    assert_refused_unread,
    finish_by_the_last_byte,
    multipart,
    send,
)

RAW = "/api/images/raw/debian12"
NEW = b"another virtual machine image" * 1000


# A full disk


def taken_names(disk: Path):
    """Make files until the disk has no room for another name."""
    for number in range(100):
        try:
            (disk / f"name-{number}").touch()
        except OSError:
            return
        yield disk / f"name-{number}"


class TestFullStore:
    """The store lies on a disk of 4 MiB."""

    @pytest.fixture
    def disk(self, tmp_path):
        with small_disk(tmp_path / "disk", "size=4m", "nr_inodes=60") as made:
            yield made

    @pytest.fixture
    def ini(self, ini, disk):
        return ini | {"repoman.store": str(disk / "store")}

    def test_an_announced_file_without_room_is_refused_before_its_body(self, kept, alice):
        assert_refused_unread(alice, RAW, 507, "store-full", length=5 * MIB)
        form = {"method": "POST", "headers": FORM | {"Expect": "100-continue"}}
        assert_refused_unread(alice, RAW, 507, "store-full", length=5 * MIB, **form)
        kept.check()
        alice.put(RAW, NEW, status=200)

    def test_a_file_of_unknown_length_is_refused_when_the_disk_is_full(self, kept, alice):
        assert_refused(send(alice, RAW, Noise(8 * MIB), status=507), 507, "store-full")
        form = Noise(8 * MIB, multipart(b"")[:-13], b"\r\n--limit--\r\n")
        response = send(alice, RAW, form, method="POST", headers=FORM, status=507)
        assert_refused(response, 507, "store-full")
        kept.check()
        send(alice, RAW, Noise(3 * MIB), status=200)

    def test_an_upload_cut_short_by_a_full_disk_leaves_no_thread(self, kept, alice):
        before = threading.active_count()
        digest = f"sha-512=:{'A' * 86}==:"
        headers = {"Content-Digest": digest, "Repr-Digest": digest}
        for _ in range(3):
            send(alice, RAW, Noise(8 * MIB), headers=headers, status=507)
        assert threading.active_count() == before

    def test_a_disk_that_others_fill_meanwhile_refuses_the_file(self, kept, alice, disk):
        with filled(disk):
            assert_refused(alice.put(RAW, NEW, status=507), 507, "store-full")
            kept.check()

        for_later = []

        def act():
            for_later.append(filled(disk))
            for_later[0].__enter__()

        data = NEW * 50
        response = send(alice, RAW, Source(data, act), length=len(data), status=507)
        assert_refused(response, 507, "store-full")
        for_later[0].__exit__(None, None, None)
        kept.check()
        alice.put(RAW, data, status=200)

    @pytest.mark.parametrize("left", [0, 1])
    def test_a_disk_without_room_for_names_refuses_the_file(self, kept, alice, disk, left):
        names = list(taken_names(disk))
        for name in names[:left]:
            name.unlink()
        # With one name left the partial file is made, and the folder of its blob is not.
        assert_refused(alice.put(RAW, NEW, status=507), 507, "store-full")
        kept.check()
        for name in names[left:]:
            name.unlink()
        alice.put(RAW, NEW, status=200)


# A database that is locked


class TestLockedDatabase:
    """Somebody else has locked it, and Repoman waits for it no longer than it is told."""

    @pytest.fixture
    def ini(self, ini):
        return ini | {"repoman.database_timeout": "0"}

    def test_changes_are_refused_before_the_body_while_reading_goes_on(self, kept, alice, database):
        with database.locked():
            for method in ("PUT", "POST", "DELETE"):
                assert_no_database(
                    assert_refused_unread(
                        alice,
                        RAW,
                        503,
                        "database-unavailable",
                        method=method,
                        headers=FORM | {"Expect": "100-continue"},
                    )
                )
            assert_no_database(alice.post_json("/api/images", {"name": "new"}, status=503))
            assert alice.get(RAW).body == FILE
            assert alice.get("/api/images/debian12").json["size"] == len(FILE)
        kept.check()
        alice.put(RAW, NEW, status=200)

    def test_an_upload_that_cannot_be_recorded_leaves_the_old_file(
        self, kept, alice, database, sessions, settings
    ):
        with ExitStack() as lock:
            source = Source(NEW, lambda: lock.enter_context(database.locked()))
            assert_no_database(send(alice, RAW, source, length=len(NEW), status=503))
            assert alice.get(RAW).body == FILE
        kept.check_file()
        assert not [*collect(sessions, FilesystemStore(settings.store), 0)]
        finish_by_the_last_byte(alice, RAW, NEW)

    def test_the_look_up_of_the_caller_is_refused_likewise(
        self, kept, alice, people, application, sessions, database
    ):
        uuid = kept.uuid
        alice.post_json("/api/images/debian12", {"unauthenticated_access": True})
        for engine in (application.sessions.engine, sessions.engine):
            engine.dispose()
        with database.locked(reading=True):
            assert_no_database(alice.get("/api/whoami", status=503))
            assert_no_database(alice.get(RAW, status=503))
            assert_refused_unread(alice, RAW, 503, "database-unavailable")
            assert_no_database(people.anonymous.get(f"/api/images/raw/{uuid}", status=503))
            assert people.anonymous.get("/api", status=200)
        assert alice.get("/api/whoami").json["user_name"] == "alice"
        kept.check()


def test_a_short_lock_is_waited_for(kept, alice, database):
    with ThreadPoolExecutor(1) as pool, ExitStack() as lock:
        lock.enter_context(database.locked())
        running = pool.submit(alice.put, RAW, NEW, status=200)
        assert not wait([running], timeout=0.3).done
        lock.close()
        running.result(20)


# A database that is gone


def test_while_the_database_is_gone_all_is_503_and_no_empty_one_comes_in_its_place(
    kept, alice, people, database
):
    alice.post_json("/api/images/debian12", {"unauthenticated_access": True})
    with database.gone():
        assert_no_database(alice.get("/api/whoami", status=503))
        assert_no_database(alice.get(RAW, status=503))
        assert_no_database(people.anonymous.get(f"/api/images/raw/{kept.uuid}", status=503))
        assert_no_database(alice.post_json("/api/images", {"name": "lost"}, status=503))
        assert_refused_unread(alice, RAW, 503, "database-unavailable")
    kept.check()
    assert len(alice.get("/api/images").json) == 1


def test_an_upload_during_which_the_database_goes_leaves_the_old_file(
    kept, alice, database, sessions, settings
):
    with ExitStack() as outage:
        source = Source(NEW, lambda: outage.enter_context(database.gone()))
        assert_no_database(send(alice, RAW, source, length=len(NEW), status=503))
    kept.check_file()
    assert not [*collect(sessions, FilesystemStore(settings.store), 0)]
    finish_by_the_last_byte(alice, RAW, NEW)


def assert_no_use(kept, alice, people):
    """Check the answers over a database that is none of Repoman's."""
    assert_no_database(alice.get("/api/whoami", status=503))
    assert_no_database(alice.put(RAW, NEW, status=503))
    assert_no_database(people.anonymous.get(f"/api/images/raw/{kept.uuid}", status=503))


def test_a_database_replaced_by_an_empty_one_is_503(kept, alice, people, database):
    alice.post_json("/api/images/debian12", {"unauthenticated_access": True})
    with database.emptied():
        assert_no_use(kept, alice, people)
    kept.check()


@on_sqlite
def test_a_database_whose_file_is_overwritten_is_503(kept, alice, people, database):
    alice.post_json("/api/images/debian12", {"unauthenticated_access": True})
    with database.gone():
        database.path.write_bytes(b"this is no database, and longer than its header" * 99)
        assert_no_use(kept, alice, people)
        database.remove()
    kept.check()


def test_a_database_put_back_from_a_backup_is_used_without_a_restart(kept, alice, database):
    restore = database.back_up()
    alice.post_json("/api/images", {"name": "later"}, status=201)
    restore()
    assert len(alice.get("/api/images").json) == 1
    kept.check()
    alice.post_json("/api/images", {"name": "later"}, status=201)


def test_a_server_does_not_start_without_its_database(ini, database, tmp_path):
    database.remove()
    with pytest.raises(OperationalError, match=r"unable to open database file|does not exist"):
        repoman.main({}, **ini)
    config = tmp_path / "repoman.ini"
    lines = [f"{key} = {value}" for key, value in ini.items()]
    config.write_text("[app:main]\nuse = egg:repoman\n" + "\n".join(lines))
    result = CliRunner().invoke(repoman_admin, ["--config", str(config), "gc"])
    assert result.exit_code == 1
    assert "repoman-admin init" in result.output
    assert not database.exists()


# A database whose disk is full when the upload is to be recorded


@on_sqlite
class TestFullDatabase:
    """The database lies on a disk of 4 MiB, the store elsewhere."""

    @pytest.fixture
    def disk(self, tmp_path):
        with small_disk(tmp_path / "disk", "size=4m") as made:
            yield made

    @pytest.fixture
    def ini(self, ini, disk, database):
        shutil.copy(database.path, disk / "repoman.sqlite")
        return ini | {"sqlalchemy.url": f"sqlite:///{disk / 'repoman.sqlite'}"}

    def test_a_commit_that_fails_leaves_the_old_file_and_the_new_one_to_go_on_with(
        self, kept, alice, disk, sessions, settings
    ):
        full = []

        def act():
            with sqlite3.connect(disk / "repoman.sqlite") as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            full.append(filled(disk))
            full[0].__enter__()

        response = send(alice, RAW, Source(NEW, act), length=len(NEW), status=503)
        assert_no_database(response)
        assert_no_database(alice.post_json("/api/images", {"name": "new"}, status=503))
        assert alice.get(RAW).body == FILE
        # Whether the commit took place is not known to the server: it must not delete the file.
        assert len(kept.remains.files()) == 2
        full[0].__exit__(None, None, None)
        store = FilesystemStore(settings.store)
        assert not [*collect(sessions, store, 0)]
        kept.check_file()
        finish_by_the_last_byte(alice, RAW, NEW)


# A store that is gone


def test_while_the_store_is_gone_files_are_503_and_metadata_is_there(kept, alice, settings):
    with moved_away(settings.store):
        for method in ("get", "head"):
            response = getattr(alice, method)(RAW, status=503)
            assert response.headers["X-Repoman-Error"] == "store-unavailable"
        assert_refused_unread(alice, RAW, 503, "store-unavailable")
        assert_refused_unread(alice, RAW, 503, "store-unavailable", length=None)
        assert alice.get("/api/images/debian12").json["size"] == len(FILE)
    kept.check()


def test_an_upload_during_which_the_store_goes_leaves_the_old_file(kept, alice, settings, sessions):
    away = []

    def act():
        away.append(moved_away(settings.store))
        away[0].__enter__()

    response = send(alice, RAW, Source(NEW, act), length=len(NEW), status=503)
    assert_refused(response, 503, "store-unavailable")
    away[0].__exit__(None, None, None)
    kept.check_file()
    # The partial file went with the store, and comes back with it.
    assert not [*collect(sessions, FilesystemStore(settings.store), 0)]
    finish_by_the_last_byte(alice, RAW, NEW)


def test_a_store_that_cannot_be_cleaned_up_does_not_hide_why_the_upload_failed(
    kept, alice, settings, sessions
):
    away = []

    def act():
        away.append(moved_away(settings.store / "partial"))
        away[0].__enter__()
        (settings.store / "partial").write_text("a file")

    wrong = {"X-Repoman-Checksum": f"sha256={'0' * 64}"}
    response = send(alice, RAW, Source(NEW, act), headers=wrong, status=400)
    assert_refused(response, 400, "digest-mismatch")
    (settings.store / "partial").unlink()
    away[0].__exit__(None, None, None)
    found = [one.what for one in collect(sessions, FilesystemStore(settings.store), 0)]
    assert found == ["partial file"]
    kept.check()


@pytest.mark.parametrize("damage", ["gone", "a folder", "a broken link"])
def test_a_stored_file_that_cannot_be_opened_is_503(kept, alice, settings, damage):
    (stored,) = [path for path in (settings.store / "blobs").rglob("*") if path.is_file()]
    stored.rename(settings.store / "away")
    if damage == "a folder":
        stored.mkdir()
    elif damage == "a broken link":
        stored.symlink_to("nowhere")
    response = alice.get(RAW, status=503)
    assert_refused(response, 503, "store-unavailable")
    alice.put(RAW, NEW, status=200)
    assert alice.get(RAW).body == NEW


def test_a_store_whose_folders_are_no_folders_is_503(kept, alice, settings, people, sessions):
    for name in ("partial", "blobs"):
        with moved_away(settings.store / name):
            (settings.store / name).write_text("a file")
            assert_refused(alice.put(RAW, NEW, status=503), 503, "store-unavailable")
            (settings.store / name).unlink()
    kept.check_file()
    alice.put(RAW, NEW, status=200)
    assert not kept.remains.uploads()


def test_a_server_does_not_start_where_its_store_cannot_be_made(ini, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match="store"):
        repoman.main({}, **(ini | {"repoman.store": str(tmp_path / "file" / "store")}))


def test_other_people_are_served_while_one_disk_is_full(people, kept, tmp_path, ini, authority):
    with small_disk(tmp_path / "other", "size=1m") as disk:
        full = repoman.main({}, **(ini | {"repoman.store": str(disk / "store")}))
        others = People(full, people.sessions, authority)
        others.bob.create("mine")
        assert others.bob.upload("mine", data=b"x" * 2 * MIB, status=507)
        assert others.bob.upload("mine", data=b"x" * 2000, status=201)
        full.sessions.engine.dispose()

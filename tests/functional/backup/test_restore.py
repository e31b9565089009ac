"""``repoman-admin restore``: the same site again, wholly or not at all."""

import os
import subprocess

import pytest

import repoman
from repoman.models import Base
from repoman.storage.filesystem import FilesystemStore
from tests.backups import (
    COMMAND,
    NEW,
    WAITING,
    Site,
    assert_whole,
    blob_in,
    empty_postgresql,
    execute,
)
from tests.backups import populate as populate_site
from tests.factories import FILE, People
from tests.killing import killed_at_each_step
from tests.wsgi import Source, assert_refused, send

RAW = "/api/images/raw/debian12"


@pytest.fixture
def populated(here, people, sessions) -> Site:
    """The site with something in every table, one file of which has lost its image."""
    populate_site(people, sessions)
    here.run("gc")
    return here


# The same again


def test_a_restored_site_is_the_same_by_every_row_and_every_byte(populated, there, folder):
    populated.run("backup", folder)
    output = there.run("restore", folder)
    assert "5 (75003 bytes) copied, 0 (0 bytes) there already, 0 left out" in output
    rows = there.rows()
    assert rows == populated.rows()
    filled = {name for name, found in rows.items() if found}
    assert filled == set(Base.metadata.tables) - {"upload"} | {"alembic_version"}
    assert there.files() == populated.files()
    assert_whole(there)
    there.run("gc")
    assert there.files() == populated.files()


def test_every_type_of_column_comes_back_as_it_was():
    # A type that is new here must be taught to repoman.services.backup.dumps first.
    types = {column.type.python_type for t in Base.metadata.tables.values() for column in t.columns}
    assert {one.__name__ for one in types} == {"bool", "datetime", "int", "str"}


def test_the_restored_site_serves_the_same_people(
    populated, there, folder, sessions, authority, people
):
    populated.run("backup", folder)
    there.run("restore", folder)
    application = repoman.main({}, **there.ini)
    alice = People(application, sessions, authority).client(people.alice.holder)
    assert alice.get(RAW).body == NEW
    shown = alice.get("/api/images/debian12").json
    assert shown == people.alice.client.get("/api/images/debian12").json
    alice.put(RAW, FILE, status=200)
    application.sessions.engine.dispose()


def test_from_sqlite_to_postgresql_and_back(populated, folder, tmp_path, postgres):
    ours = Site.make(tmp_path / "postgresql", populated.ini, empty_postgresql(postgres))
    populated.run("backup", folder)
    ours.run("restore", folder)
    assert ours.rows() == populated.rows()
    assert_whole(ours)
    ours.run("backup", tmp_path / "second")
    back = Site.make(tmp_path / "back", populated.ini)
    back.run("restore", tmp_path / "second")
    assert back.rows() == populated.rows()
    assert back.files() == populated.files()


def test_a_move_to_postgresql_leaves_the_store_where_it_is(populated, folder, tmp_path, postgres):
    populated.run("backup", folder)
    before = populated.rows(), populated.files()
    ini = populated.ini | {"sqlalchemy.url": empty_postgresql(postgres)}
    moved = Site.of(ini, tmp_path / "moved.ini")
    assert "0 (0 bytes) copied, 5 (75003 bytes) there already" in moved.run("restore", folder)
    assert (moved.rows(), moved.files()) == before
    assert_whole(moved)


# Ids


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    """The URL of a database that is not there yet, or of an empty one."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new.sqlite"
    return empty_postgresql(request.getfixturevalue("postgres"))


def add_user(site: Site, name: str) -> int:
    """Register a user; return the id."""
    site.run("user", "add", name, "--dn", f"/CN={name}")
    (found,) = execute(site, f"SELECT id FROM \"user\" WHERE name = '{name}'").scalars()
    return found


def delete_user(site: Site, name: str) -> None:
    execute(site, f"DELETE FROM \"user\" WHERE name = '{name}'")


def test_no_id_is_given_twice_after_a_restore(here, folder, tmp_path, url):
    site = Site.make(tmp_path / "site", here.ini, url)
    site.run("init")
    ids = [add_user(site, name) for name in ("ann", "ben", "cat")]
    delete_user(site, "cat")
    site.run("backup", folder)
    # The site goes on and gives ids that the backup knows nothing of.
    ids += [add_user(site, name) for name in ("dan", "eve")]
    delete_user(site, "eve")
    site.run("restore", folder, "--force")
    ids.append(add_user(site, "fay"))
    delete_user(site, "fay")
    # An empty database has given none of the ids that the backed-up one has.
    site.run("backup", folder)
    empty = Site.make(tmp_path / "empty", here.ini)
    empty.run("restore", folder)
    ids.append(add_user(empty, "guy"))
    assert ids == sorted(set(ids))


# A site in use


def test_a_site_with_users_is_refused_and_force_replaces_it(
    here, people, folder, image, there, remains
):
    here.run("backup", folder)
    rows = here.rows()
    people.bob.create("new")
    people.bob.upload("new", data=NEW)
    before = here.rows(), here.files()
    assert "has users already" in here.run("restore", folder, fails=True)
    assert (here.rows(), here.files()) == before
    assert f"1 ({len(FILE)} bytes) there already" in here.run("restore", folder, "--force")
    assert here.rows() == rows
    # What the former state named is the collector's, after its grace.
    assert f"({len(NEW)} bytes): removed" in here.run("gc", "--grace", "0")
    assert here.files() == {image: FILE}


def test_a_store_with_files_of_others_is_refused_and_force_keeps_them(here, folder, image, there):
    here.run("backup", folder)
    there.run("init")
    stray = blob_in(there.store, "ab" * 16)
    stray.parent.mkdir()
    stray.write_bytes(NEW)
    assert "files that are not the backup's" in there.run("restore", folder, fails=True)
    assert there.rows()["user"] == []
    there.run("restore", folder, "--force")
    assert there.files() == {image: FILE, "ab" * 16: NEW}


def test_a_file_that_is_damaged_in_the_store_is_replaced(here, folder, image):
    here.run("backup", folder)
    stored = blob_in(here.store, image)
    stored.chmod(0o600)
    stored.write_bytes(FILE[::-1])
    assert f"1 ({len(FILE)} bytes) copied" in here.run("restore", folder, "--force")
    assert here.files() == {image: FILE}
    assert oct(stored.stat().st_mode)[-3:] == "440"


def test_an_upload_across_the_restore_gets_412_and_the_image_is_the_backups(
    here, people, folder, image, remains
):
    here.run("backup", folder)
    source = Source(NEW, lambda: here.run("restore", folder, "--force"))
    response = send(people.alice.client, RAW, source, length=len(NEW), status=412)
    assert_refused(response, 412, "precondition-failed")
    assert people.alice.client.get(RAW).body == FILE
    assert remains.all() == ({image}, set(), {image}, set())


def test_an_upload_to_an_image_that_the_backup_does_not_know_gets_404(
    here, people, folder, image, remains
):
    here.run("backup", folder)
    people.alice.create("new")
    source = Source(NEW, lambda: here.run("restore", folder, "--force"))
    path = "/api/images/raw/new"
    response = send(people.alice.client, path, source, length=len(NEW), status=404)
    assert_refused(response, 404, "image-not-found")
    assert remains.all() == ({image}, set(), {image}, set())


def test_a_restore_waits_for_a_collector_at_work(here, folder, image, there):
    here.run("backup", folder)
    there.run("init")
    with FilesystemStore(there.store).collecting() as allowed:
        assert allowed
        process = subprocess.Popen(
            [COMMAND, *there.arguments("restore", folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == WAITING
        assert there.files() == {}
    assert "Restored" in process.communicate(timeout=20)[0]
    assert there.files() == {image: FILE}


def test_the_collector_keeps_what_a_running_restore_has_brought(here, folder, image, there):
    here.run("backup", folder)
    there.run("init")
    blob_in(there.store, image).parent.mkdir()
    os.link(blob_in(folder, image), blob_in(there.store, image))
    with FilesystemStore(there.store).keeping(lambda: None):
        output = there.run("gc", "--grace", "0", "--force")
        assert "kept for a backup or a restore that is running" in output
    assert there.files() == {image: FILE}


# Killed


def test_a_restore_killed_at_any_step_leaves_the_database_or_is_whole(here, people, folder, image):
    here.run("backup", folder)
    wanted = here.rows()
    people.alice.upload(data=NEW)
    people.alice.create("new")
    blob_in(here.store, image).unlink()
    before = here.rows(), here.files()
    seen = []
    for step in killed_at_each_step(
        here.arguments("restore", folder, "--force"), folder, here.store
    ):
        assert here.rows() == before[0], step
        assert before[1].items() <= here.files().items()
        seen.append(image in here.files())
        assert people.alice.client.get(RAW).body == NEW
    # It was seen before its file was there, and in the midst of replacing the rows.
    assert seen == sorted(seen)
    assert {*seen} == {True, False}
    assert here.rows() == wanted
    assert people.alice.client.get(RAW).body == FILE
    assert not list((here.store / "partial").iterdir())


def test_a_restore_to_an_empty_site_that_was_killed_can_be_repeated(here, folder, image, there):
    here.run("backup", folder)
    arguments = there.arguments("restore", folder)
    for _ in killed_at_each_step(arguments, folder, there.store):
        pass
    assert there.rows() == here.rows()
    assert there.files() == {image: FILE}

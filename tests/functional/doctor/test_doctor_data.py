"""``repoman-admin doctor`` on database, store and clocks."""

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from repoman.scripts.doctor import database as checks_of_database
from repoman.scripts.doctor import store as checks_of_store
from repoman.scripts.doctor.store import find_mount
from tests.databases import on_postgresql, on_sqlite
from tests.mounts import small_disk

REST = ["administrator", "store's files"]
"""What cannot be checked without a database."""


def test_database_that_is_gone_leaves_the_store_to_be_checked(deployment, database):
    with database.gone():
        report = deployment.doctor()
    assert report.broken() == {"database": "FAILED"}
    assert report.not_checked() == ["tables", "changes", *REST]
    assert report.states["store takes files"] == "ok"
    assert "takes no connection of " in report.texts["database"]


@on_postgresql
@pytest.mark.parametrize(
    ("part", "command"),
    [
        ({"username": "nosuch"}, "createuser nosuch"),
        ({"username": "postgres", "database": "nosuch"}, "createdb --owner postgres nosuch"),
    ],
)
def test_what_postgresql_does_not_have_is_said_with_the_command(
    deployment, database, part, command
):
    url = make_url(database.url).set(**part).render_as_string(hide_password=False)
    deployment.app["sqlalchemy.url"] = url
    deployment.write()
    report = deployment.doctor()
    assert report.broken() == {"database": "FAILED"}
    said = report.texts["database"]
    assert said.endswith(f"Is sqlalchemy.url right? runuser -u postgres -- {command}")


def test_database_without_tables_is_said_with_the_command(deployment, database):
    with database.emptied():
        report = deployment.doctor()
    assert report.broken() == {"tables": "FAILED"}
    assert report.not_checked() == ["changes", *REST]
    assert "the database's schema is empty and not " in report.texts["tables"]
    assert report.texts["tables"].endswith(
        f"/bin/repoman-admin --config {deployment.config.absolute()} init"
    )


def test_database_of_another_version_is_said(deployment, database, sessions):
    with sessions.changing.begin() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '001'")
    report = deployment.doctor()
    assert report.broken() == {"tables": "FAILED"}
    assert "the database's schema is 001 and not " in report.texts["tables"]


@pytest.mark.parametrize("reading", [False, True])
def test_locked_database_is_said_after_the_time_that_is_waited(deployment, database, reading):
    deployment.app["repoman.database_timeout"] = "1"
    deployment.write()
    with database.locked(reading=reading):
        report = deployment.doctor()
    assert set(report.broken().values()) == {"FAILED"}
    if reading:
        # SQLite then does not even let in whoever reads.
        assert len(report.broken()) == 1
    else:
        assert report.broken() == {"changes": "FAILED"}
        assert report.not_checked() == REST
        assert "can change nothing within 1 s: " in report.texts["changes"]
    assert deployment.doctor().not_ok == {}


def test_site_without_an_admin_who_can_come_in_is_said(deployment, database, sessions):
    assert deployment.admin("user", "add", "ann", "--dn", "/CN=Ann").exit_code == 0
    with sessions.changing.begin() as session:
        session.connection().exec_driver_sql("UPDATE \"user\" SET suspended = (name = 'admin')")
    report = deployment.doctor()
    assert report.broken() == {"administrator": "FAILED"}
    assert "nobody in admins has a certificate" in report.texts["administrator"]
    assert report.texts["administrator"].endswith(" group add-user admins NAME")
    assert deployment.admin("group", "add-user", "admins", "ann").exit_code == 0
    assert deployment.doctor().not_ok == {}


def test_admin_without_a_certificate_does_not_count(deployment, database, sessions):
    with sessions.changing.begin() as session:
        session.connection().exec_driver_sql("DELETE FROM certificate")
    assert deployment.doctor().broken() == {"administrator": "FAILED"}


def test_setting_that_names_no_group_of_the_database_is_said(deployment, database):
    deployment.app["repoman.default_group"] = "lab"
    deployment.write()
    report = deployment.doctor()
    assert report.broken() == {"tables": "FAILED"}
    assert "repoman.default_group: there is no group 'lab' here" in report.texts["tables"]


@on_postgresql
def test_postgresql_that_is_older_than_the_tested_one_is_a_warning(
    deployment, monkeypatch, database
):
    monkeypatch.setattr(checks_of_database, "TESTED", 99)
    report = deployment.doctor()
    assert report.broken() == {"database": "warning"}
    assert "Repoman's tests run on 99" in report.texts["database"]
    assert deployment.app["sqlalchemy.url"].split("?")[0] in report.texts["database"]


@on_postgresql
def test_clock_of_the_database_that_is_wrong_is_said_with_its_difference(deployment, database):
    """Its now() is hidden by another, in a schema that is looked into first."""
    with psycopg.connect(database.url) as connection:
        connection.execute("CREATE SCHEMA wrong")
        connection.execute(
            "CREATE FUNCTION wrong.now() RETURNS timestamptz LANGUAGE sql "
            "AS $$ SELECT pg_catalog.now() - interval '1 hour' $$"
        )
    path = "-csearch_path%3Dwrong%2Cpg_catalog%2Cpublic"
    deployment.app["sqlalchemy.url"] += f"&options={path}"
    deployment.write()
    report = deployment.doctor()
    assert report.broken() == {"clocks agree": "FAILED"}
    assert "the database is 3600 s behind of this system" in report.texts["clocks agree"]


def test_store_that_is_not_there_is_said(deployment, database):
    store = Path(deployment.app["repoman.store"])
    shutil.rmtree(store)
    report = deployment.doctor()
    assert report.broken() == {"store": "FAILED"}
    unknown = {"store takes files", "store's room", "store's files"}
    assert unknown <= set(report.not_checked()) <= unknown | {"clocks agree"}
    assert f"there is no {store}. Is its disk mounted?" in report.texts["store"]
    assert not store.exists()
    store.mkdir()
    report = deployment.doctor()
    assert report.broken() == {"store": "FAILED"}
    assert f"{store} is no store: blobs and partial are not in it" in report.texts["store"]
    assert list(store.iterdir()) == []


def test_store_that_is_empty_while_the_database_knows_files_is_said(deployment, people):
    people.alice.create()
    people.alice.upload()
    assert deployment.doctor().not_ok == {}
    shutil.rmtree(Path(deployment.app["repoman.store"]) / "blobs")
    (Path(deployment.app["repoman.store"]) / "blobs").mkdir()
    report = deployment.doctor()
    assert report.broken() == {"store's files": "FAILED"}
    assert "the database knows files, and " in report.texts["store's files"]
    assert "Is its disk mounted?" in report.texts["store's files"]


@on_sqlite
def test_store_that_nobody_can_write_to_is_said(deployment, tmp_path, database):
    """On a disk mounted read-only, as Linux does after an error."""
    with small_disk(tmp_path / "disk", "size=4m") as disk:
        deployment.app["repoman.store"] = str(disk)
        deployment.write()
        for name in ("blobs", "partial"):
            (disk / name).mkdir()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        report = deployment.doctor()
    assert report.broken() == {"store takes files": "FAILED"}
    assert "(Read-only file system)" in report.texts["store takes files"]


@on_sqlite
def test_store_with_little_room_is_a_warning_with_disk_and_command(deployment, tmp_path, database):
    with small_disk(tmp_path / "disk", "size=4m") as disk:
        deployment.app["repoman.store"] = str(disk)
        deployment.write()
        for name in ("blobs", "partial"):
            (disk / name).mkdir()
        report = deployment.doctor()
    assert report.states["store's room"] == "warning"
    said = f"tmpfs of repoman-test at {disk}: 0.0 of 0.0 GiB free, "
    assert report.texts["store's room"].startswith(said)
    assert report.texts["store's room"].endswith(f"--config {deployment.config} gc")
    assert report.code == 0


@on_sqlite
def test_store_with_few_inodes_is_a_warning(deployment, tmp_path, database, monkeypatch):
    monkeypatch.setattr(checks_of_store, "LITTLE", 0)
    with small_disk(tmp_path / "disk", "size=4m,nr_inodes=100") as disk:
        deployment.app["repoman.store"] = str(disk)
        deployment.write()
        for name in ("blobs", "partial"):
            (disk / name).mkdir()
        assert deployment.doctor().states["store's room"] == "ok"
        for number in range(95):
            (disk / str(number)).touch()
        assert deployment.doctor().states["store's room"] == "warning"


@on_sqlite
@pytest.mark.parametrize(
    ("kind", "state"), [("nfs4", "warning"), ("cifs", "warning"), ("ext4", "ok"), ("xfs", "ok")]
)
def test_store_on_a_network_filesystem_is_a_warning(
    deployment, tmp_path, kind, state, database, monkeypatch
):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/x / ext4 rw 0 0\nfiler:/x {tmp_path} {kind} rw,hard 0 0\n")
    monkeypatch.setattr(checks_of_store, "MOUNTS", mounts)
    monkeypatch.setattr(checks_of_store, "LITTLE", 0)
    report = deployment.doctor()
    assert report.states["store's room"] == state
    assert f"{kind} of filer:/x at {tmp_path}: " in report.texts["store's room"]
    assert set(report.not_ok) <= {"store's room"}


def test_mount_is_the_nearest_and_the_last_one_of_it():
    mounts = (
        "/dev/a / ext4 rw 0 0\n/dev/b /srv xfs rw 0 0\n"
        "/dev/c /srv/my\\040images btrfs rw 0 0\nfiler:/d /srv/my\\040images nfs4 rw 0 0\n"
    )
    for path, device in (
        ("/var", "/dev/a"),
        ("/srv", "/dev/b"),
        ("/srvx", "/dev/a"),
        ("/srv/my images/store", "filer:/d"),
    ):
        assert find_mount(Path(path), mounts).device == device
    assert find_mount(Path("/x"), "") is None


@on_sqlite
def test_doctor_changes_nothing(deployment, database, tmp_path):
    def everything():
        return {
            path: (path.stat().st_mode, path.stat().st_size)
            for path in tmp_path.rglob("*")
            if not path.name.endswith(("-wal", "-shm"))
        }

    before = everything()
    deployment.doctor(live=True)
    assert everything() == before
    assert os.geteuid() == os.getuid()

"""``repoman-admin backup``: what is in it, what a further one copies, and others beside it."""

import hashlib
import os
import shutil
import stat
import subprocess

import pytest

from repoman.storage.filesystem import FilesystemStore
from tests.backups import (
    COMMAND,
    NEW,
    WAITING,
    Site,
    assert_whole,
    blob_in,
    contents,
    counts,
    manifest,
    populate,
)
from tests.factories import FILE
from tests.killing import killed_at_each_step
from tests.mounts import small_disk
from tests.wsgi import wait_for

# What is in it


def test_a_backup_tells_what_it_copied_and_when_it_was_made(here, people, folder, image):
    output = here.run("backup", folder)
    assert counts(output) == {
        "copied": f"1 ({len(FILE)} bytes)",
        "kept": "0 (0 bytes)",
        "removed": "0 (0 bytes)",
    }
    told = manifest(folder)
    assert told["format"] == 1
    assert told["repoman"] == "0.1.0"
    assert told["made"].endswith("Z")
    assert (told["blobs"], told["bytes"], told["missing"]) == (1, len(FILE), [])
    assert told["rows"]["user"] == told["rows"]["image"] == 1
    assert told["rows"]["group"] == 2
    assert f"{sum(told['rows'].values())} rows of the database" in output
    dump = folder / told["dump"]
    assert hashlib.sha256(dump.read_bytes()).hexdigest() in dump.name
    assert contents(folder) == {image: FILE}


def test_nobody_else_can_read_a_backup(here, folder, image):
    old = os.umask(0o000)
    try:
        here.run("backup", folder)
    finally:
        os.umask(old)
    for path in [folder, *folder.rglob("*")]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_uploads_under_way_are_left_out(here, people, sessions, folder):
    populate(people, sessions)
    here.run("backup", folder)
    assert manifest(folder)["rows"]["upload"] == 0
    assert "0123456789abcdef" not in (folder / manifest(folder)["dump"]).read_text()


# A further one


def test_a_further_backup_copies_only_what_is_new_and_removes_what_is_gone(
    here, people, folder, image, restored
):
    people.alice.create("other")
    people.alice.upload("other", data=NEW)
    here.run("backup", folder)
    before = blob_in(folder, image).stat()
    first = manifest(folder)["dump"]
    people.alice.client.delete("/api/images/other?purge=true")
    here.run("gc", "--grace", "0")
    people.alice.create("third")
    people.alice.upload("third", data=FILE[::-1])
    assert counts(here.run("backup", folder)) == {
        "copied": f"1 ({len(FILE)} bytes)",
        "kept": f"1 ({len(FILE)} bytes)",
        "removed": f"1 ({len(NEW)} bytes)",
    }
    after = blob_in(folder, image).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert contents(folder) == here.files()
    assert not (folder / first).exists()
    assert len(list(folder.glob("database*"))) == 1
    assert restored(folder).rows() == here.rows()


def test_a_file_of_the_wrong_size_in_the_backup_is_copied_again(here, folder, image):
    here.run("backup", folder)
    blob_in(folder, image).write_bytes(FILE[:100])
    assert counts(here.run("backup", folder))["copied"].startswith("1 ")
    assert contents(folder) == {image: FILE}


def test_without_a_change_nothing_is_copied(here, folder, image):
    here.run("backup", folder)
    assert counts(here.run("backup", folder))["copied"] == "0 (0 bytes)"


def test_links_take_no_room_and_stay_when_the_store_loses_its_file(
    here, people, folder, image, restored
):
    assert "linked" in here.run("backup", folder, "--hard-link")
    stored = here.store / "blobs" / image[:2] / image
    assert os.path.samefile(stored, blob_in(folder, image))
    people.alice.client.delete("/api/images/debian12?purge=true")
    here.run("gc", "--grace", "0")
    assert not stored.exists()
    site = restored(folder)
    assert site.files() == {image: FILE}
    assert not os.path.samefile(site.store / "blobs" / image[:2] / image, blob_in(folder, image))


def test_links_to_another_filesystem_are_refused_and_copies_are_not(here, tmp_path, image):
    with small_disk(tmp_path / "disk", "size=4m") as disk:
        assert "--hard-link" in here.run("backup", disk / "b", "--hard-link", fails=True)
        here.run("backup", disk / "b")


# Files that the store does not have whole


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.write_bytes(FILE[::-1]), "damaged"),
        (lambda path: path.write_bytes(b""), "damaged"),
    ],
)
@pytest.mark.parametrize("option", [[], ["--hard-link"]], ids=["copy", "link"])
def test_a_damaged_file_is_named_and_all_else_is_backed_up(
    here, people, folder, image, remains, spoil, problem, option
):
    people.bob.create("mine")
    people.bob.upload("mine", data=NEW)
    people.alice.client.post("/api/images/debian12/share/user/bob")
    people.bob.create("copy", copy_of="alice/debian12")
    (other,) = remains.blobs() - {image}
    stored = here.store / "blobs" / image[:2] / image
    stored.chmod(0o600)
    spoil(stored)
    output = here.run("backup", folder, *option, fails=True)
    assert f"file {image} of alice/debian12 (kvm), bob/copy (kvm): {problem}\n" in output
    assert f"all else is in {folder}" in output.splitlines()[-1]
    assert manifest(folder)["missing"] == [image]
    assert contents(folder) == {other: NEW}


def test_a_file_that_the_backup_has_whole_stays_when_the_store_loses_it(here, folder, image):
    here.run("backup", folder)
    (here.store / "blobs" / image[:2] / image).unlink()
    here.run("backup", folder)
    assert contents(folder) == {image: FILE}


# Killed


def test_a_backup_killed_at_any_step_leaves_the_former_or_is_whole(
    here, people, folder, tmp_path, image, restored
):
    people.alice.create("other")
    people.alice.upload("other", data=NEW)
    here.run("backup", folder)
    before, former = (here.rows(), here.files()), manifest(folder)
    people.alice.client.delete("/api/images/other?purge=true")
    here.run("gc", "--grace", "0")
    people.alice.upload(data=FILE[::-1])
    after = here.rows(), here.files()
    shutil.copytree(folder, tmp_path / "first")
    seen = {}
    for step in killed_at_each_step(here.arguments("backup", folder), folder):
        left = frozenset((path, path.stat().st_size) for path in folder.rglob("*"))
        if left not in seen:
            site = restored(folder)
            state = site.rows(), site.files()
            assert state == (before if manifest(folder) == former else after), step
            seen[left] = state == after
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "first", folder)
    # It was seen in the midst of writing the dump, of copying and of removing.
    assert len(seen) > 8
    assert [*seen.values()] == sorted(seen.values())
    assert list(seen.values())[-1]
    site = restored(folder)
    assert (site.rows(), site.files()) == after


def test_the_first_backup_killed_in_the_midst_of_a_file_is_none_and_can_be_repeated(
    here, folder, image, restored
):
    stored = here.store / "blobs" / image[:2] / image
    stored.unlink()
    os.mkfifo(stored)
    process = subprocess.Popen([COMMAND, *here.arguments("backup", folder)])
    # Opening waits until it reads.
    with open(stored, "wb", buffering=0) as writer:
        writer.write(FILE[:10_000])
        partial = folder / "partial" / image
        wait_for(lambda: partial.exists() and partial.stat().st_size == 10_000)
        process.kill()
        assert process.wait(10) == -9
    assert "no backup" in here.run("restore", folder, "--force", fails=True)
    stored.unlink()
    stored.write_bytes(FILE)
    here.run("backup", folder)
    assert not list((folder / "partial").iterdir())
    assert restored(folder).files() == {image: FILE}


# Others at the same time


def test_the_collector_keeps_what_a_running_backup_may_still_need(
    here, people, folder, image, midway, settings, restored
):
    stray = "ab" * 16
    (here.store / "blobs" / "ab").mkdir()
    (here.store / "blobs" / "ab" / stray).write_bytes(b"stray")
    people.alice.client.delete("/api/images/debian12?purge=true")
    kept = "kept for a backup or a restore that is running"
    assert here.run("gc", "--grace", "0").splitlines() == [
        f"blob {image} ({len(FILE)} bytes): {kept}",
        f"stray file {stray} (5 bytes): {kept}",
        "0 bytes removed.",
    ]
    assert midway()[0] == 0
    assert here.run("gc", "--grace", "0").splitlines()[-1] == f"{len(FILE) + 5} bytes removed."
    site = restored(folder)
    assert site.files() == {image: FILE}
    assert_whole(site)


def test_a_server_serves_while_a_backup_runs(here, people, folder, midway, restored, image):
    people.alice.create("new")
    people.alice.upload("new", data=NEW, status=201)
    people.alice.upload(data=FILE[::-1], status=200)
    assert people.alice.client.get("/api/images/raw/debian12").body == FILE[::-1]
    assert midway()[0] == 0
    site = restored(folder)
    assert site.files() == {image: FILE}
    assert "'new'" not in str(site.rows()["image"])


def test_of_two_backups_to_one_folder_the_second_waits_for_the_first(
    here, folder, midway, restored
):
    second = subprocess.Popen(
        [COMMAND, *here.arguments("backup", folder)], stdout=subprocess.PIPE, text=True
    )
    assert second.stdout.readline() == WAITING
    assert midway()[0] == 0
    assert counts(second.communicate(timeout=20)[0])["kept"] == f"1 ({len(FILE)} bytes)"
    assert_whole(restored(folder))


def test_a_folder_that_another_site_backs_up_to_is_refused(here, folder, midway, tmp_path):
    other = Site.make(tmp_path / "other", here.ini)
    other.run("init")
    assert "Another backup" in other.run("backup", folder, fails=True)
    assert "Another backup" in other.run("restore", folder, fails=True)


def test_a_backup_waits_for_a_collector_at_work(here, folder, image):
    with FilesystemStore(here.store).collecting() as allowed:
        assert allowed
        process = subprocess.Popen(
            [COMMAND, *here.arguments("backup", folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == WAITING
        assert not folder.exists()
    assert "1 (23000 bytes) copied" in process.communicate(timeout=20)[0]

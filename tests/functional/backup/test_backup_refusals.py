"""``repoman-admin backup`` where it cannot be: one sentence, and what was there is as it was."""

import shutil
import subprocess

from tests.backups import Site, contents, counts, execute, manifest
from tests.factories import FILE
from tests.mounts import filled, small_disk


def test_a_backup_and_the_store_must_not_lie_in_each_other(here, image, tmp_path):
    (tmp_path / "link").symlink_to(here.store)
    for place in (here.store, here.store / "b", here.store.parent, tmp_path / "link" / "b"):
        for command in ("backup", "restore"):
            assert "must not lie in each other" in here.run(command, place, fails=True)
    assert set(here.files()) == {image}


def test_a_folder_of_other_things_is_refused(here, folder, image, tmp_path):
    folder.mkdir()
    (folder / "lost+found").mkdir()
    here.run("backup", folder)
    other = tmp_path / "other"
    shutil.copytree(here.store, other)
    assert "holds other files and no backup" in here.run("backup", other, fails=True)
    (other / "manifest.json").write_text('{"name": "a web page"}')
    assert "no manifest of a backup" in here.run("backup", other, fails=True)
    assert contents(other) == {image: FILE}


def test_another_sites_backup_is_not_emptied(here, folder, image, tmp_path):
    here.run("backup", folder)
    other = Site.make(tmp_path / "other", here.ini)
    other.run("init")
    execute(other, "UPDATE \"group\" SET created = '2020-02-02 00:00:00'")
    assert "backup of another database" in other.run("backup", folder, fails=True)
    assert contents(folder) == {image: FILE}
    assert manifest(folder)["blobs"] == 1
    assert counts(other.run("backup", folder, "--force"))["removed"] == f"1 ({len(FILE)} bytes)"


def test_a_full_disk_leaves_the_former_backup(here, people, image, tmp_path, restored):
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        here.run("backup", disk)
        former = manifest(disk)
        people.alice.upload(data=b"x" * (2 << 20))
        sentence = here.run("backup", disk, fails=True)
        assert f"{disk} has no room: {2 << 20} bytes are needed" in sentence
        with filled(disk):
            sentence = here.run("backup", disk, fails=True)
            assert sentence == f"Error: {disk}: No space left on device.\n"
        assert manifest(disk) == former
        assert restored(disk).files() == {image: FILE}


def test_a_disk_that_cannot_be_written_is_named(here, image, tmp_path):
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        here.run("backup", disk)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        sentence = here.run("backup", disk, fails=True)
        assert str(disk) in sentence
        assert "Read-only file system" in sentence
    (tmp_path / "file").touch()
    assert "Not a directory" in here.run("backup", tmp_path / "file" / "b", fails=True)


def test_without_init_there_is_nothing_to_back_up(here, folder, tmp_path):
    (tmp_path / "repoman.sqlite").unlink()
    assert "repoman-admin init" in here.run("backup", folder, fails=True)
    (tmp_path / "repoman.sqlite").touch()
    assert "repoman-admin init" in here.run("backup", folder, fails=True)

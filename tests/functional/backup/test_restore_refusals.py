"""``repoman-admin restore`` of a backup that is not whole, or where it cannot be."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.backups import NEW, Site, assert_whole, blob_in, execute, manifest
from tests.factories import FILE
from tests.mounts import small_disk


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(FILE[::-1])])
def test_a_backup_without_a_file_is_refused_and_incomplete_restores_the_rest(
    here, people, folder, image, there, spoil, remains
):
    people.alice.create("other")
    people.alice.upload("other", data=NEW)
    (other,) = remains.blobs() - {image}
    here.run("backup", folder)
    spoil(blob_in(folder, image))
    output = there.run("restore", folder, fails=True)
    assert f"file {image} of alice/debian12 (kvm): " in output
    assert "--incomplete" in output.splitlines()[-1]
    assert there.rows()["user"] == []
    output = there.run("restore", folder, "--incomplete")
    assert output.splitlines()[0].startswith(f"file {image} of alice/debian12 (kvm): ")
    assert "1 left out" in output
    assert there.files() == {other: NEW}
    assert there.rows()["image"] == here.rows()["image"]
    assert len(there.rows()["image_file"]) == 1
    assert_whole(there)


def test_a_file_that_only_the_store_has_whole_is_not_missed(here, folder, image):
    here.run("backup", folder)
    blob_in(folder, image).unlink()
    here.run("restore", folder, "--force")
    assert here.files() == {image: FILE}


def test_what_is_no_backup_of_this_version_is_refused(here, folder, image, there, tmp_path):
    here.run("backup", folder)
    there.run("init")
    before = there.rows()
    for number, (spoil, sentence) in enumerate(NO_BACKUPS):
        spoilt = tmp_path / f"spoilt-{number}"
        shutil.copytree(folder, spoilt)
        spoil(spoilt)
        assert sentence in there.run("restore", spoilt, fails=True)
        assert there.rows() == before
        assert there.files() == {}


HEAD = b'{"table": "membership", "columns": ["user_id", "group_id", "is_admin"], "last_id": null}\n'


def change(folder: Path, **members) -> None:
    """Change members of the manifest."""
    (folder / "manifest.json").write_text(json.dumps(manifest(folder) | members))


def append(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


def redump(folder: Path, data: bytes) -> None:
    """Put another dump in place, with its right name."""
    name = f"database-{hashlib.sha256(data).hexdigest()}.jsonl"
    (folder / name).write_bytes(data)
    change(folder, dump=name)


NO_BACKUPS = [
    (shutil.rmtree, "is no backup"),
    (lambda folder: (folder / "manifest.json").unlink(), "is no backup"),
    (lambda folder: (folder / "manifest.json").write_text("{}"), "no manifest of a backup"),
    (lambda folder: (folder / "manifest.json").write_bytes(b"\xff"), "no manifest of a backup"),
    (lambda folder: change(folder, rows=None), "no manifest of a backup"),
    (lambda folder: change(folder, dump="../../etc/passwd"), "no manifest of a backup"),
    (lambda folder: change(folder, format=2), "use the version of Repoman that made it"),
    (lambda folder: change(folder, revision="999", repoman="9.0"), "Install Repoman 9.0"),
    (lambda folder: (folder / manifest(folder)["dump"]).unlink(), "is missing"),
    (lambda folder: append(folder / manifest(folder)["dump"], b"[]\n"), "is damaged"),
    (lambda folder: redump(folder, b"[]\n"), "is damaged: it begins with no table"),
    (lambda folder: redump(folder, b'{"table": "nosuch"}\n'), "does not know"),
    (lambda folder: redump(folder, HEAD + b"[1]\n"), "a row of membership cannot be read"),
]
"""What may be wrong with a backup, and what is said of it."""


def test_another_schema_than_this_versions_is_left_alone(here, folder, image, there):
    here.run("backup", folder)
    there.run("init")
    execute(there, "UPDATE alembic_version SET version_num = '000'")
    before = there.rows()
    assert "run repoman-admin init" in there.run("restore", folder, "--force", fails=True)
    assert there.rows() == before


def test_a_store_without_room_is_told_before_it_is_filled(here, people, folder, tmp_path):
    people.alice.create()
    people.alice.upload(data=b"x" * (2 << 20))
    here.run("backup", folder)
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        there = Site.make(disk / "there", here.ini, f"sqlite:///{tmp_path}/there.sqlite")
        sentence = there.run("restore", folder, fails=True)
        assert sentence.startswith(f"Error: The store has no room: {2 << 20} bytes are needed")
        assert there.files() == {}
        assert there.rows()["user"] == []


def test_a_backup_that_cannot_be_written_can_be_restored(here, image, tmp_path, there):
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        here.run("backup", disk)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        there.run("restore", disk)
    assert there.files() == {image: FILE}

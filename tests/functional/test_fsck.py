"""``fsck`` compares database and store, both ways."""

import uuid

import pytest
from sqlalchemy import select, update

from repoman.models import Image, ImageFile, ImageHypervisor, Upload, now
from tests.factories import FILE
from tests.rights import all_rows
from tests.upkeep import Admin, Blobs
from tests.wsgi import Source, send

RAW = "/api/images/raw/debian12"


@pytest.fixture
def blobs(sessions, settings):
    return Blobs(sessions, settings.store)


@pytest.fixture
def fsck(ini, tmp_path):
    """Run ``repoman-admin fsck``; return its lines."""
    admin = Admin(ini, tmp_path)
    return lambda *more, status=0: admin("fsck", *more, status=status)


@pytest.fixture(autouse=True)
def images(people):
    """Two images with files, the second with two versions; an upload that broke off, and trash."""
    for name in ("debian12", "other"):
        people.alice.create(name)
        people.alice.upload(name)
    people.alice.upload("other", b"another", status=200)
    people.alice.create("gone")
    people.alice.upload("gone", b"deleted")
    people.alice.client.delete("/api/images/gone")
    broken = Source(FILE[:100], ending=OSError("gone"))
    send(people.alice.client, RAW, broken, length=len(FILE), status=400)


def test_all_is_well_beside_versions_trash_and_unfinished_uploads(fsck, sessions):
    before = all_rows(sessions)
    assert fsck() == ["All is well."]
    assert all_rows(sessions) == before


@pytest.mark.parametrize(
    ("data", "flaw"), [(None, "is missing"), (b"short", f"has 5 bytes instead of {len(FILE)}")]
)
def test_a_file_that_is_missing_or_of_another_size_is_marked_as_damaged(
    people, fsck, blobs, sessions, data, flaw
):
    blob = blobs.of("debian12")
    blobs.spoil(blob, data)
    told = [f"blob {blob.uuid}: its file {flaw}; alice/debian12 kvm 1", "1 wrong."]
    before = all_rows(sessions)
    assert fsck("--dry-run", status=1) == told
    assert all_rows(sessions) == before
    assert fsck(status=1) == told
    assert people.alice.client.get("/api/images/debian12").json["state"] == "damaged"
    assert fsck(status=1) == told


def test_damage_that_reading_has_found_is_told(fsck, blobs):
    blob = blobs.of("debian12")
    blobs.change(blob, damaged=now())
    told = (
        f"blob {blob.uuid}: its file is marked as damaged; scrub looks again; alice/debian12 kvm 1"
    )
    assert fsck(status=1) == [told, "1 wrong."]


def test_what_the_collector_removes_is_told_and_is_no_harm(fsck, settings, sessions):
    stray, partial = uuid.uuid4().hex, uuid.uuid4().hex
    (settings.store / "blobs" / stray[:2]).mkdir(exist_ok=True)
    (settings.store / "blobs" / stray[:2] / stray).write_bytes(b"x" * 10)
    (settings.store / "partial" / partial).write_bytes(b"x" * 7)
    with sessions.reading() as session:
        upload = session.scalar(select(Upload.uuid))
    (settings.store / "partial" / upload).unlink()
    assert fsck() == [
        f"stray file {stray} (10 bytes): no row names it; gc removes it",
        f"partial file {partial} (7 bytes): no row names it; gc removes it",
        f"upload {upload}: has no file; gc removes it when it expires",
        "All is well.",
    ]


def test_a_running_upload_is_well(people, fsck):
    seen = []
    data = Source(FILE, lambda: seen.append(fsck()))
    send(people.alice.client, RAW, data, length=len(FILE), status=200)
    assert seen == [["All is well."]]


def change(sessions, kind, *conditions, **values):
    with sessions.changing.begin() as session:
        session.execute(update(kind).where(*conditions).values(**values))


def test_a_wrong_size_is_set_right(fsck, sessions):
    change(sessions, Image, Image.name == "debian12", size=7)
    told = "image alice/debian12: lists sort by a wrong size, 7"
    assert fsck("--dry-run", status=1) == [told, "1 wrong."]
    assert fsck(status=1) == [f"{told}; set right", "1 wrong."]
    assert fsck() == ["All is well."]


def test_versions_that_cannot_be_are_told(fsck, sessions):
    change(sessions, ImageFile, ImageFile.version == 2, trashed=now())
    change(sessions, ImageHypervisor, hypervisor="xen")
    change(sessions, Image, last_version=0)
    # Which the size follows.
    change(sessions, Image, size=-1)
    found = fsck(status=1)
    assert "version alice/other kvm 2: is current and in the trash" in found
    listed = "is current for a hypervisor that the image does not list"
    assert f"version alice/debian12 kvm 1: {listed}" in found
    assert "version alice/other kvm 2: is later than the image's last" in found


def test_a_store_that_holds_no_file_at_all_marks_nothing(fsck, settings, sessions):
    before = all_rows(sessions)
    for path in (settings.store / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    assert "is it mounted" in fsck(status=1)[0]
    assert all_rows(sessions) == before
    assert fsck("--force", status=1)[-1] == "4 wrong."

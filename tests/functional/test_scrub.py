"""Scrubbing finds damaged files, which nobody gets then, and which a new upload heals."""

import hashlib
from datetime import timedelta

import pytest

from repoman.models import now
from repoman.services.scrub import Pace
from tests import tus
from tests.factories import FILE
from tests.upkeep import Admin, Blobs
from tests.wsgi import assert_refused

RAW = "/api/images/raw/debian12"
URL = "/api/images/debian12"
CHECKSUM = {"X-Repoman-Checksum": f"sha256={hashlib.sha256(FILE).hexdigest()}"}
SPOILT = FILE[:-1] + b"?"


@pytest.fixture
def blobs(sessions, settings):
    return Blobs(sessions, settings.store)


@pytest.fixture
def scrub(ini, tmp_path):
    """Run ``repoman-admin scrub``; return its lines."""
    admin = Admin(ini, tmp_path)
    return lambda *more, status=0: admin("scrub", "--rate", "0", *more, status=status)


@pytest.fixture
def blob(people, blobs):
    """The blob of alice's image, of which bob has a copy; beside another image's."""
    people.alice.create()
    people.alice.upload()
    people.alice.client.post(f"{URL}/share/user/{people.bob.name}")
    people.bob.create("mine", copy_of="alice/debian12")
    people.alice.create("other")
    people.alice.upload("other", b"another file")
    return blobs.of("debian12")


@pytest.fixture
def damaged(blob, blobs, scrub):
    """The same, spoilt and found to be so."""
    blobs.spoil(blob, SPOILT)
    scrub(status=1)
    return blob


def state_of(person, name="debian12"):
    return person.client.get(f"/api/images/{name}").json["state"]


def test_whole_files_are_noted_as_read_and_damaged_ones_told_with_their_images(
    people, blob, blobs, scrub
):
    assert scrub() == ["2 files read, 0 damaged."]
    assert blobs.of("debian12").checked is not None
    blobs.spoil(blob, SPOILT)
    told = f"blob {blob.uuid}: its file has other bytes; alice/debian12 kvm 1, bob/mine kvm 1"
    assert scrub(status=1) == [told, "2 files read, 1 damaged."]
    assert scrub(status=1) == [told, "2 files read, 1 damaged."]
    assert blobs.of("other").damaged is None
    blobs.spoil(blob, FILE)
    assert scrub() == [f"blob {blob.uuid}: its file is whole again", "2 files read, 0 damaged."]
    assert state_of(people.bob, "mine") == "active"


@pytest.mark.parametrize(
    ("data", "flaw"), [(None, "is missing"), (FILE[:-1], f"has {len(FILE) - 1} bytes instead of")]
)
def test_missing_and_short_files_are_damaged(blob, blobs, scrub, data, flaw):
    blobs.spoil(blob, data)
    assert f"its file {flaw}" in scrub(status=1)[0]


def test_what_was_read_lately_is_passed_over_and_the_longest_unread_comes_first(blob, blobs, scrub):
    scrub()
    assert scrub("--older-than", "60") == ["0 files read, 0 damaged."]
    blobs.change(blob, checked=now() - timedelta(seconds=61))
    assert scrub("--older-than", "60") == ["1 files read, 0 damaged."]
    for name in ("debian12", "other"):
        blobs.spoil(blobs.of(name), b"")
    blobs.change(blobs.of("other"), checked=now() - timedelta(seconds=99))
    first, second, _ = scrub(status=1)
    assert "alice/other" in first
    assert "alice/debian12" in second


def test_files_that_nobody_has_looked_at_are_labelled(people, blob, blobs, scrub):
    blobs.change(blob, format=None, virtual_size=None)
    scrub()
    assert blobs.of("debian12").format == "raw"
    assert people.alice.client.get(URL).json["virtual_size"] == len(FILE)


def test_a_store_that_holds_none_of_the_files_marks_nothing(blob, blobs, scrub):
    for name in ("debian12", "other"):
        blobs.spoil(blobs.of(name), None)
    assert "is it mounted" in scrub(status=1)[0]
    assert blobs.of("debian12").damaged is None
    assert len(scrub("--force", status=1)) == 3


def test_reading_keeps_to_the_rate(monkeypatch):
    waited = []
    monkeypatch.setattr("repoman.services.scrub.time.sleep", waited.append)
    pace = Pace(1000)
    for _ in range(3):
        pace(500)
    assert waited == pytest.approx([0.5, 1.0, 1.5], abs=0.1)


# What is damaged


def test_a_damaged_file_is_not_sent_but_said_to_be_so(people, damaged, blobs):
    assert state_of(people.alice) == state_of(people.bob, "mine") == "damaged"
    for person, path in ((people.alice, RAW), (people.bob, "/api/images/raw/mine")):
        answer = assert_refused(person.client.get(path, status=503), 503, "file-damaged")
        assert "upload it again" in answer.json["detail"]
        person.client.head(path, status=503)
    for state, names in (("damaged", ["alice/debian12", "bob/mine"]), ("active", ["alice/other"])):
        found = people.admin.client.get(f"/api/images?state={state}").json
        assert [url.split("/images/")[1] for url in found] == names
    blobs.change(damaged, dangers="backing-file")
    assert state_of(people.alice) == "damaged"
    assert people.admin.client.get("/api/images?state=quarantined").json == []
    people.alice.client.delete(URL)
    assert len(people.alice.client.get("/api/images?state=deleted").json) == 1
    assert len(people.admin.client.get("/api/images?state=damaged").json) == 1


def test_a_damaged_file_is_neither_copied_nor_put_back_nor_known(people, damaged):
    alice = people.alice.client
    fields = {"name": "copy", "copy_of": "debian12"}
    assert_refused(alice.post_json("/api/images", fields, status=503), 503, "file-damaged")
    people.alice.upload(data=b"new", status=200)
    assert state_of(people.alice) == "active"
    assert_refused(alice.post_json(URL, {"version": 1}, status=503), 503, "file-damaged")
    answer = assert_refused(alice.get(f"{RAW}?version=1", status=503), 503, "file-damaged")
    assert "version=2" in answer.json["detail"]
    people.bob.create("empty")
    answer = people.bob.client.put("/api/images/raw/empty", b"", headers=CHECKSUM, status=400)
    assert_refused(answer, 400, "empty-file")


@pytest.mark.parametrize("how", ["put", "form", "tus"])
def test_whoever_uploads_the_same_file_heals_every_image_that_names_it(
    people, damaged, how, scrub, ini, tmp_path, remains
):
    before = people.bob.client.get("/api/images/mine").json
    people.carol.create("again")
    if how == "put":
        people.carol.upload("again")
    elif how == "tus":
        tus.create(people.carol.client, FILE, path="/api/images/raw/again", status=201)
    else:
        files = [("file", "disk.img", FILE)]
        people.carol.client.post("/api/images/raw/again", upload_files=files, status=201)
    for person, name in ((people.alice, "debian12"), (people.bob, "mine")):
        assert state_of(person, name) == "active"
        assert person.client.get(f"/api/images/raw/{name}").body == FILE
    assert people.bob.client.get("/api/images/mine").json == before | {"state": "active"}
    assert scrub()[-1] == "2 files read, 0 damaged."
    Admin(ini, tmp_path)("gc", "--grace", "0")
    assert damaged.uuid not in remains.files() | remains.blobs()


def test_the_version_that_is_damaged_is_healed_by_its_next_upload(people, damaged):
    answer = people.alice.upload(status=200)
    assert (answer.json["state"], answer.json["version"]) == ("active", 2)
    assert people.alice.client.get(f"{RAW}?version=1").body == FILE


def test_an_upload_of_another_file_heals_nothing(people, damaged):
    people.alice.upload("other", SPOILT, status=200)
    assert state_of(people.alice) == "damaged"

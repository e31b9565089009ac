"""The collector merges equal files after reading them, and nobody notices."""

import pytest
from sqlalchemy import func, select

from repoman.models import Blob, now
from repoman.services import merging
from repoman.services.collector import collect
from repoman.storage.filesystem import FilesystemStore
from tests.factories import FILE
from tests.rights import all_rows
from tests.upkeep import Admin, Blobs
from tests.wsgi import begin

SPOILT = FILE[:-1] + b"?"


@pytest.fixture
def blobs(sessions, settings):
    return Blobs(sessions, settings.store)


@pytest.fixture
def gc(ini, tmp_path):
    """Run ``repoman-admin gc``, and return what it says of blobs."""
    admin = Admin(ini, tmp_path)
    return lambda *more: [line for line in admin("gc", *more) if line.startswith("blob ")]


@pytest.fixture
def twins(people, blobs):
    """Two blobs of the same bytes, the older of alice's images a and c, the newer of bob's b."""
    people.alice.create("a")
    people.alice.upload("a")
    people.bob.create("b")
    people.bob.upload("b")
    people.alice.create("c", copy_of="a")
    return blobs.of("a"), blobs.of("b")


def answers(people):
    """Take all that can be seen of the images."""
    found = []
    for person, name in ((people.alice, "a"), (people.bob, "b"), (people.alice, "c")):
        for path in (f"/api/images/{name}", f"/api/images/raw/{name}"):
            answer = person.client.get(path)
            headers = dict(answer.headers)
            del headers["X-Repoman-Request-Id"]
            found.append((answer.status, headers, answer.body))
    return found


def line_of(blob, fate):
    return f"blob {blob.uuid} ({blob.size} bytes): {fate}"


def test_equal_files_become_one_and_no_answer_changes(people, twins, blobs, gc, remains):
    older, newer = twins
    before = answers(people)
    merged = line_of(newer, f"merged into {older.uuid}")
    assert gc() == [merged, line_of(newer, "to be removed by a gc 3600 s from now")]
    assert {blobs.of(name).uuid for name in "abc"} == {older.uuid}
    assert answers(people) == before
    assert gc("--grace", "0") == [line_of(newer, "removed")]
    assert answers(people) == before
    assert remains.files() == remains.blobs() == {older.uuid}
    assert gc() == []


def test_a_dry_run_says_so_and_changes_nothing(twins, gc, sessions):
    older, newer = twins
    before = all_rows(sessions)
    would = f"would be merged into {older.uuid} if it has the same bytes"
    assert gc("--dry-run") == [line_of(newer, would)]
    assert all_rows(sessions) == before


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("data", [SPOILT, FILE[:-1], None])
def test_no_file_is_merged_on_the_word_of_its_digest(people, twins, blobs, gc, which, data):
    spoilt = twins[which]
    blobs.spoil(spoilt, data)
    (line,) = gc()
    assert line.startswith(line_of(spoilt, "damaged: its file "))
    assert [blobs.of("ab"[number]).damaged is None for number in (0, 1)] == [which != 0, which != 1]
    # The next run puts the whole one in its place.
    assert gc()[0] == line_of(spoilt, f"merged into {twins[1 - which].uuid}")
    assert people.alice.client.get("/api/images/raw/a").body == FILE
    assert people.bob.client.get("/api/images/raw/b").body == FILE


def test_files_that_are_spoilt_alike_are_not_merged(twins, blobs, gc):
    for blob in twins:
        blobs.spoil(blob, SPOILT)
    assert [line.split(": ", 1)[1] for line in gc()] == ["damaged: its file has other bytes"] * 2
    assert gc() == []


def test_a_damaged_file_is_not_replaced_by_one_that_has_become_so_too(twins, blobs, gc):
    blobs.change(twins[0], damaged=now())
    blobs.spoil(twins[1], SPOILT)
    assert gc() == []
    assert blobs.of("b").damaged


def test_what_different_labels_are_known_of_is_left_alone(twins, blobs, gc):
    for values in ({"format": None}, {"dangers": "backing-file"}):
        blobs.change(twins[1], **values)
        assert gc() == []
        blobs.change(twins[1], format=twins[1].format, dangers=None)
    assert len(gc()) == 2


def test_a_download_under_way_ends_as_it_began(people, twins, gc):
    body = begin(people.bob.client, "/api/images/raw/b")
    gc("--grace", "0")
    assert b"".join(body) == FILE
    body.close()


def test_nothing_is_merged_beside_a_backup(twins, gc, settings, blobs):
    with FilesystemStore(settings.store).keeping(lambda: None):
        assert gc() == []
    assert blobs.of("b").uuid == twins[1].uuid


def test_a_copy_that_was_made_meanwhile_keeps_its_file(people, twins, sessions, settings, blobs):
    older, newer = twins

    class Sessions:
        """Lets bob copy his image after it was seen which images name the blob."""

        reading = sessions.reading

        @property
        def changing(self):
            if not people.bob.client.get("/api/images?name=d").json:
                people.bob.create("d", copy_of="b")
            return sessions.changing

    merging.replace(Sessions(), older, newer)
    list(collect(sessions, FilesystemStore(settings.store), 0))
    assert people.bob.client.get("/api/images/raw/d").body == FILE
    assert people.bob.client.get("/api/images/raw/b").body == FILE


def test_what_one_owner_uses_may_become_less(people, sessions, gc):
    for name in "ab":
        people.alice.create(name)
        people.alice.upload(name)
    usage = "/api/users/alice/usage"
    assert people.alice.client.get(usage).json["usage"] == 2 * len(FILE)
    gc()
    assert people.alice.client.get(usage).json["usage"] == len(FILE)
    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(Blob)) == 2

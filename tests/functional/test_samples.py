"""``repoman-admin gc`` records how full the store is, and keeps a bounded number of samples."""

import errno
import shutil
from datetime import timedelta

import pytest

from repoman.models import StorageSample, now
from repoman.services import samples
from tests.upkeep import Admin


@pytest.fixture
def gc(ini, tmp_path):
    """Run ``repoman-admin gc``; return its lines."""
    admin = Admin(ini, tmp_path)
    return lambda *more: admin("gc", *more)


@pytest.fixture
def taken(sessions):
    """Return the samples that are there, by time."""

    def read():
        with sessions.reading() as session:
            return samples.history(session)

    return read


def fill(sessions, moments):
    with sessions.changing.begin() as session:
        session.add_all(StorageSample(taken=one, files=1, free=2, size=3) for one in moments)


def test_gc_records_what_is_stored_and_the_room_that_there_is(people, gc, taken, settings):
    people.alice.create()
    people.alice.upload(data=b"x" * 1000)
    people.alice.create("copy", copy_of="debian12")
    before = now()
    assert gc() == ["0 bytes removed."]
    (found,) = taken()
    assert before <= found.taken <= now()
    assert found.files == 1000
    assert found.size == shutil.disk_usage(settings.store).total
    assert 0 < found.free <= found.size


def test_what_gc_has_removed_is_not_in_its_sample(people, gc, taken):
    people.alice.create()
    people.alice.upload()
    people.alice.client.delete("/api/images/debian12?purge=true")
    gc("--grace", "0")
    assert [one.files for one in taken()] == [0]


def test_a_dry_run_records_nothing(gc, taken):
    gc("--dry-run")
    assert taken() == []


def test_one_of_the_same_second_may_be_there_already(sessions, gc, taken):
    moment = now()
    fill(sessions, [moment + timedelta(seconds=more) for more in range(60)])
    assert gc() == ["0 bytes removed."]
    assert [one.files for one in taken()] == [1] * 60


def test_a_store_that_does_not_tell_its_room_is_said_to_and_gc_has_done_its_work(
    people, gc, taken, remains, monkeypatch
):
    people.alice.create()
    people.alice.upload()
    people.alice.client.delete("/api/images/debian12?purge=true")

    def fail(path):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("repoman.storage.filesystem.shutil.disk_usage", fail)
    removed, done, said = gc("--grace", "0")
    assert removed.endswith(": removed")
    assert done.endswith(" bytes removed.")
    assert said == "How full the store is was not recorded: OSError: [Errno 5] Input/output error"
    assert remains.files() == set()
    assert taken() == []


def test_all_of_a_week_is_kept_then_the_first_of_each_day_for_five_years(sessions, gc, taken):
    noon = now().replace(hour=12, minute=0, second=0)
    recent = [now() - timedelta(days=6, seconds=number) for number in range(50)]
    firsts = [noon - timedelta(days=days) for days in (9, 10, 400, 5 * 365 - 2)]
    later = [one + timedelta(seconds=more) for one in firsts for more in (1, 3600, 11 * 3600)]
    ancient = [noon - timedelta(days=days) for days in (5 * 365 + 2, 4000)]
    fill(sessions, [*recent, *firsts, *later, *ancient])
    gc()
    *kept, new = [one.taken for one in taken()]
    assert kept == sorted([*recent, *firsts])
    assert now() - new < timedelta(minutes=1)


def test_the_day_in_which_the_week_begins_loses_nothing_of_it(sessions, taken):
    limit = now() - samples.KEPT_WHOLE
    inside = [limit + timedelta(seconds=more) for more in (60, 61)]
    outside = [limit - timedelta(seconds=more) for more in (2, 1)]
    fill(sessions, [*inside, *outside])
    with sessions.changing.begin() as session:
        samples.thin(session)
    firsts = {one.date(): one for one in reversed(outside)}
    assert [one.taken for one in taken()] == [*sorted(firsts.values()), *inside]

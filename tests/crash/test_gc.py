"""``repoman-admin gc`` that is killed: what images name stays, and the next run ends its work."""

import uuid

import pytest

from tests.crash.site import NEW, OLD, CrashImage
from tests.crash.steps import backends
from tests.databases import on_both, on_sqlite

KILLED = -9


@pytest.fixture
def wanted(site, image):
    """Return images whose file `OLD` must stay, and let there be all that gc removes and merges.

    That is an expired upload of which a killed server left file and hold, an image and a version in
    the trash, a blob that no image names any more, a file without a row, and `OLD` a second time.
    """
    image.put(NEW)
    image.put(OLD)
    twin = CrashImage(site, f"{image.name}-twin")
    twin.put(OLD)
    copy = CrashImage(site, f"{image.name}-copy", copy_of=twin.name)
    deleted = CrashImage(site, f"{image.name}-deleted")
    deleted.put(b"in the trash")
    site.ask("DELETE", deleted.url)
    purged = CrashImage(site, f"{image.name}-purged")
    purged.put(b"without image")
    site.ask("DELETE", f"{purged.url}?purge=true")
    stray = uuid.uuid4().hex
    folder = site.store / "blobs" / stray[:2]
    folder.mkdir(exist_ok=True)
    (folder / stray).write_bytes(b"without row")
    with site.killed("after write partial"):
        assert image.put(NEW) is None
    site.judge.expire()
    yield [image, twin, copy]
    for one in (twin, copy):
        site.ask("DELETE", f"{one.url}?purge=true")


STEPS = [
    "before commit DELETE upload",
    "after commit DELETE upload",
    "before commit DELETE image",
    "after commit DELETE image",
    "before commit DELETE image_file",
    "after commit DELETE image_file",
    "before commit UPDATE image_file",
    "after commit UPDATE image_file",
    "before commit UPDATE blob",
    "after commit UPDATE blob",
    "before commit DELETE blob",
    "after commit DELETE blob",
    "before unlink blob",
    "after unlink blob",
    "before unlink partial",
    "after unlink partial",
    "before unlink hold",
    "after unlink hold",
    "after unlink blob",
]
"""In an order in which a run that is killed leaves all the following for the next."""


@on_both
def test_a_gc_killed_at_each_step_takes_nothing_that_is_wanted_and_the_next_ends_its_work(
    site, gc, wanted, backend
):
    for step in STEPS:
        if backend in backends(step):
            with site.killed(step):
                assert gc.run() == KILLED, step
            assert [one.file() for one in wanted] == [OLD] * 3
            site.use()
    assert gc.run() == 0
    site.judge.check_nothing_left()
    assert [one.file() for one in wanted] == [OLD] * 3
    assert site.use()["usage"] == len(OLD)


@on_both
def test_an_upload_is_gone_on_with_though_gc_was_killed_beside_it(site, gc, image):
    image.put(OLD)
    with site.killed("after write partial"):
        assert image.put(NEW) is None
    arrived = image.arrived()
    with site.killed("after commit UPDATE blob"):
        assert gc.run() == KILLED
    assert image.arrived() == arrived
    image.go_on(NEW)


@on_sqlite
def test_what_an_upload_was_killed_before_it_healed_is_healed_by_gc(site, gc, image):
    image.put(OLD)
    site.judge.mark_damaged()
    assert site.ask("GET", image.raw).headers["X-Repoman-Error"] == "file-damaged"
    other = CrashImage(site, f"{image.name}-other")
    with site.killed("after commit INSERT blob"):
        assert other.put(OLD) is None
    assert site.ask("GET", image.raw).status == 503
    assert gc.run() == 0
    assert image.file() == other.file() == OLD
    site.ask("DELETE", f"{other.url}?purge=true")

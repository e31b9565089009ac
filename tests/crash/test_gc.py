"""``repoman-admin gc`` that is killed: what images name stays, and the next run ends what it began."""

import uuid

import pytest

from tests.crash.site import NEW, OLD, CrashImage
from tests.crash.steps import steps
from tests.databases import on_both

KILLED = -9


@pytest.fixture
def wanted(site, image):
    """Return the image, with a file that must stay, and let there be all that gc removes.

    An expired upload of which a killed server left file and hold, an image and a version in the
    trash, a blob that no image names any more, and a file without a row.
    """
    image.put(NEW)
    image.put(OLD)
    deleted, purged = (CrashImage(site, f"{image.name}-{what}") for what in ("deleted", "purged"))
    deleted.put(b"in the trash")
    purged.put(b"without image")
    site.ask("DELETE", deleted.url)
    site.ask("DELETE", f"{purged.url}?purge=true")
    stray = uuid.uuid4().hex
    folder = site.store / "blobs" / stray[:2]
    folder.mkdir(exist_ok=True)
    (folder / stray).write_bytes(b"without row")
    with site.killed("after write partial", 2):
        assert image.put(NEW) is None
    site.judge.expire()
    return image


@steps(
    "step, times",
    [
        ("before commit DELETE upload", 1),
        ("after commit DELETE upload", 1),
        ("before commit DELETE image", 1),
        ("after commit DELETE image", 1),
        ("before commit DELETE image_file", 1),
        ("after commit DELETE image_file", 1),
        ("before commit UPDATE blob", 1),
        ("after commit UPDATE blob", 1),
        ("before commit DELETE blob", 1),
        ("after commit DELETE blob", 1),
        ("before unlink blob", 1),
        ("after unlink blob", 1),
        ("after commit DELETE blob", 2),
        ("after unlink blob", 3),
        ("before unlink partial", 1),
        ("after unlink partial", 1),
        ("before unlink hold", 1),
        ("after unlink hold", 1),
        ("after unlink blob", 4),
    ],
)
def test_a_gc_that_was_killed_takes_nothing_that_is_wanted_and_is_ended_by_the_next(
    site, gc, wanted, step, times
):
    with site.killed(step, times):
        assert gc.run() == KILLED
    assert wanted.file() == OLD
    site.use()
    assert gc.run() == 0
    site.judge.check_nothing_left()
    assert wanted.file() == OLD
    assert site.use()["usage"] == len(OLD)


@on_both
def test_an_upload_is_gone_on_with_though_gc_was_killed_beside_it(site, gc, image):
    image.put(OLD)
    with site.killed("after write partial", 2):
        assert image.put(NEW) is None
    arrived = image.arrived()
    with site.killed("after commit UPDATE blob"):
        assert gc.run() == KILLED
    assert image.arrived() == arrived
    image.go_on(NEW)

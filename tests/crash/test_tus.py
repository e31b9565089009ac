"""Uploads by tus whose server is killed: what was acknowledged is there, and is gone on from."""

from urllib.parse import urlsplit

from tests.crash.site import KIB, NEW, OLD, clean
from tests.crash.steps import steps
from tests.tus import TUS

FIRST = 100 * KIB
"""How much of `NEW` a first part brings."""


def begun(image) -> str:
    """Return an upload's path, of which one part has come; the image has `OLD`."""
    image.put(OLD)
    answer = image.begin_tus(NEW, NEW[:FIRST])
    assert answer.status == 201
    assert answer.headers["Upload-Offset"] == str(FIRST)
    # Commits that put off its end have something to say then: another time.
    image.site.judge.expire()
    return urlsplit(answer.headers["Location"]).path


def go_on(image, upload) -> None:
    """Do what a client of tus does: ask how far it came, and send the rest."""
    offset = image.offset(upload)
    assert FIRST <= offset < len(NEW)
    assert image.file() == OLD
    image.site.check()
    answer = image.patch(upload, offset, NEW[offset:])
    assert answer.status == 204
    assert image.file() == NEW
    assert image.offset(upload) is None


@steps("step", [("before commit INSERT upload",), ("after commit INSERT upload",)])
def test_beginning_that_was_killed_leaves_nothing_but_what_can_be_collected(site, image, step):
    image.put(OLD)
    with site.killed(step):
        assert image.begin_tus(NEW) is None
    waiting = site.ask("GET", "/api/uploads").json()
    assert len(waiting) == step.startswith("after")
    clean(site)
    assert image.file() == OLD


@steps(
    "step",
    [
        ("after unlink hold",),
        ("before commit UPDATE upload",),
        ("after commit UPDATE upload",),
        ("after write partial",),
        ("before fsync partial",),
        ("after fsync partials",),
        ("before unlink hold",),
    ],
)
def test_a_part_in_the_middle_that_was_killed_is_gone_on_from(site, image, step):
    upload = begun(image)
    with site.killed(step):
        assert image.patch(upload, FIRST, NEW[FIRST : 2 * FIRST - 1]) is None
    go_on(image, upload)


@steps(
    "step",
    [
        ("after commit UPDATE upload",),
        ("after write partial",),
        ("before fsync partial",),
        ("after fsync partial",),
        ("after rename partial",),
        ("after fsync shard",),
        ("before commit INSERT blob",),
    ],
)
def test_a_last_part_that_was_killed_before_its_commit_is_gone_on_from(site, image, step):
    upload = begun(image)
    with site.killed(step):
        assert image.patch(upload, FIRST, NEW[FIRST:]) is None
    go_on(image, upload)


@steps("step", [("after commit INSERT blob",), ("after unlink hold",)])
def test_a_last_part_that_was_killed_after_its_commit_has_taken_place(site, image, step):
    upload = begun(image)
    with site.killed(step):
        assert image.patch(upload, FIRST, NEW[FIRST:]) is None
    assert image.offset(upload) is None
    assert image.file() == NEW


@steps(
    "step, there",
    [
        ("before unlink partial", True),
        ("after unlink partial", False),
        ("before commit DELETE upload", False),
        ("after commit DELETE upload", False),
    ],
)
def test_ending_an_upload_that_was_killed_can_be_repeated(site, image, step, there):
    upload = begun(image)
    with site.killed(step):
        assert site.ask("DELETE", upload, headers=TUS) is None
    assert image.offset(upload) == (FIRST if there else None)
    repeated = site.ask("DELETE", upload, headers=TUS)
    assert repeated.status == (404 if step == "after commit DELETE upload" else 204)
    assert site.ask("GET", "/api/uploads").json() == []
    assert site.use()["uploads"] == 0
    assert image.file() == OLD

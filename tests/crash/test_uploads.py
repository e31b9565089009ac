"""Uploads by PUT whose server is killed: they are wholly there or not at all, and gone on with."""

import base64
import hashlib

from tests.crash.site import KIB, NEW, OLD, clean
from tests.crash.steps import steps

SOME = 256 * KIB
"""What has arrived after one of two reads."""

WHOLE = len(OLD) - 1
"""What has arrived of a whole file: its end is tried once more with its last byte."""

BEFORE = [
    ("after open hold", None),
    ("after open partial", None),
    ("before commit INSERT upload", None),
    ("after commit INSERT upload", 0),
    ("before write partial", 0),
    ("after write partial", SOME),
    ("before fsync partial", WHOLE),
    ("after fsync partial", WHOLE),
    ("after fchmod partial", WHOLE),
    ("after rename partial", WHOLE),
    ("after fsync shard", WHOLE),
    ("before commit INSERT blob", WHOLE),
]
"""Steps of an upload before it has taken place, each with how much has arrived then."""

AFTER = [("after commit INSERT blob",), ("after unlink hold",)]
"""Those when it has, and nobody was told."""


@steps("step, arrived", BEFORE)
def test_an_upload_killed_before_its_commit_is_gone_on_with_or_leaves_the_old_file(
    site, image, step, arrived
):
    with site.killed(step):
        assert image.put(OLD) is None
    assert image.file() is None
    assert image.arrived() == arrived
    image.go_on(OLD)
    with site.killed(step):
        assert image.put(NEW) is None
    assert image.file() == OLD
    assert image.arrived() == arrived
    site.check()
    clean(site)
    assert image.arrived() is None
    assert image.file() == OLD


@steps("step", AFTER)
def test_an_upload_killed_after_its_commit_is_there(site, image, step):
    for data in (OLD, NEW):
        with site.killed(step):
            assert image.put(data) is None
        assert image.file() == data
        assert image.arrived() is None
        clean(site)
        assert image.file() == data


# Gone on with


def broken_off(site, image, step="after write partial"):
    """Begin to overwrite `OLD` by `NEW`, and have the server killed over it."""
    image.put(OLD)
    with site.killed(step):
        assert image.put(NEW) is None
    # The commit of its going on has something to say then: another time.
    site.judge.expire()


@steps(
    "step",
    [
        ("after unlink hold",),
        ("after open hold",),
        ("before commit UPDATE upload",),
        ("after commit UPDATE upload",),
        ("before write partial",),
        ("after write partial",),
        ("before fsync partial",),
        ("after rename partial",),
        ("before commit INSERT blob",),
    ],
)
def test_going_on_that_is_killed_too_is_gone_on_with_again(site, image, step):
    broken_off(site, image)
    arrived = image.arrived()
    assert arrived == SOME
    with site.killed(step):
        assert image.put(NEW, arrived) is None
    assert image.file() == OLD
    assert image.arrived() >= arrived
    site.check()
    image.go_on(NEW)


@steps("step, times", [("after commit INSERT blob", 1), ("after unlink hold", 2)])
def test_going_on_that_is_killed_after_its_commit_has_taken_place(site, image, step, times):
    broken_off(site, image)
    with site.killed(step, times):
        assert image.put(NEW, image.arrived()) is None
    assert image.file() == NEW
    assert image.arrived() is None


@steps(
    "step",
    [
        ("after chmod blob",),
        ("after rename blob",),
        ("after open hold",),
        ("before ftruncate partial",),
        ("after ftruncate partial",),
        ("after fsync partials",),
        ("before write partial",),
    ],
)
def test_a_file_without_its_row_is_taken_back_and_that_may_be_killed_too(site, image, step):
    broken_off(site, image, "after rename partial")
    with site.killed(step):
        assert image.put(NEW, WHOLE) is None
    assert image.file() == OLD
    assert image.arrived() == WHOLE
    image.go_on(NEW)


# Ended before their time


@steps(
    "step, arrived",
    [
        ("before commit DELETE upload", SOME),
        ("after commit DELETE upload", 0),
        ("before unlink partial", 0),
        ("after unlink partial", 0),
    ],
)
def test_beginning_anew_that_is_killed_can_be_begun_anew(site, image, step, arrived):
    broken_off(site, image)
    with site.killed(step):
        assert image.put(NEW) is None
    assert image.file() == OLD
    assert image.arrived() == arrived
    image.go_on(NEW)


@steps(
    "step, arrived",
    [
        ("before unlink partial", WHOLE),
        ("after unlink partial", None),
        ("before commit DELETE upload", None),
        ("after commit DELETE upload", None),
    ],
)
def test_a_wrong_file_is_refused_again_where_its_refusal_was_killed(site, image, step, arrived):
    digest = base64.b64encode(hashlib.sha256(NEW).digest()).decode()
    wrong, headers = NEW[:-1] + b"?", {"Repr-Digest": f"sha-256=:{digest}:"}
    image.put(OLD)
    with site.killed(step):
        assert image.put(wrong, headers=headers) is None
    assert image.arrived() == arrived
    refused = image.put(wrong, arrived or 0, headers)
    assert refused.headers["X-Repoman-Error"] == "digest-mismatch"
    assert image.file() == OLD
    assert image.arrived() is None


def test_a_server_that_is_killed_as_a_whole_starts_and_goes_on(site, image):
    broken_off(site, image, "after rename partial")
    site.kill_all()
    site.start()
    assert image.file() == OLD
    assert image.arrived() == WHOLE
    image.go_on(NEW)

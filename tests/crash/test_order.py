"""What reaches the disk in which order, by the system calls of real processes.

A loss of power leaves what was synced before, and of the rest anything: so the order is the rule.
"""

import re
import signal
import subprocess
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from tests.crash.faults import PLACES
from tests.crash.site import KIB, NEW, OLD
from tests.databases import on_sqlite
from tests.server.running import need

pytestmark = on_sqlite

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "unlink", "unlinkat")
# Its first argument is a descriptor, shown with its path, or a path.
_call = re.compile(r'\d+ +(\w+?)(?:at|64)?\((?:AT_FDCWD<[^>]*>, )?(?:\d+<([^>]*)>|"([^"]*)")')


@pytest.fixture
def traced(site, tmp_path):
    """Return a context in which a process is traced; it gives the list of what was called.

    Each call is a name and what of the server it is done to; the same again and again is one.
    """

    @contextmanager
    def tracing(pid):
        # Now, and not amid what is traced: the next commit begins SQLite's log anew.
        with site.sessions.engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        written, called = tmp_path / "trace", []
        which = ",".join(f"?{name}" for name in CALLS)
        command = [need("strace"), "-f", "-y", "-e", f"trace={which}", "-o", written, "-p", pid]
        with subprocess.Popen(map(str, command), stderr=subprocess.PIPE, text=True) as strace:
            attached = strace.stderr.readline()
            if "not permitted" in attached:
                pytest.skip("no process may trace another here")
            assert "attached" in attached
            try:
                yield called
            finally:
                strace.send_signal(signal.SIGINT)
                strace.communicate(timeout=20)
        for match in filter(None, map(_call.match, written.read_text().splitlines())):
            name, described, path = match.groups()
            place = placed(site, described or path)
            if place and called[-1:] != [f"{name} {place}"]:
                called.append(f"{name} {place}")

    return tracing


def placed(site, path) -> str | None:
    """Say what of the server it is, None for what does not matter."""
    if path.startswith(("socket:", "TCP")):
        return "answer"
    if path == f"{site.home}/repoman.sqlite-wal":
        return "database"
    inside = path.removeprefix(f"{site.store}/")
    return next((name for form, name in PLACES.items() if re.fullmatch(form, inside)), None)


def test_bytes_then_name_then_row_are_on_disk_before_the_answer(site, image, traced):
    image.put(OLD)
    (worker,) = site.server.workers()
    with traced(worker) as called:
        assert image.put(NEW).status == 200
    from_first_byte = called[called.index("write partial") :]
    # A folder is made, and its own name synced, for the first file in it.
    assert [one for one in from_first_byte if one != "fsync blobs"] == [
        "write partial",
        "fsync partial",
        "rename partial",
        "fsync shard",
        "pwrite database",
        "fdatasync database",
        "unlink hold",
        "write answer",
    ]


def test_a_part_by_tus_is_on_disk_before_its_answer(site, image, traced):
    upload = image.begin_tus(NEW).headers["Location"].partition(site.server.url)[2]
    (worker,) = site.server.workers()
    with traced(worker) as called:
        assert image.patch(upload, 0, NEW[: 100 * KIB]).status == 204
    from_first_byte = called[called.index("write partial") :]
    # The row was there before; it changes where a second has passed since.
    assert [one for one in from_first_byte if "database" not in one] == [
        "write partial",
        "fsync partial",
        "fsync partials",
        "unlink hold",
        "write answer",
    ]


def test_a_deletion_is_on_disk_before_its_answer(site, image, traced):
    image.put(OLD)
    (worker,) = site.server.workers()
    with traced(worker) as called:
        assert site.ask("DELETE", image.raw).status == 200
    assert [one for one in called if "database" in one][-2:] == [
        "pwrite database",
        "fdatasync database",
    ]
    assert called[-1] == "write answer"
    assert not any(one.startswith("unlink") for one in called)


def test_a_row_is_gone_from_disk_before_its_file_is(site, gc, image, traced):
    image.put(OLD)
    assert site.ask("DELETE", f"{image.raw}?purge=true").status == 200
    with traced(gc.pid) as called:
        assert gc.run() == 0
    begun, marked, deleted, sampled = (["pwrite database", "fdatasync database"] for _ in range(4))
    assert called == [*begun, *marked, *deleted, "unlink blob", *sampled]

"""The folder of the metrics: nothing is lost and nothing counts twice, whoever is killed when."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from repoman.metrics import folder as folder_module
from repoman.metrics.folder import Folder
from repoman.metrics.tally import Tally
from tests.wsgi import wait_for

ERRORS, RUNNING = ("repoman_errors_total", "x"), ("repoman_transfers_running", "upload")
FIRST = ("repoman_request_duration_seconds", "api", "0.005")
SUM = ("repoman_request_duration_seconds", "api", "sum")


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path / "metrics")
    made.prepare()
    return made


def count(folder, *changes):
    """Count as a process does that then ends."""
    with closing(Tally(folder)) as tally:
        tally.add(*changes)


def files(folder):
    return sorted(folder.path.glob("values-*"))


def test_counters_of_ended_processes_stay_and_gauges_go(folder):
    with closing(Tally(folder)) as living:
        living.add((ERRORS, 1), (RUNNING, 1))
        count(folder, (ERRORS, 2), (RUNNING, 1), (FIRST, 1), (SUM, 0.5))
        count(folder, (ERRORS, 4), (FIRST, 1), (SUM, 0.25))
        expected = {ERRORS: 7, RUNNING: 1, FIRST: 2, SUM: 0.75}
        for _ in range(2):
            assert folder.totals() == expected
            assert len(files(folder)) == 1
    assert folder.totals() == {ERRORS: 7, FIRST: 2, SUM: 0.75}
    assert files(folder) == []


CHILD = """
import sys, time
from pathlib import Path
from repoman.metrics.folder import Folder
from repoman.metrics.tally import Tally
tally = Tally(Folder(Path(sys.argv[1])))
tally.add((("repoman_transfers_running", "upload"), 1))
while True:
    tally.add((("repoman_errors_total", "x"), 1))
"""


@pytest.fixture
def children(folder):
    """Three processes that count as fast as they can."""
    started = [subprocess.Popen([sys.executable, "-c", CHILD, folder.path]) for _ in range(3)]
    yield started
    for child in started:
        child.kill()
        child.wait()


def test_a_process_that_is_killed_while_it_counts_leaves_what_it_counted(folder, children):
    last = 0
    for number, child in enumerate(children):
        wait_for(lambda: folder.totals().get(RUNNING) == 3 - number, 30)  # noqa: B023 - called at once
        for _ in range(50):
            now = folder.totals()[ERRORS]
            assert now >= last
            last = now
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert folder.totals()[ERRORS] >= last
    assert RUNNING not in folder.totals()
    assert files(folder) == []


def test_a_forked_process_counts_for_itself(folder):
    """As gunicorn's workers do, whose parent made the application."""
    with closing(Tally(folder)) as tally:
        tally.add((ERRORS, 1))
        pid = os.fork()
        if not pid:
            tally.add((ERRORS, 10), (RUNNING, 1))
            os._exit(0 if len(files(folder)) == 2 else 1)
        assert os.waitpid(pid, 0)[1] == 0
        tally.add((ERRORS, 1))
        assert folder.totals() == {ERRORS: 12}
        assert len(files(folder)) == 1


def test_who_is_killed_between_adding_up_and_removing_counts_nothing_twice(folder, tmp_path):
    count(folder, (ERRORS, 2))
    (left,) = files(folder)
    shutil.copy(left, tmp_path / "copy")
    assert folder.totals() == {ERRORS: 2}
    shutil.copy(tmp_path / "copy", left)
    for _ in range(2):
        assert folder.totals() == {ERRORS: 2}
    assert files(folder) == []
    count(folder, (ERRORS, 1))
    assert folder.totals() == {ERRORS: 3}


def test_where_nothing_can_be_added_up_nothing_is_lost(folder, monkeypatch):
    def full(self, ended):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Folder, "_write_ended", full)
    for number in range(1, 4):
        count(folder, (ERRORS, 1))
        assert folder.totals() == {ERRORS: number}
        assert len(files(folder)) == number
    monkeypatch.undo()
    assert folder.totals() == {ERRORS: 3}
    assert files(folder) == []


@pytest.mark.parametrize("left", [0, 1, 7, 8, 15, 16, 17, 40, -1])
def test_a_file_without_its_end_counts_as_far_as_it_goes(folder, left):
    count(folder, (ERRORS, 1), (FIRST, 5))
    (path,) = files(folder)
    path.write_bytes(path.read_bytes()[:left])
    found = folder.totals()
    assert found in ({}, {ERRORS: 1})
    assert (found == {}) == (0 <= left <= 40)


@pytest.mark.parametrize("garbage", [b"\xff" * 99, b"\0" * 4096, b"x" * 16, b"[" * 99_999])
def test_garbage_counts_nothing(folder, garbage):
    (folder.path / "values-0").write_bytes(garbage)
    (folder.path / "ended").write_bytes(garbage)
    assert folder.totals() == {}
    count(folder, (ERRORS, 1))
    assert folder.totals() == {ERRORS: 1}


@pytest.mark.parametrize(
    "ended",
    [
        {},
        [],
        {"files": [], "values": 1},
        {"files": None, "values": []},
        {"files": [], "values": [[1, 2]]},
        {"files": [], "values": [[["repoman_errors_total", "x"], "many"]]},
        {"files": [], "values": [[["repoman_errors_total", "x"], 10**400]]},
        {"files": [], "values": [[["repoman_errors_total", 7], 1]]},
    ],
    ids=lambda ended: str(ended)[:60],
)
def test_a_sum_that_cannot_be_read_begins_anew(folder, ended):
    (folder.path / "ended").write_text(json.dumps(ended))
    count(folder, (ERRORS, 1))
    assert folder.totals() == {ERRORS: 1}


def test_what_another_version_counted_otherwise_is_passed_over(folder):
    strange = [
        ("repoman_errors_total",),
        ("repoman_errors_total", "x", "y"),
        ("repoman_no_more_total", "x"),
        ("repoman_request_duration_seconds", "api", "0.3"),
        ("repoman_images",),
        (),
    ]
    with closing(Tally(folder)) as living:
        living.add(*((key, 1) for key in strange), (ERRORS, 1))
        count(folder, *((key, 1) for key in strange), (ERRORS, 1))
        assert folder.totals() == {ERRORS: 2}
        assert folder.totals() == {ERRORS: 2}


def test_a_process_that_stands_still_with_the_lock_stops_nobody(folder, monkeypatch):
    monkeypatch.setattr(folder_module, "PATIENCE_SECONDS", 0.1)
    with closing(Tally(folder)) as tally, folder._locked(0):
        tally.add((ERRORS, 1))
        # Nothing is better than less than there was.
        assert tally.totals() == {}
    assert Tally(folder).totals() == {ERRORS: 1}


def test_many_threads_and_processes_count_at_once(folder):
    tallies = [Tally(folder) for _ in range(3)]

    def work(tally):
        for number in range(200):
            tally.add((ERRORS, 1), (("repoman_errors_total", str(number)), 1))

    threads = [threading.Thread(target=work, args=[tally]) for tally in tallies * 3]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        folder.totals()
    for thread in threads:
        thread.join()
    for tally in tallies:
        tally.close()
    assert folder.totals()[ERRORS] == 1800
    assert sum(folder.totals().values()) == 3600


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_no_number_counts_nothing(folder, value):
    count(folder, (ERRORS, float(value)), (FIRST, 1))
    assert folder.totals() == {FIRST: 1}


def test_without_a_folder_it_is_the_process_alone_that_counts():
    first, second = Tally(), Tally()
    first.add((ERRORS, 1))
    assert first.totals() == {ERRORS: 1}
    assert second.totals() == {}

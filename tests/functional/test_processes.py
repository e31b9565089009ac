"""Eight processes, each with an application of its own, at work on one database and one store."""

import json
import os
import subprocess
import sys

import pytest

from tests import hammered
from tests.hammer import TURNS
from tests.wsgi import plain_environ

PROCESSES = 8


@pytest.fixture
def start(people, ini):
    """Start a process; all that were started end with the test."""
    started = []
    environs = {
        person.name: plain_environ(person.client)
        for person in (people.alice, people.bob, people.admin)
    }

    def start(number):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.hammer", str(number)],
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        process.stdin.write(json.dumps([ini, environs]) + "\n")
        process.stdin.flush()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def answers_of(processes):
    """Let all begin at once, and return what each was answered."""
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60) for process in processes]
    # Every 5xx is logged with its cause, as is an upload that is left to the collector.
    assert [errors for _, errors in outputs] == [""] * PROCESSES
    return [json.loads(printed) for printed, _ in outputs]


def test_eight_processes_lose_nothing_and_none_sees_a_locked_database_or_any_5xx(
    start, people, sessions, remains
):
    hammered.prepare(people)
    answers = answers_of([start(number) for number in range(PROCESSES)])
    hammered.check(people, answers)
    # A file for each upload, and nothing half done.
    assert remains.files() == remains.blobs()
    assert len(remains.blobs()) == hammered.KEPT * PROCESSES * TURNS
    assert not remains.partials() | remains.uploads()

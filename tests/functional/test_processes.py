"""Eight processes, each with an application of its own, at work on one database and one store."""

import json
import os
import subprocess
import sys

import pytest

from tests.hammer import TURNS, content

PROCESSES = 8
ALL = [(number, turn) for number in range(PROCESSES) for turn in range(TURNS)]
# One turn's requests, in the order of `tests.hammer.Hammer.work`. The first upload of all to the
# image that all share is answered 201, the others 200.
MINE = [201, 201, 200, 200, 200, 200, 201, 201, 200, 200, 200]
DOOMED = [201, 201, 200]


@pytest.fixture
def start(people, ini):
    """Start a process; all that were started end with the test."""
    started = []
    environs = {
        person.name: person.client.extra_environ
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
    people.join("crew", people.alice)
    people.alice.create("shared")
    answers = answers_of([start(number) for number in range(PROCESSES)])

    firsts = 0
    for statuses, _, _ in answers:
        turns = [statuses[begin : begin + 15] for begin in range(0, 15 * TURNS, 15)]
        firsts += sum(one.pop(11) == 201 for one in turns)
        assert turns == [MINE + DOOMED] * TURNS
    assert firsts == 1
    for turn in range(TURNS):
        for place, code in ((2 * turn, "image-exists"), (2 * turn + 1, "user-exists")):
            lost = [[409, code]] * (PROCESSES - 1)
            assert sorted(contested[place] for _, contested, _ in answers) == [[201, None], *lost]

    # Every upload of the shared image has a version of its own, and the last one is there.
    shared = [(int(version), sha256) for _, _, seen in answers for version, sha256 in seen.items()]
    assert sorted(version for version, _ in shared) == list(range(1, len(ALL) + 1))
    shown = people.alice.client.get("/api/images/shared").json
    assert (shown["version"], shown["checksum"]["value"]) == max(shared)

    check_images(people)
    check_people(people, sessions)
    check_store(sessions, remains)


def check_images(people):
    """Hold alice's and bob's images against what their processes were told."""
    alice, bob = people.alice.client, people.bob.client
    for number, turn in ALL:
        shown = alice.get(f"/api/images/new-{number}-{turn}").json
        assert (shown["description"], shown["version"]) == (f"{number}-{turn}", 2)
        assert [url.rsplit("/", 1)[1] for url in shown["shared_with"]["users"]] == ["bob"]
        assert alice.get(f"/api/images/raw/{shown['uuid']}").body == content(number, turn, 1)
        assert bob.get(f"/api/images/raw/{number}-{turn}").body == content(number, turn, 1)
    own = {url.partition("/api/images/")[2] for url in alice.get("/api/images").json}
    assert own == {"alice/shared", *(f"alice/new-{number}-{turn}" for number, turn in ALL)}
    assert len(bob.get("/api/images").json) == 2 * len(ALL)


def check_people(people, sessions):
    """Hold users and members against what the processes were told."""
    admin = people.admin.client
    made = {f"u-{number}-{turn}" for number, turn in ALL}
    contested = {f"contested-{turn}" for turn in range(TURNS)}
    names = {url.rsplit("/", 1)[1] for url in admin.get("/api/users").json}
    assert names == made | contested | {"alice", "bob", "admin"}
    crew = admin.get("/api/groups/crew").json["users"]
    assert {url.rsplit("/", 1)[1] for url in crew} == made | {"alice"}
    for name in made:
        assert admin.get(f"/api/users/{name}").json["full_name"] == f"User {name[2:]}"


def check_store(sessions, remains):
    """Hold the store against the database: a file for each upload, and nothing half done."""
    assert remains.files() == remains.blobs()
    assert len(remains.blobs()) == 4 * len(ALL)
    assert not remains.partials() | remains.uploads()

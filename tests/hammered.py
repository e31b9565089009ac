"""What must be there when several of `tests.hammer` have ended: all that each of them was told."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from tests.factories import People
from tests.hammer import TURNS, content

# One turn's requests, in the order of `tests.hammer.Hammer.work`. The first upload of all to the
# image that all share is answered 201, the others 200.
MINE = [201, 201, 200, 200, 200, 200, 201, 201, 200, 200, 200]
DOOMED = [201, 201, 200]
KEPT = 4
"""Uploads a turn that are not followed by the deletion of their image."""

Answers = Sequence[tuple[list[int], list[list[Any]], dict[Any, str]]]
"""What each hammer was answered: ``statuses``, ``contested``, ``shared``."""


def prepare(people: People) -> None:
    """Make what they share."""
    people.join("crew", people.alice)
    people.alice.create("shared")
    for name in ("bob", "admin"):
        getattr(people, name)


def check(people: People, answers: Answers) -> None:
    """Hold the answers against one another and against what is there."""
    check_answers(answers)
    check_shared(people, answers)
    everything = list(product(range(len(answers)), range(TURNS)))
    check_images(people, everything)
    check_people(people, everything)


def check_answers(answers: Answers) -> None:
    """Everything succeeded, and what all wanted only one of them got."""
    firsts = 0
    for statuses, _, _ in answers:
        turns = [statuses[begin : begin + 15] for begin in range(0, 15 * TURNS, 15)]
        firsts += sum(one.pop(11) == 201 for one in turns)
        assert turns == [MINE + DOOMED] * TURNS
    assert firsts == 1
    for turn in range(TURNS):
        for place, code in ((2 * turn, "image-exists"), (2 * turn + 1, "user-exists")):
            lost = [[409, code]] * (len(answers) - 1)
            assert sorted(contested[place] for _, contested, _ in answers) == [[201, None], *lost]


def check_shared(people: People, answers: Answers) -> None:
    """Every upload of the shared image has a version of its own, and the last one is there."""
    shared = [(int(version), sha256) for _, _, seen in answers for version, sha256 in seen.items()]
    assert sorted(version for version, _ in shared) == list(range(1, len(answers) * TURNS + 1))
    shown = people.alice.client.get("/api/images/shared").json
    assert (shown["version"], shown["checksum"]["value"]) == max(shared)


def check_images(people: People, everything: list[tuple[int, int]]) -> None:
    """Hold alice's and bob's images against what their processes were told."""
    alice, bob = people.alice.client, people.bob.client
    for number, turn in everything:
        shown = alice.get(f"/api/images/new-{number}-{turn}").json
        assert (shown["description"], shown["version"]) == (f"{number}-{turn}", 2)
        assert [url.rsplit("/", 1)[1] for url in shown["shared_with"]["users"]] == ["bob"]
        assert alice.get(f"/api/images/raw/{shown['uuid']}").body == content(number, turn, 1)
        assert bob.get(f"/api/images/raw/{number}-{turn}").body == content(number, turn, 1)
    own = {url.partition("/api/images/")[2] for url in alice.get("/api/images").json}
    assert own == {"alice/shared", *(f"alice/new-{number}-{turn}" for number, turn in everything)}
    assert len(bob.get("/api/images").json) == 2 * len(everything)


def check_people(people: People, everything: list[tuple[int, int]]) -> None:
    """Hold users and members against what the processes were told."""
    admin = people.admin.client
    made = {f"u-{number}-{turn}" for number, turn in everything}
    contested = {f"contested-{turn}" for turn in range(TURNS)}
    names = {url.rsplit("/", 1)[1] for url in admin.get("/api/users").json}
    assert names == made | contested | {"alice", "bob", "admin"}
    crew = admin.get("/api/groups/crew").json["users"]
    assert {url.rsplit("/", 1)[1] for url in crew} == made | {"alice"}
    for name in made:
        assert admin.get(f"/api/users/{name}").json["full_name"] == f"User {name[2:]}"

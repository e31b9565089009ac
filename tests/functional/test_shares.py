"""Shares: an image lent for reading to users and groups."""

from itertools import product

import pytest

from tests.factories import API, FILE

URL = "/api/images"


@pytest.fixture
def alice(people):
    """Alice's client; she has the image ``x`` with a file, and bob and the group lab are there."""
    people.alice.create("x")
    people.alice.upload("x")
    people.join("lab", people.alice, people.carol)
    assert people.bob.name == "bob"
    return people.alice.client


def refused(answer, code, field=None):
    assert answer.headers["X-Repoman-Error"] == answer.json["code"] == code
    assert answer.json.get("field") == field


@pytest.mark.parametrize(
    ("target", "folded", "reader"),
    [
        ("user/BOB", {"users": [f"{API}/users/bob"], "groups": []}, "bob"),
        ("group/Lab", {"users": [], "groups": [f"{API}/groups/lab"]}, "carol"),
    ],
)
def test_a_share_lends_for_reading_until_it_ends(people, alice, target, folded, reader):
    client, own = getattr(people, reader).client, f"{URL}/alice/x"
    uuid = alice.get(own).json["uuid"]
    for image, add in product(("x", "alice/x", "ALICE/x", uuid), (alice.post, alice.put)):
        url = f"{URL}/{image}/share/{target}"
        client.get(own, status=404)
        for _ in range(2):  # twice is as once
            shown = add(url, status=200).json
            assert shown["shared_with"] == folded
        assert shown == alice.get(own).json

        assert client.get(URL).json == [f"{API}/images/alice/x"]
        assert client.get(own).json["uuid"] == uuid
        assert client.get(f"{URL}/raw/alice/x").body == FILE
        client.put(f"{URL}/raw/alice/x", b"mine", status=403)

        for _ in range(2):
            ended = alice.delete(url, status=200).json
            assert ended == {"deleted": f"{API}/images/alice/x/share/{target.lower()}"}
        client.get(own, status=404)
        assert client.get(URL).json == []


def test_to_share_with_a_group_the_owner_must_be_in_it(people, alice):
    people.join("second", people.bob)
    refused(alice.post(f"{URL}/x/share/group/second", status=403), "not-group-member", "group")
    people.join("second", people.alice)
    alice.post(f"{URL}/x/share/group/second", status=200)
    # Leaving changes no image, and the share can still be ended.
    alice.delete("/api/groups/second/users/alice", status=200)
    people.bob.client.get(f"{URL}/alice/x", status=200)
    alice.delete(f"{URL}/x/share/group/second", status=200)
    people.bob.client.get(f"{URL}/alice/x", status=404)


def test_each_share_gives_and_takes_only_its_own(people, alice):
    people.join("lab", people.bob)
    alice.post(f"{URL}/x/share/user/bob")
    alice.post(f"{URL}/x/share/group/lab")
    alice.delete(f"{URL}/x/share/user/bob")
    people.bob.client.get(f"{URL}/alice/x", status=200)
    alice.delete(f"{URL}/x/share/group/lab")
    people.bob.client.get(f"{URL}/alice/x", status=404)


def test_with_whom_nobody_knows_is_404(alice, subtests):
    for kind in ["user", "group"]:
        for name in ["nobody", "%00", "%F0%9F%98%80", "a" * 300]:
            with subtests.test(kind=kind, name=name):
                for method in (alice.post, alice.put, alice.delete):
                    refused(method(f"{URL}/x/share/{kind}/{name}", status=404), f"{kind}-not-found")


def test_who_may_not_share_does_not_learn_who_exists(people, alice):
    alice.post(f"{URL}/x/share/user/bob")
    for name in ("carol", "nobody"):
        refused(
            people.bob.client.post(f"{URL}/alice/x/share/user/{name}", status=403),
            "permission-denied",
        )
        refused(
            people.zoe.client.post(f"{URL}/alice/x/share/user/{name}", status=404),
            "image-not-found",
        )


def test_a_share_url_takes_no_fields_and_no_get(alice):
    url = f"{URL}/x/share/user/bob"
    refused(alice.post(url, {"access": "write"}, status=400), "unknown-parameter", "access")
    assert alice.get(url, status=405).headers["Allow"] == "DELETE, OPTIONS, POST, PUT"
    assert alice.get(f"{URL}/x").json["shared_with"]["users"] == []
    alice.get(f"{URL}/x/share", status=404)
    alice.post(f"{URL}/x/share/team/lab", status=404)

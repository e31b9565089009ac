"""What is in which list, for whom. Typed by hand."""

import pytest

from repoman.identity import Permission
from tests.wsgi import assert_refused

# An image of alice's, and how others come to it. In `lab` are alice, bob and gina, its admin; in
# `club` alice, carl and dora. `mod` has image_modify, `del` image_delete.
IMAGES = {
    "private": {},
    "to-bob": {"user": "bob"},
    "to-club": {"club": True},
    "lab-none": {"group": "lab"},
    "lab-read": {"group": "lab", "group_access": "read"},
    "lab-write": {"group": "lab", "group_access": "write"},
    "lab-to-eve": {"group": "lab", "user": "eve"},
    "lab-to-club": {"group": "lab", "club": True},
}
EVERY = " ".join(IMAGES)
SHARED = "to-bob to-club lab-read lab-write lab-to-eve lab-to-club"
LAB = "lab-none lab-read lab-write lab-to-eve lab-to-club"

TABLE = {
    "/api/images": {
        "alice": EVERY,
        "bob": "to-bob lab-read lab-write",
        "gina": LAB,
        "carl": "to-club lab-to-club",
        "eve": "lab-to-eve",
        "mod": EVERY,
        "del": EVERY,
        "admin": EVERY,
        "zoe": "",
    },
    "/api/users/alice/images": {
        "alice": EVERY,
        "bob": "to-bob lab-read lab-write",
        "gina": LAB,
        "carl": "to-club lab-to-club",
        "eve": "lab-to-eve",
        "mod": EVERY,
        "del": EVERY,
        "admin": EVERY,
        "zoe": "",
    },
    "/api/users/alice/sharing": {
        "alice": SHARED,
        "bob": "",
        "gina": "lab-read lab-write lab-to-eve lab-to-club",
        "carl": "",
        "eve": "",
        "mod": SHARED,
        "del": "",
        "admin": SHARED,
        "zoe": "",
    },
    "/api/users/bob/shared": {
        "alice": "to-bob lab-read lab-write",
        "bob": "to-bob lab-read lab-write",
        "gina": "lab-read lab-write",
        "carl": "",
        "mod": "to-bob lab-read lab-write",
        "del": "",
        "admin": "to-bob lab-read lab-write",
        "zoe": "",
    },
    "/api/users/carl/shared": {
        "alice": "to-club lab-to-club",
        "bob": "",
        "gina": "lab-to-club",
        "carl": "to-club lab-to-club",
        "dora": "",
        "del": "",
        "admin": "to-club lab-to-club",
    },
    "/api/users/eve/shared": {
        "alice": "lab-to-eve",
        "bob": "",
        "gina": "lab-to-eve",
        "eve": "lab-to-eve",
        "del": "",
    },
    # Gina sees all of the lab's, but by being its admin; by access she reads these two.
    "/api/users/gina/shared": {"gina": "lab-read lab-write", "alice": "lab-read lab-write"},
    "/api/users/alice/shared": {"alice": "", "bob": "", "admin": ""},
    "/api/users/bob/sharing": {"bob": "", "alice": "", "admin": ""},
    "/api/groups/lab/images": {
        "alice": LAB,
        "bob": "lab-read lab-write",
        "gina": LAB,
        "carl": "lab-to-club",
        "eve": "lab-to-eve",
        "mod": LAB,
        "del": LAB,
        "zoe": "",
    },
    "/api/groups/club/images": {"alice": "", "carl": ""},
    "/api/groups/club/shared": {
        "alice": "to-club lab-to-club",
        "carl": "to-club lab-to-club",
        "dora": "to-club lab-to-club",
        "bob": "",
        "gina": "lab-to-club",
        "eve": "",
        "mod": "to-club lab-to-club",
        "del": "",
        "admin": "to-club lab-to-club",
        "zoe": "",
    },
    "/api/groups/lab/shared": {"alice": "", "gina": "", "admin": ""},
}


@pytest.fixture
def site(people):
    people.join("lab", people.alice, people.bob)
    people.join("lab", people.gina, admin=True)
    people.join("club", people.alice, people.carl, people.dora)
    people.join("modifiers", people.mod, permissions=[Permission.IMAGE_MODIFY])
    people.join("deleters", getattr(people, "del"), permissions=[Permission.IMAGE_DELETE])
    assert people.eve
    assert people.zoe
    assert people.admin
    client = people.alice.client
    for name, how in IMAGES.items():
        fields = {"group": None} | {key: how[key] for key in how if key.startswith("group")}
        url = people.alice.create(name, **fields)["url"]
        if "user" in how:
            client.post(f"{url}/share/user/{how['user']}", status=200)
        if "club" in how:
            client.post(f"{url}/share/group/club", status=200)
    return people


def names(person, url):
    return {one.rsplit("/", 1)[1] for one in person.client.get(url, status=200).json}


@pytest.mark.parametrize("url", TABLE)
def test_a_list_holds_what_the_caller_may_see(site, url):
    for who, expected in TABLE[url].items():
        found = names(getattr(site, who), url)
        assert found == set(expected.split()), who


@pytest.mark.parametrize("url", [url for url in TABLE if url != "/api/images"])
def test_expired_images_are_listed_for_those_who_may_set_expires(site, url):
    for name in IMAGES:
        site.alice.client.patch(f"/api/images/{name}", {"expires": "2020-01-01T00:00:00Z"})
    for who, expected in TABLE[url].items():
        found = names(getattr(site, who), url)
        if who in {"alice", "mod", "admin"}:
            assert found == set(expected.split()), who
        elif who == "gina":
            assert found == {name for name in expected.split() if name.startswith("lab")}
        else:
            assert found == set(), who


def test_a_right_that_ends_ends_in_the_lists(site):
    site.alice.client.delete("/api/images/to-bob/share/user/bob")
    site.bob.client.delete("/api/groups/lab/users/bob")
    for url in ("/api/images", "/api/users/bob/shared", "/api/groups/lab/images"):
        assert names(site.bob, url) == set()
    assert names(site.alice, "/api/users/bob/shared") == set()
    assert "to-bob" not in names(site.alice, "/api/users/alice/sharing")


def test_what_one_shares_with_oneself_alone_is_not_shared(site):
    site.alice.client.post("/api/images/private/share/user/alice", status=200)
    assert "private" not in names(site.alice, "/api/users/alice/sharing")
    assert names(site.alice, "/api/users/alice/shared") == set()


def test_an_image_that_came_in_several_ways_is_listed_once(site):
    client = site.alice.client
    for target in ("user/bob", "group/lab"):
        client.post(f"/api/images/lab-read/share/{target}", status=200)
    for url in ("/api/images", "/api/users/bob/shared"):
        found = site.bob.client.get(url).json
        assert len([one for one in found if one.endswith("/lab-read")]) == 1


def test_who_sees_more_than_are_fetched_beforehand_sees_the_same(site, monkeypatch):
    monkeypatch.setattr("repoman.services.image_lists.FEW", 1)
    for url, expected in TABLE.items():
        for who, listed in expected.items():
            assert names(getattr(site, who), url) == set(listed.split()), (url, who)


@pytest.mark.parametrize("part", ["images", "groups", "permissions", "shared", "sharing"])
def test_the_lists_of_a_user_who_is_not_there_are_404(people, part):
    for name in ("nobody", "a%00", "%E2%84%AAelvin"):
        answer = people.alice.client.get(f"/api/users/{name}/{part}", status=404)
        assert_refused(answer, 404, "user-not-found")
    people.alice.client.get(f"/api/users/ALICE/{part}/", status=200)
    assert people.anonymous.get(f"/api/users/alice/{part}", status=401)
    answer = people.alice.client.post(f"/api/users/alice/{part}", status=405)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("part", ["images", "shared"])
def test_the_lists_of_a_group_that_is_not_there_are_404(people, part):
    answer = people.alice.client.get(f"/api/groups/nothing/{part}", status=404)
    assert_refused(answer, 404, "group-not-found")
    people.alice.client.get(f"/api/groups/USERS/{part}", status=200)
    people.anonymous.get(f"/api/groups/users/{part}", status=401)

"""Use and quota: what counts, who sees it, and who sets it."""

import pytest
from sqlalchemy import select, update

from repoman.identity import Permission
from repoman.models import Group, Image, ImageFile, Upload, User, now
from tests.factories import API
from tests.wsgi import Source, assert_refused, send

FILE = b"x" * 1000


def usage(client, whose="users/alice", **options):
    return client.get(f"/api/{whose}/usage", **options).json


def used(client, whose="users/alice"):
    return usage(client, whose)["usage"]


def set_quota(people, whose, quota, **options):
    return people.admin.client.patch_json(f"/api/{whose}", {"quota": quota}, **options).json


def test_use_is_shown_with_the_quota_and_what_is_left(people):
    alice = people.alice.client
    people.alice.create()
    people.alice.upload(data=FILE)
    empty = {"user": f"{API}/users/alice", "quota": None, "free": None, "uploads": 0}
    assert usage(alice) == empty | {"usage": 1000, "files": 1000}
    set_quota(people, "users/alice", 1500)
    assert usage(alice) == empty | {"usage": 1000, "files": 1000, "quota": 1500, "free": 500}
    set_quota(people, "users/alice", 0)
    assert (usage(alice)["quota"], usage(alice)["free"]) == (0, 0)
    assert usage(people.admin.client, "groups/users") == {
        "group": f"{API}/groups/users",
        "quota": None,
        "usage": 1000,
        "free": None,
        "files": 1000,
    }


def test_the_settings_are_the_quota_of_who_has_none(ini, request):
    ini |= {"repoman.user_quota": "2K", "repoman.group_quota": "1M"}
    people = request.getfixturevalue("people")
    alice = people.alice.client
    assert usage(alice)["quota"] == 2048
    assert usage(people.admin.client, "groups/users")["quota"] == 1 << 20
    assert alice.get("/api/users/alice").json["quota"] is None
    set_quota(people, "users/alice", 7)
    assert usage(alice)["quota"] == 7


def test_a_file_counts_once_for_each_owner_and_each_group(people):
    people.join("lab", people.alice, people.bob)
    alice, bob = people.alice, people.bob
    alice.create(hypervisor="kvm,xen")
    alice.upload(data=FILE)
    alice.client.put("/api/images/raw/xen/debian12", b"y" * 10)
    alice.create("copy", copy_of="debian12", group="lab")
    assert used(alice.client) == 1010
    assert used(bob.client, "users/bob") == 0
    alice.client.post("/api/images/debian12/share/user/bob")
    bob.create("his", copy_of="alice/debian12", group="lab")
    assert used(bob.client, "users/bob") == 1010
    # Of the same two files.
    assert used(people.admin.client, "groups/lab") == 1010
    alice.client.delete("/api/images/debian12?purge=true")
    assert used(alice.client) == 1010
    alice.client.delete("/api/images/copy")
    # In the trash it counts.
    assert used(alice.client) == 1010
    (uuid,) = (one["uuid"] for one in alice.client.get("/api/images?state=deleted&expand=1").json)
    alice.client.delete(f"/api/images/{uuid}?purge=true")
    assert used(alice.client) == 0
    assert used(people.admin.client, "groups/lab") == 1010


def test_kept_versions_and_the_trash_count(people, sessions):
    alice = people.alice
    for name in ("one", "two", "three"):
        alice.create(name)
        alice.upload(name, data=name.encode() * 100)
    with sessions.changing.begin() as session:
        keys = dict(session.execute(select(Image.name, Image.id)).all())
        for key, column in (("one", {"current": False}), ("two", {"trashed": now()})):
            rows = update(ImageFile).where(ImageFile.image_id == keys[key])
            session.execute(rows.values({"current": False} | column))
        session.execute(update(Image).where(Image.id == keys["three"]).values(deleted=now()))
    assert used(alice.client) == used(people.admin.client, "groups/users") == 300 + 300 + 500


def test_an_upload_counts_for_its_sender_and_a_broken_one_for_what_has_arrived(people, sessions):
    people.join("crew", people.alice, people.bob)
    people.alice.create(group="crew", group_access="write")
    bob, seen = people.bob.client, []
    whose = (
        (people.alice.client, "users/alice"),
        (bob, "users/bob"),
        (people.admin.client, "groups/crew"),
    )

    def look():
        seen.append([used(client, who) for client, who in whose])
        assert usage(bob, "users/bob")["uploads"] == 1000

    path = "/api/images/raw/alice/debian12"
    send(bob, path, Source(FILE, look), length=1000, status=201)
    assert seen == [[0, 1000, 0]]
    assert [used(client, who) for client, who in whose] == [1000, 0, 1000]
    send(bob, path, Source(FILE[:9], ending=OSError("gone")), length=1000, status=400)
    assert [used(client, who) for client, who in whose] == [1000, 9, 1000]
    with sessions.reading() as session:
        assert session.scalars(select(Upload.reserved)).all() == [9]


def test_who_may_see_use_and_quota(people):
    people.join("lab", people.alice)
    people.join("lab", people.adam, admin=True)
    people.join("clerks", people.carl, permissions=[Permission.USER_MODIFY])
    people.join("others", people.otto, permissions=[Permission.GROUP_MODIFY])
    sees = {
        "users/alice": (("alice", "carl", "admin"), ("adam", "otto"), "user_modify"),
        "groups/lab": (("adam", "otto", "admin"), ("alice", "carl"), "group_modify"),
    }
    for whose, (allowed, refused, permission) in sees.items():
        for name in allowed:
            client = getattr(people, name).client
            assert used(client, whose) == 0
            assert client.get(f"/api/{whose}").json["quota"] is None
        for name in refused:
            client = getattr(people, name).client
            answer = client.get(f"/api/{whose}/usage", status=403)
            assert_refused(answer, 403, "permission-denied")
            assert answer.headers["X-Repoman-Permission"] == permission
            assert "quota" not in client.get(f"/api/{whose}").json
        people.anonymous.get(f"/api/{whose}/usage", status=401)
    answer = people.alice.client.get("/api/users/nobody/usage", status=404)
    assert_refused(answer, 404, "user-not-found")


def test_only_an_admin_sets_quotas(people, sessions):
    every = [one for one in Permission if one.startswith(("user_", "group_"))]
    people.join("clerks", people.carl, permissions=every)
    people.join("lab", people.adam, admin=True)
    carl, alice, adam = people.carl.client, people.alice.client, people.adam.client
    new = {"user_name": "dora", "cert_dn": "/CN=Dora", "quota": 5}
    for ask in (
        lambda: alice.patch_json("/api/users/alice", {"quota": 5}, status=403),
        lambda: carl.patch_json("/api/users/alice", {"quota": 5}, status=403),
        lambda: carl.patch_json("/api/groups/lab", {"quota": 5}, status=403),
        lambda: adam.patch_json("/api/groups/lab", {"quota": 5}, status=403),
        lambda: carl.post_json("/api/users", new, status=403),
        lambda: carl.post_json("/api/groups", {"name": "new", "quota": 0}, status=403),
    ):
        assert_refused(ask(), 403, "permission-denied")
    answer = carl.patch_json("/api/users/alice", {"quota": 5}, status=403)
    assert answer.headers["X-Repoman-Permission"] == "admins"
    with sessions.reading() as session:
        assert set(session.scalars(select(User.quota))) == {None}
        assert set(session.scalars(select(Group.quota))) == {None}
    # What does not change is no change: a fetched object can be sent back.
    mine = alice.get("/api/users/alice").json
    assert alice.patch_json("/api/users/alice", mine | {"full_name": "A"}).json["full_name"] == "A"
    admin = people.admin.client
    assert admin.post_json("/api/users", new, status=201).json["quota"] == 5
    made = admin.post_json("/api/groups", {"name": "new", "quota": 0}, status=201).json
    assert made["quota"] == 0


@pytest.mark.parametrize("whose", ["users/alice", "groups/users"])
def test_a_quota_is_a_number_or_a_size_and_nothing_clears_it(people, whose):
    assert people.alice.name
    admin, url = people.admin.client, f"/api/{whose}"
    for written, quota in (("7", 7), ("5k", 5120), ("2T", 2 << 40), ("0", 0), ("", None)):
        assert admin.post(url, {"quota": written}).json["quota"] == quota
    for sent in ((1 << 63) - 1, 3, None):
        assert admin.post_json(url, {"quota": sent}).json["quota"] == sent
    for bad in (-1, 1.5, True, 1 << 63, "9T9", "1P", "-3", "1.5G", "٣", [1], "9" * 19 + "T"):
        answer = admin.post_json(url, {"quota": bad}, status=400)
        assert_refused(answer, 400, "invalid-parameter")
        assert answer.json["field"] == "quota"
    assert admin.get(url).json["quota"] is None

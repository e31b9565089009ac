"""Groups and their members, as far as step by step: only admins change them, anyone may leave."""

import re

import pytest

from repoman.identity import Permission
from tests.factories import API

URL = "/api/groups"


def refused(answer, code, field=None):
    assert answer.headers["X-Repoman-Error"] == answer.json["code"] == code
    assert answer.json.get("field") == field


def user_urls(*names):
    return [f"{API}/users/{name}" for name in names]


def test_a_new_server_has_the_groups_admins_and_users(people, admin):
    assert admin.get(URL).json == [f"{API}/groups/admins", f"{API}/groups/users"]
    admins, everybody = (admin.get(f"{URL}/{name}").json for name in ("admins", "users"))
    assert admins["protected"] is everybody["protected"] is True
    assert admins["users"] == everybody["users"] == user_urls("admin")
    assert everybody["permissions"] == ["user_modify_self", "image_create"]
    assert admins["permissions"] == [
        "user_create",
        "user_modify",
        "user_delete",
        "user_modify_self",
        "group_create",
        "group_modify",
        "group_delete",
        "group_modify_membership",
        "group_modify_permissions",
        "image_create",
        "image_modify",
        "image_delete",
        "image_modify_group",
        "image_delete_group",
    ]


def test_a_new_group_is_answered_whole_with_its_location(people, admin):
    fields = {
        "name": "Lab",
        "description": "Two\nlines",
        "users": [people.bob.name, people.alice.name.upper()],
        "permissions": ["image_modify", "user_create"],
    }
    answer = admin.post_json(URL, fields, status=201)
    assert answer.headers["Location"] == f"{API}/groups/lab"
    made = answer.json
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made.pop("created"))
    assert made == {
        "name": "lab",
        "description": "Two\nlines",
        "permissions": ["user_create", "image_modify"],
        "users": user_urls("alice", "bob"),
        "admins": [],
        "protected": False,
        "url": f"{API}/groups/lab",
    }
    assert people.zoe.client.get(f"{URL}/LAB").json.items() >= made.items()
    assert people.bob.client.get("/api/whoami").json["permissions"] == [
        "user_create",
        "user_modify_self",
        "image_create",
        "image_modify",
    ]


def test_lists_can_be_written_with_commas_in_a_form(people, admin):
    fields = {
        "name": "lab",
        "users": f"{people.bob.name}, {people.alice.name}",
        "permissions": "image_modify",
    }
    made = admin.post(URL, fields, status=201).json
    assert made["users"] == user_urls("alice", "bob")
    assert made["permissions"] == ["image_modify"]


def test_groups_are_listed_by_name(people, admin):
    for name in ("z", "0", "m"):
        admin.post_json(URL, {"name": name}, status=201)
    listed = people.bob.client.get(URL).json
    assert listed == [f"{API}/groups/{name}" for name in ("0", "admins", "m", "users", "z")]


def test_a_group_name_that_no_url_could_hold_is_refused(admin, subtests):
    for name in ["", "-a", "_a", "a b", "a/b", "ä", "😀", "a" * 101, "..", "a\0"]:
        with subtests.test(name=name):
            answer = admin.post_json(URL, {"name": name}, status=400)
            refused(answer, "invalid-parameter" if name else "missing-parameter", "name")


def test_what_a_group_cannot_be_made_of(admin, subtests):
    for fields, code, field in [
        ({"name": "users"}, "group-exists", None),
        ({"name": "USERS"}, "group-exists", None),
        ({"users": "nobody"}, "invalid-parameter", "users"),
        ({"users": "admin,,admin"}, "invalid-parameter", "users"),
        ({"users": "admin,admin"}, "invalid-parameter", "users"),
        ({"users": [["admin"]]}, "invalid-parameter", "users"),
        ({"permissions": "sudo"}, "invalid-parameter", "permissions"),
        ({"permissions": ["image_modify", 1]}, "invalid-parameter", "permissions"),
        ({"description": "a" * 4097}, "invalid-parameter", "description"),
        ({"admins": "admin"}, "unknown-parameter", "admins"),
        ({"protected": "true"}, "unknown-parameter", "protected"),
    ]:
        with subtests.test(fields=fields, code=code, field=field):
            status = 409 if code == "group-exists" else 400
            refused(admin.post_json(URL, {"name": "lab", **fields}, status=status), code, field)
            assert len(admin.get(URL).json) == 2


def test_an_unknown_group_is_404(admin, subtests):
    for path in ["nosuch", "%00", "%F0%9F%98%80", "a" * 300, "a%20b"]:
        for rest in ["", "/users"]:
            with subtests.test(path=path, rest=rest):
                refused(admin.get(f"{URL}/{path}{rest}", status=404), "group-not-found")


def test_only_admins_make_groups_and_change_members(people):
    held = [Permission.USER_CREATE, Permission.USER_MODIFY, Permission.IMAGE_MODIFY]
    people.join("lab", people.bob, permissions=held)
    people.join("lab", people.adam, admin=True)
    alice = people.alice.name
    for client in (people.bob.client, people.carol.client):
        attempts = [
            client.post_json(URL, {"name": "x"}, status=403),
            client.put(f"{URL}/lab/users/{alice}", status=403),
            client.post(f"{URL}/lab/users/{alice}", status=403),
            client.post_json(f"{URL}/lab/users", {"name": alice}, status=403),
            # The right is settled before the body is looked at.
            client.post_json(f"{URL}/lab/users", {"name": "nobody"}, status=403),
            client.post_json(f"{URL}/admins/users", {"name": "bob"}, status=403),
            client.put(f"{URL}/admins/users/bob", status=403),
            client.delete(f"{URL}/lab/users/adam", status=403),
        ]
        for answer in attempts:
            refused(answer, "permission-denied")
            assert answer.headers["X-Repoman-Permission"] == "admins"
    assert people.bob.client.get(f"{URL}/lab/users").json == user_urls("adam", "bob")


@pytest.mark.parametrize("method", ["put", "post"])
def test_members_are_added_and_removed_and_twice_is_as_once(people, admin, method):
    people.join("lab", people.bob)
    url = f"{URL}/lab/users/{people.alice.name}"
    for _ in range(2):
        answer = getattr(admin, method)(url, status=200)
        assert answer.json["users"] == user_urls("alice", "bob")
        assert answer.json == admin.get(f"{URL}/lab").json
    assert f"{API}/groups/lab" in people.alice.client.get("/api/whoami").json["groups"]
    for _ in range(2):
        answer = admin.delete(url, status=200)
        assert answer.json == {"deleted": f"{API}/groups/lab/users/alice"}
    assert admin.get(f"{URL}/lab/users").json == user_urls("bob")


def test_a_member_can_be_named_in_the_body(people, admin):
    people.join("lab", people.bob)
    url = f"{URL}/lab/users"
    assert admin.post(url, {"name": people.alice.name}, status=200).json["users"] == user_urls(
        "alice", "bob"
    )
    refused(admin.post(url, {"name": "nobody"}, status=400), "invalid-parameter", "name")
    refused(admin.post(url, {}, status=400), "missing-parameter", "name")
    refused(admin.put(f"{url}/nobody", status=404), "user-not-found")
    refused(admin.delete(f"{url}/nobody", status=404), "user-not-found")
    refused(admin.put(f"{URL}/nosuch/users/bob", status=404), "group-not-found")


def test_adding_a_member_twice_keeps_an_admin_of_the_group(people, admin):
    people.join("lab", people.bob, admin=True)
    shown = admin.put(f"{URL}/lab/users/bob", status=200).json
    assert shown["admins"] == shown["users"] == user_urls("bob")


def test_anyone_may_leave_a_group_and_it_changes_no_image(people):
    people.join("lab", people.bob, people.alice)
    people.bob.create("x", group="lab", group_access="write")
    before = people.bob.client.get("/api/images/x").json
    people.bob.client.delete(f"{URL}/lab/users/bob", status=200)
    assert people.alice.client.get(f"{URL}/lab/users").json == user_urls("alice")
    assert people.bob.client.get("/api/images/x").json == before
    people.alice.client.get("/api/images/bob/x", status=200)
    people.bob.client.put(f"{URL}/lab/users/bob", status=403)


def test_what_a_group_confers_begins_and_ends_with_membership(people, admin):
    people.join("makers", people.carl, permissions=[Permission.USER_CREATE])
    fields = {"user_name": "x", "cert_dn": "/CN=X"}
    people.bob.client.post_json("/api/users", fields, status=403)
    admin.put(f"{URL}/makers/users/bob", status=200)
    people.bob.client.post_json("/api/users", fields, status=201)
    admin.delete(f"{URL}/makers/users/bob", status=200)
    people.bob.client.post_json("/api/users", {"user_name": "y", "cert_dn": "/CN=Y"}, status=403)

"""Groups, their members, admins and permissions; who may change them is in test_group_rights."""

import re

import pytest

import repoman
from repoman.identity import Permission
from repoman.services import groups
from tests.factories import API, FILE, People
from tests.wsgi import Source, send

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
        "users": user_urls("admin", "alice", "bob"),
        "admins": user_urls("admin"),
        "protected": False,
        "url": f"{API}/groups/lab",
        "quota": None,
    }
    del made["quota"]  # to members alone
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
    assert made["users"] == user_urls("admin", "alice", "bob")
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
        for rest in ["", "/users", "/admins", "/permissions"]:
            with subtests.test(path=path, rest=rest):
                refused(admin.get(f"{URL}/{path}{rest}", status=404), "group-not-found")


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
    refused(admin.put(f"{URL}/nosuch/users/nobody", status=404), "group-not-found")


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


# --- changing


def of(shown, *fields):
    return {field: shown[field] for field in fields}


@pytest.mark.parametrize("method", ["post_json", "patch_json"])
def test_a_group_is_changed_and_its_lists_are_replaced(people, admin, method):
    people.join("lab", people.alice, people.bob, permissions=[Permission.IMAGE_MODIFY])
    people.join("lab", people.gus, people.gil, admin=True)
    fields = {
        "name": "Biology",
        "description": "Two\nlines",
        "users": ["gus", people.zoe.name, "BOB"],
        "permissions": "user_create,image_create",
    }
    shown = getattr(admin, method)(f"{URL}/lab", fields, status=200).json
    assert shown == admin.get(f"{URL}/biology").json
    assert shown["url"] == f"{API}/groups/biology"
    assert of(shown, "name", "description", "users", "admins", "permissions") == {
        "name": "biology",
        "description": "Two\nlines",
        "users": user_urls("bob", "gus", "zoe"),
        "admins": user_urls("gus"),  # who stays keeps the role
        "permissions": ["user_create", "image_create"],
    }
    refused(admin.get(f"{URL}/lab", status=404), "group-not-found")
    cleared = {"description": "", "users": None, "permissions": ""}
    shown = getattr(admin, method)(f"{URL}/biology", cleared, status=200).json
    assert of(shown, "description", "users", "admins", "permissions") == {
        "description": None,
        "users": [],
        "admins": [],
        "permissions": [],
    }
    # Who comes again begins as a member.
    admin.put(f"{URL}/biology/users/gus", status=200)
    assert admin.get(f"{URL}/biology").json["admins"] == []


def test_only_the_fields_that_are_sent_are_changed(people, admin):
    people.join("lab", people.bob, permissions=[Permission.IMAGE_MODIFY], description="The lab")
    before = admin.get(f"{URL}/lab").json
    assert admin.patch_json(f"{URL}/lab", {}, status=200).json == before
    for field, value in (("description", "x"), ("users", []), ("permissions", [])):
        after = admin.patch_json(f"{URL}/lab", {field: value}, status=200).json
        assert after == before | {field: value}
        before = after


def test_what_a_group_cannot_be_changed_to(people, admin, subtests):
    people.join("lab", people.bob)
    before = admin.get(f"{URL}/lab").json
    for fields, code, field in [
        ({"name": "users"}, "group-exists", None),
        ({"name": ""}, "missing-parameter", "name"),
        ({"name": "a b"}, "invalid-parameter", "name"),
        ({"users": "nobody"}, "invalid-parameter", "users"),
        ({"users": "bob,bob"}, "invalid-parameter", "users"),
        ({"permissions": "sudo"}, "invalid-parameter", "permissions"),
        ({"permissions": [1]}, "invalid-parameter", "permissions"),
        ({"description": "a" * 4097}, "invalid-parameter", "description"),
        ({"description": "x", "admins": "bob"}, "unknown-parameter", "admins"),
        ({"protected": "true"}, "unknown-parameter", "protected"),
    ]:
        with subtests.test(fields=fields):
            status = 409 if code == "group-exists" else 400
            refused(admin.patch_json(f"{URL}/lab", fields, status=status), code, field)
            assert admin.get(f"{URL}/lab").json == before


def test_a_user_named_twice_in_other_case_is_one(people, admin):
    people.join("lab", people.bob)
    fields = {"users": ["alice", "ALICE"]}
    assert people.alice
    assert admin.patch_json(f"{URL}/lab", fields, status=200).json["users"] == user_urls("alice")
    made = admin.post_json(URL, {"name": "x", **fields}, status=201).json
    assert made["users"] == user_urls("admin", "alice")


def test_a_fetched_group_can_be_edited_and_sent_back_whole_or_in_part(people, admin):
    people.join("lab", people.bob)
    fetched = admin.get(f"{URL}/lab").json
    sent = admin.patch_json(f"{URL}/lab", fetched | {"description": "new"}, status=200).json
    assert sent == fetched | {"description": "new"}
    part = {"users": fetched["users"], "description": "newer"}
    assert admin.patch_json(f"{URL}/lab", part, status=200).json["users"] == user_urls("bob")
    edited = fetched | {"admins": fetched["users"]}
    refused(
        admin.patch_json(f"{URL}/lab", edited, status=400),
        "unknown-parameter",
        "admins",
    )


def test_the_right_comes_first_then_the_condition_then_the_fields_then_what_conflicts(people):
    people.join("lab", people.gus, admin=True)
    people.join("clerks", people.carl, permissions=[Permission.GROUP_MODIFY])
    wrong = {"If-Match": '"x"'}
    url, carl = f"{URL}/lab", people.carl.client
    bad = {"name": "users", "nonsense": "1"}
    refused(people.bob.client.patch(url, bad, headers=wrong, status=403), "permission-denied")
    assert carl.patch(url, bad, headers=wrong, status=412).json["code"] == "precondition-failed"
    refused(carl.patch(url, bad, status=400), "unknown-parameter", "nonsense")
    mixed = {"name": "users", "users": "nobody"}
    refused(carl.patch(url, mixed, status=403), "permission-denied")
    refused(carl.patch(url, {"name": "users"}, status=409), "group-exists")
    # What is asked of a field comes after its shape, and before what conflicts.
    strong = {"name": "users", "permissions": "image_delete"}
    people.join("granters", people.carl, permissions=[Permission.GROUP_MODIFY_PERMISSIONS])
    answer = carl.patch(url, strong, status=403)
    assert answer.headers["X-Repoman-Permission"] == "image_delete"
    refused(
        carl.patch(url, strong | {"permissions": "sudo"}, status=400),
        "invalid-parameter",
        "permissions",
    )


# --- admins


@pytest.mark.parametrize("method", ["put", "post"])
def test_admins_are_made_and_unmade_and_twice_is_as_once(people, admin, method):
    people.join("lab", people.bob)
    url = f"{URL}/lab/admins"
    for name in ("bob", people.alice.name):
        for _ in range(2):
            shown = getattr(admin, method)(f"{url}/{name.upper()}", status=200).json
            assert shown == admin.get(f"{URL}/lab").json
    assert shown["users"] == shown["admins"] == user_urls("alice", "bob")
    assert admin.get(url).json == user_urls("alice", "bob")
    for _ in range(2):
        answer = admin.delete(f"{url}/bob", status=200)
        assert answer.json == {"deleted": f"{API}/groups/lab/admins/bob"}
    shown = admin.get(f"{URL}/lab").json
    assert (shown["users"], shown["admins"]) == (user_urls("alice", "bob"), user_urls("alice"))
    # Somebody who is not in the group is none of its admins, and does not come in.
    admin.delete(f"{url}/{people.zoe.name}", status=200)
    admin.delete(f"{URL}/lab/users/alice", status=200)
    shown = admin.get(f"{URL}/lab").json
    assert (shown["users"], shown["admins"]) == (user_urls("bob"), [])


def test_an_admin_can_be_named_in_the_body(people, admin):
    people.join("lab", people.bob)
    url = f"{URL}/lab/admins"
    for _ in range(2):
        assert admin.post(url, {"name": "Bob"}, status=200).json["admins"] == user_urls("bob")
    refused(admin.post(url, {"name": "nobody"}, status=400), "invalid-parameter", "name")
    refused(admin.post(url, {}, status=400), "missing-parameter", "name")
    refused(admin.put(f"{url}/nobody", status=404), "user-not-found")
    refused(admin.delete(f"{url}/nobody", status=404), "user-not-found")
    refused(admin.put(f"{URL}/nosuch/admins/bob", status=404), "group-not-found")


def test_a_groups_admin_may_step_down_and_leave(people):
    people.join("lab", people.gus, admin=True)
    client = people.gus.client
    client.delete(f"{URL}/lab/admins/gus", status=200)
    client.put(f"{URL}/lab/admins/gus", status=403)
    client.delete(f"{URL}/lab/users/gus", status=200)
    assert client.get(f"{URL}/lab").json["users"] == []


# --- permissions


@pytest.mark.parametrize("method", ["put", "post"])
def test_permissions_are_added_and_taken_and_twice_is_as_once(people, admin, method):
    people.join("lab", people.bob)
    url = f"{URL}/lab/permissions"
    for name in ("image_modify", "user_create"):
        for _ in range(2):
            shown = getattr(admin, method)(f"{url}/{name}", status=200).json
            assert shown == admin.get(f"{URL}/lab").json
    assert shown["permissions"] == admin.get(url).json == ["user_create", "image_modify"]
    assert "user_create" in people.bob.client.get("/api/whoami").json["permissions"]
    for _ in range(2):
        answer = admin.delete(f"{url}/user_create", status=200)
        assert answer.json == {"deleted": f"{API}/groups/lab/permissions/user_create"}
    assert admin.get(url).json == ["image_modify"]
    for _ in range(2):
        shown = admin.post(url, {"name": "group_create"}, status=200).json
        assert shown["permissions"] == ["group_create", "image_modify"]


@pytest.mark.parametrize("name", ["sudo", "User_Create", "user-create", "%00", "admins", "a" * 300])
def test_an_unknown_permission_is_404_in_a_url_and_400_in_a_field(people, admin, name):
    people.join("lab", people.bob)
    url = f"{URL}/lab/permissions"
    for method in (admin.put, admin.post, admin.delete, people.bob.client.put):
        refused(method(f"{url}/{name}", status=404), "permission-not-found")
    refused(admin.post(url, {"name": name}, status=400), "invalid-parameter", "name")
    refused(admin.post(url, {}, status=400), "missing-parameter", "name")
    assert admin.get(url).json == []


def test_a_condition_on_an_admin_or_permission_means_the_group(people, admin, subtests):
    people.join("lab", people.bob)
    for method in ("put", "post", "delete"):
        for path in ("users/bob", "admins/bob", "permissions/user_create"):
            with subtests.test(method=method, path=path):
                send, tag = getattr(admin, method), admin.get(f"{URL}/lab").headers["ETag"]
                send(f"{URL}/lab/{path}", headers={"If-Match": '"x"'}, status=412)
                send(f"{URL}/lab/{path}", headers={"If-Match": tag}, status=200)


# --- deleting


def test_a_deleted_group_is_gone_and_its_images_are_nobodys_but_their_owners(people, admin):
    people.join("lab", people.bob, people.gus, permissions=[Permission.USER_CREATE])
    people.bob.create("mine", group="lab", group_access="write")
    people.bob.create("lent", group=None, group_access="none")
    people.bob.create("other", group="users", group_access="read")
    people.bob.client.post("/api/images/lent/share/group/lab")
    other = people.bob.client.get("/api/images/other").json
    assert admin.delete(f"{URL}/LAB", status=200).json == {"deleted": f"{API}/groups/lab"}
    refused(admin.get(f"{URL}/lab", status=404), "group-not-found")
    refused(admin.delete(f"{URL}/lab", status=404), "group-not-found")
    shown = people.bob.client.get("/api/images/mine").json
    assert (shown["group"], shown["group_access"]) == (None, "none")
    shown = people.bob.client.get("/api/images/lent").json
    assert shown["shared_with"] == {"users": [], "groups": []}
    assert people.bob.client.get("/api/images/other").json == other
    me = people.gus.client.get("/api/whoami").json
    assert me["groups"] == [f"{API}/groups/users"]
    assert "user_create" not in me["permissions"]
    for image in ("mine", "lent"):
        people.gus.client.get(f"/api/images/bob/{image}", status=404)
    # Another of that name begins with nothing.
    made = admin.post(URL, {"name": "lab"}, status=201).json
    assert of(made, "users", "permissions") == {"users": user_urls("admin"), "permissions": []}


def test_an_upload_under_way_by_a_member_of_a_group_that_is_deleted_changes_nothing(people, admin):
    people.join("lab", people.alice, people.bob)
    people.alice.create(group="lab", group_access="write")

    def act():
        admin.delete(f"{URL}/lab", status=200)

    path = "/api/images/raw/alice/debian12"
    answer = send(people.bob.client, path, Source(FILE, act), length=len(FILE), status=404)
    refused(answer, "image-not-found")
    assert people.alice.client.get("/api/images/debian12").json["state"] == "empty"


@pytest.mark.parametrize("default", ["users", "lab"])
def test_what_the_server_needs_can_be_neither_deleted_nor_renamed(
    ini, sessions, authority, default
):
    with sessions.changing.begin() as session:
        groups.create(session, "lab")
    application = repoman.main({}, **(ini | {"repoman.default_group": default}))
    admin = People(application, sessions, authority).admin.client
    for name in ("admins", "users", default):
        shown = admin.get(f"{URL}/{name}").json
        assert shown["protected"] is True
        for answer in (
            admin.delete(f"{URL}/{name}", status=403),
            admin.patch(f"{URL}/{name}", {"name": "x"}, status=403),
            # Before other groups' names, so that nobody tries another one.
            admin.patch(f"{URL}/{name}", {"name": "lab2", "users": "nobody"}, status=403),
        ):
            refused(answer, "group-protected")
            assert "X-Repoman-Permission" not in answer.headers
        assert admin.get(f"{URL}/{name}").json == shown
        admin.patch_json(f"{URL}/{name}", {"name": name.upper(), "description": "x"}, status=200)
    if default == "users":
        assert admin.get(f"{URL}/lab").json["protected"] is False
        admin.patch(f"{URL}/lab", {"name": "x"}, status=200)
        admin.delete(f"{URL}/x", status=200)
    repoman.main({}, **(ini | {"repoman.default_group": default})).sessions.engine.dispose()
    application.sessions.engine.dispose()


def test_a_list_of_users_that_is_cut_off_is_not_replaced(ini, people, sessions, authority):
    """Whoever edits what they saw of it would put out those they did not see."""
    ini["repoman.list_max"] = "2"
    application = repoman.main({}, **ini)
    few = People(application, sessions, authority)
    few.join("lab", few.alice, few.bob, few.carol)
    url = "/api/groups/lab"
    shown = few.admin.client.get(url).json
    assert len(shown["users"]) == 2
    answer = few.admin.client.patch(url, {"users": "alice"}, status=400)
    assert (answer.json["code"], answer.json["field"]) == ("invalid-parameter", "users")
    assert few.admin.client.patch_json(url, shown | {"description": "new"}).json["description"]
    few.admin.client.delete(f"{url}/users/carol", status=200)
    few.admin.client.patch(url, {"users": "alice"}, status=200)
    application.sessions.engine.dispose()


def test_a_member_of_admins_has_all_permissions_whatever_the_group_confers(people):
    admin = people.admin.client
    admin.delete("/api/groups/admins/permissions/user_modify", status=200)
    assert "user_modify" not in admin.get("/api/groups/admins").json["permissions"]
    for shown in (admin.get("/api/whoami").json, admin.get("/api/users/admin").json):
        assert shown["permissions"] == [str(permission) for permission in Permission]
    assert len(admin.get("/api/users/admin/permissions").json) == 14
    admin.patch("/api/users/bob" if people.bob else "", {"full_name": "Bob"}, status=200)

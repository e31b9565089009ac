"""Deleting a user who owns images: not at all, with the images, or after giving them away."""

import pytest

from repoman.identity import Permission
from tests.factories import API, FILE
from tests.rights import all_rows
from tests.wsgi import Source, send

URL = "/api/users"


def refused(answer, code, field=None):
    assert answer.headers["X-Repoman-Error"] == answer.json["code"] == code
    assert answer.json.get("field") == field


@pytest.fixture
def bob(people):
    """Bob, who owns two images with files."""
    people.join("lab", people.bob, people.carol)
    people.bob.create("one", group="lab", group_access="write")
    people.bob.create("two")
    for name in ("one", "two"):
        people.bob.upload(name)
    people.bob.client.post(f"/api/images/two/share/user/{people.dave.name}")
    return people.bob


def test_without_a_word_on_the_images_nothing_is_deleted(people, admin, bob, sessions):
    before = all_rows(sessions)
    for query in ("", "?images="):
        answer = admin.delete(f"{URL}/bob{query}", status=409)
        refused(answer, "user-owns-images")
        assert answer.json["usage"] == 2
        assert "images=delete" in answer.json["detail"]
    assert all_rows(sessions) == before


def test_a_user_is_deleted_with_the_images(people, admin, bob, remains):
    copied = people.carol.client.post_json("/api/images", {"name": "c", "copy_of": "bob/one"}).json
    answer = admin.delete(f"{URL}/bob?images=delete", status=200)
    assert answer.json == {"deleted": f"{API}/users/bob"}
    assert admin.get("/api/images").json == [f"{API}/images/carol/c"]
    assert people.carol.client.get("/api/images/raw/c").body == FILE
    assert people.carol.client.get("/api/images/c").json["copy_of"] is None
    assert copied["version"] == 1
    admin.get(f"{URL}/bob", status=404)


def test_a_user_is_deleted_after_giving_the_images_away(people, admin, bob):
    people.zoe.create("other")
    uuids = [bob.client.get(f"/api/images/{name}").json["uuid"] for name in ("one", "two")]
    answer = admin.delete(f"{URL}/bob?images=give:ZOE", status=200)
    assert answer.json == {"deleted": f"{API}/users/bob"}
    for name, uuid in zip(("one", "two"), uuids, strict=True):
        shown = people.zoe.client.get(f"/api/images/{name}").json
        assert shown["uuid"] == uuid
        assert (shown["group"], shown["group_access"]) == (None, "none")
        assert shown["shared_with"] == {"users": [], "groups": []}
        assert people.zoe.client.get(f"/api/images/raw/{name}").body == FILE
        for former in (people.carol, people.dave):
            former.client.get(f"/api/images/zoe/{name}", status=404)
    assert len(people.zoe.client.get("/api/images").json) == 3


def test_images_in_the_trash_count_and_share_the_fate_of_the_others(people, admin, bob, sessions):
    trashed = bob.client.get("/api/images/two").json["uuid"]
    for name in ("one", "two"):
        bob.client.delete(f"/api/images/{name}")
    answer = admin.delete(f"{URL}/bob", status=409)
    refused(answer, "user-owns-images")
    assert answer.json["usage"] == 2
    # A name there is in nobody's way.
    people.zoe.create("two")
    bob.create("one")
    admin.delete(f"{URL}/bob?images=give:zoe", status=200)
    assert len(people.zoe.client.get("/api/images?state=deleted").json) == 2
    shown = people.zoe.client.post(f"/api/images/{trashed}/restore", {"name": "x"}, status=200).json
    assert (shown["owner_user_name"], shown["group"]) == ("zoe", None)
    assert people.zoe.client.get("/api/images/raw/x").body == FILE
    admin.delete(f"{URL}/zoe?images=delete", status=200)
    rows = all_rows(sessions)
    assert rows["image"] == rows["image_file"] == []


@pytest.mark.parametrize("fate", ["delete", "give:zoe"])
def test_uploads_under_way_end_with_it(people, admin, bob, fate, remains):
    assert people.zoe
    before = remains.files(), remains.blobs()
    people.carol.client.get("/api/images/bob/one", status=200)

    def act():
        admin.delete(f"{URL}/bob?images={fate}", status=200)

    path = "/api/images/raw/bob/one"
    answer = send(people.carol.client, path, Source(FILE, act), length=len(FILE), status=404)
    refused(answer, "image-not-found")
    assert (remains.files(), remains.blobs()) == before
    assert not remains.uploads() | remains.partials()


def test_the_new_owners_own_upload_ends_too(people, admin, bob):
    """It began while it was another's image, by a right that the group gave."""
    people.join("lab", people.zoe)

    def act():
        admin.delete(f"{URL}/bob?images=give:zoe", status=200)

    path = "/api/images/raw/bob/one"
    answer = send(people.zoe.client, path, Source(b"new", act), length=3, status=412)
    refused(answer, "precondition-failed")
    assert people.zoe.client.get("/api/images/raw/one").body == FILE


def test_a_name_that_is_taken_there_gives_nothing_away(people, admin, bob, sessions):
    people.zoe.create("two")
    before = all_rows(sessions)
    answer = admin.delete(f"{URL}/bob?images=give:zoe", status=409)
    refused(answer, "image-exists")
    assert "'two'" in answer.json["detail"]
    assert all_rows(sessions) == before
    bob.client.patch("/api/images/two", {"name": "three"})
    admin.delete(f"{URL}/bob?images=give:zoe", status=200)


def test_a_read_only_image_is_given_but_not_deleted(people, admin, bob, sessions):
    bob.client.patch("/api/images/two", {"read_only": "yes"})
    before = all_rows(sessions)
    refused(admin.delete(f"{URL}/bob?images=delete", status=409), "image-read-only")
    assert all_rows(sessions) == before
    admin.delete(f"{URL}/bob?images=give:{people.zoe.name}", status=200)
    assert people.zoe.client.get("/api/images/two").json["read_only"] is True


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("images=give:bob", "invalid-parameter"),
        ("images=give:BOB", "invalid-parameter"),
        ("images=give:nobody", "invalid-parameter"),
        ("images=give:", "invalid-parameter"),
        ("images=give:a/b", "invalid-parameter"),
        ("images=give", "invalid-parameter"),
        ("images=zoe", "invalid-parameter"),
        ("images=Delete", "invalid-parameter"),
        ("images=delete%00", "invalid-parameter"),
        ("images=delete&images=delete", "repeated-parameter"),
        ("image=delete", "unknown-parameter"),
    ],
)
def test_what_cannot_become_of_images(people, admin, bob, sessions, query, code):
    assert people.zoe
    before = all_rows(sessions)
    refused(admin.delete(f"{URL}/bob?{query}", status=400), code, query.split("=")[0])
    assert all_rows(sessions) == before


def test_where_there_are_no_images_the_word_does_no_harm(people, admin):
    for fate in ("delete", f"give:{people.zoe.name}"):
        people.admin.client.post_json(URL, {"user_name": "ann", "cert_dn": "/CN=Ann"}, status=201)
        admin.delete(f"{URL}/ann?images={fate}", status=200)


def test_the_right_comes_before_the_query_and_the_right_over_the_images_after_its_shape(people):
    people.bob.create("x")
    people.join("deleters", people.carl, permissions=[Permission.USER_DELETE])
    for client, query, missing in (
        (people.zoe.client, "images=nonsense", "user_delete"),
        (people.carl.client, "images=delete", "image_delete"),
        (people.carl.client, "images=give:nobody", "image_modify"),
    ):
        answer = client.delete(f"{URL}/bob?{query}", status=403)
        assert answer.headers["X-Repoman-Permission"] == missing
    refused(
        people.carl.client.delete(f"{URL}/bob?images=x", status=400), "invalid-parameter", "images"
    )
    people.carl.client.delete(f"{URL}/bob?images=x", headers={"If-Match": '"x"'}, status=412)
    people.join("admins", people.root, people.admin)
    answer = people.carl.client.delete(f"{URL}/root?images=x", status=403)
    assert answer.headers["X-Repoman-Permission"] == "admins"


def test_somebody_who_may_delete_users_deletes_the_own_account(people):
    held = [Permission.USER_DELETE, Permission.IMAGE_MODIFY]
    people.join("deleters", people.carl, permissions=held)
    people.carl.create("x")
    people.carl.client.delete(f"{URL}/carl?images=give:{people.zoe.name}", status=200)
    people.carl.client.get("/api/whoami", status=403)
    people.zoe.client.get("/api/images/x", status=200)

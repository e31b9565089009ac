"""The trash: a deleted image is gone for everybody but those who may delete it, and comes back."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from repoman.identity import Permission
from repoman.models import Blob, Image, ImageFile, Upload, now
from repoman.services import image_lists, states
from tests.factories import API, FILE
from tests.gallery import Gallery, walk
from tests.rights import all_rows
from tests.wsgi import Source, assert_refused, send

LISTS = ["images", "users/alice/images", "groups/lab/images", "users/bob/shared",
         "users/alice/sharing", "groups/lab/shared"]  # fmt: skip


@pytest.fixture
def deleted(people):
    """The object of alice's image in the trash, as it was before; in many lists until then."""
    people.join("lab", people.alice, people.bob)
    alice = people.alice
    alice.create(
        group="lab", group_access="write", unauthenticated_access=True, description="Debian 12"
    )
    alice.upload()
    alice.upload(data=b"second")
    for share in ("user/bob", "group/lab"):
        alice.client.post(f"/api/images/debian12/share/{share}")
    people.bob.create("copy", copy_of="alice/debian12")
    before = alice.client.get("/api/images/debian12").json
    answer = alice.client.delete("/api/images/debian12", status=200)
    assert answer.json == {"deleted": f"{API}/images/alice/debian12"}
    return before


def uuid_url(image, rest=""):
    return f"/api/images/{image['uuid']}{rest}"


def in_trash(client, path="images"):
    return client.get(f"/api/{path}?state=deleted", status=200).json


# Gone


def test_a_deleted_image_is_in_no_list_and_under_no_name(people, deleted, subtests):
    for person in (people.alice, people.bob, people.admin):
        client = person.client
        for path in LISTS:
            for query in ("", "?expand=true", "?q=debian", "?state=active", "?state=empty"):
                with subtests.test(person=person.name, path=path, query=query):
                    assert "debian12" not in client.get(f"/api/{path}{query}", status=200).text
        assert client.get("/api/users/alice").json["images"] == []
        for name in ("alice/debian12", f"alice/{deleted['uuid']}", deleted["uuid"], "debian12"):
            for path in (f"raw/{name}", f"{name}/share/user/bob", f"{name}/share/group/lab"):
                method = "GET" if path.startswith("raw") else "PUT"
                answer = client.request(f"/api/images/{path}", method=method, status=404)
                assert_refused(answer, 404, "image-not-found")


def test_every_request_but_look_restore_and_purge_finds_no_image(people, deleted, sessions):
    clients = [person.client for person in (people.alice, people.admin, people.bob)]
    before, url = all_rows(sessions), uuid_url(deleted)
    raw = f"/api/images/raw/{deleted['uuid']}"
    for client in clients:
        for answer in (
            client.patch_json(url, {"description": "x"}, status=404),
            client.post_json(url, {"nonsense": "x"}, status=404),
            client.delete(url, status=404),
            client.put(raw, b"x", status=404),
            client.post(raw, upload_files=[("file", "disk", b"x")], status=404),
            client.get(f"{raw}?version=1", status=404),
            client.delete(f"{raw}?version=1&purge=true", status=404),
            client.delete(f"{url}/share/user/bob", status=404),
            client.post_json("/api/images", {"name": "x", "copy_of": deleted["uuid"]}, status=404),
            client.post_json("/api/images", {"name": "x", "copy_of": deleted["url"]}, status=404),
        ):
            assert_refused(answer, 404, "image-not-found")
    assert_refused(people.anonymous.get(raw, status=401), 401, "certificate-required")
    assert all_rows(sessions) == before


def test_its_name_is_free_at_once_and_the_name_means_the_new_image(people, deleted, sessions):
    made = people.alice.create(description="new")
    assert people.alice.client.get("/api/images/debian12").json["uuid"] == made["uuid"]
    people.alice.client.delete("/api/images/debian12", status=200)
    people.alice.create(description="newer")
    assert len(in_trash(people.alice.client)) == 2


def test_its_files_and_rows_stay_and_its_copies_do_not_show_it(people, deleted, remains):
    assert len(remains.blobs()) == len(remains.files()) == 2
    for person in (people.bob, people.admin):
        assert person.client.get("/api/images/bob/copy").json["copy_of"] is None
    people.alice.client.post(uuid_url(deleted, "/restore"), status=200)
    assert people.bob.client.get("/api/images/copy").json["copy_of"] == deleted["url"]


def test_uploads_to_it_end(people, remains, sessions):
    made = people.alice.create()

    def act():
        people.alice.client.delete("/api/images/debian12", status=200)
        with sessions.reading() as session:
            assert session.scalars(select(Upload.id)).all() == []

    source = Source(FILE, act)
    path, length = "/api/images/raw/debian12", len(FILE)
    answer = send(people.alice.client, path, source, length=length, status=404)
    assert_refused(answer, 404, "image-not-found")
    assert not remains.uploads() | remains.partials() | remains.files()
    restored = people.alice.client.post(uuid_url(made, "/restore"), status=200)
    assert restored.json["state"] == "empty"


def test_read_only_bars_the_trash(people, sessions):
    people.alice.create(read_only=True)
    for query in ("", "?purge=true"):
        answer = people.alice.client.delete(f"/api/images/debian12{query}", status=409)
        assert_refused(answer, 409, "image-read-only")


# Looking


def test_who_may_delete_it_sees_it_in_the_trash_under_its_uuid(people, deleted):
    people.join("lab", people.adam, admin=True)
    people.join("third", people.dick, permissions=[Permission.IMAGE_DELETE])
    people.join("fourth", people.mike, permissions=[Permission.IMAGE_MODIFY])
    url = f"{API}/images/{deleted['uuid']}"
    for person in (people.alice, people.adam, people.dick, people.admin):
        client = person.client
        for path in LISTS[:3]:
            assert in_trash(client, path) == [url], (person.name, path)
        shown = client.get(uuid_url(deleted), status=200).json
        assert client.get(f"/api/images/alice/{deleted['uuid']}", status=200).json == shown
        assert client.get("/api/images?state=deleted&expand=true").json == [shown]
        assert (shown["state"], shown["url"], shown["uuid_url"]) == ("deleted", url, url)
        assert shown["file_url"] == f"{API}/images/raw/alice/kvm/{deleted['uuid']}"
        assert shown["http_file_url"] is None
        assert shown["files"] == deleted["files"]
    for person in (people.bob, people.mike, people.zoe):
        client = person.client
        assert in_trash(client) == in_trash(client, "users/alice/images") == []
        for method, rest in (("GET", ""), ("DELETE", ""), ("DELETE", "?purge=true"),
                             ("POST", "/restore")):  # fmt: skip
            answer = client.request(uuid_url(deleted, rest), method=method, status=404)
            assert_refused(answer, 404, "image-not-found")
    assert_refused(people.anonymous.get(uuid_url(deleted), status=401), 401, "certificate-required")


def test_the_trash_is_filtered_sorted_and_paged_like_any_list(people):
    client = people.alice.client
    for number in range(5):
        people.alice.create("same", os_type="linux" if number % 2 else "bsd")
        client.delete("/api/images/same", status=200)
    people.alice.create("same")
    whole = in_trash(client)
    assert len(whole) == 5
    pages = walk(client, "/api/images?state=deleted&limit=2")
    assert [url for page in pages for url in page] == whole
    assert client.get("/api/images?state=deleted&sort=-name").json == whole[::-1]
    assert client.get("/api/images?state=deleted&os_type=linux").json == [whole[1], whole[3]]
    assert client.get("/api/images?state=deleted&q=other").json == []
    assert len(client.get("/api/images").json) == 1


def test_the_state_of_one_image_and_of_a_list_agree(people):
    gallery = Gallery(people)
    for number, shown in enumerate(gallery.shown):
        if number % 5 == 0:
            people.admin.client.delete(shown["uuid_url"], status=200)
        elif number % 6 == 0:
            # Only an earlier version is left of its file.
            people.admin.client.put(f"/api/images/raw/{shown['uuid']}", b"other", status=200)
            people.admin.client.delete(f"/api/images/raw/{shown['uuid']}", status=200)
    with people.sessions.changing.begin() as session:
        active = select(Image.id).where(states.is_in("active"))
        blobs = select(ImageFile.blob_id).where(ImageFile.image_id.in_(active), ImageFile.current)
        found = session.scalars(blobs.order_by(ImageFile.blob_id)).unique().all()
        for key, values in ((found[0], {"dangers": "truncated"}), (found[-1], {"damaged": now()})):
            session.execute(update(Blob).where(Blob.id == key).values(values))
    with people.sessions.reading() as session:
        images = session.scalars(select(Image)).all()
        found = {state: [] for state in states.STATES}
        for image in images:
            found[states.of(image)].append(image.id)
        for state, ids in found.items():
            selected = session.scalars(select(Image.id).where(states.is_in(state)))
            assert ids, state
            assert sorted(selected) == sorted(ids), state
    assert image_lists.FILTERS["state"] is states.is_in


# Restoring


def test_a_restored_image_is_what_it_was(people, deleted):
    answer = people.alice.client.post(uuid_url(deleted, "/restore"), status=200)
    assert answer.json | {"modified": ""} == deleted | {"modified": ""}
    assert people.bob.client.get("/api/images/raw/alice/debian12").body == b"second"
    assert people.bob.client.get("/api/images/raw/alice/debian12?version=1").body == FILE
    assert people.anonymous.get("/api/images/raw/alice/debian12").body == b"second"
    assert in_trash(people.alice.client) == []
    # Again, and by its name: no change.
    for path in (deleted["uuid"], "debian12"):
        again = people.alice.client.post(f"/api/images/{path}/restore", status=200)
        assert again.json == answer.json


def test_a_taken_name_is_409_and_another_can_be_given(people, deleted, sessions):
    people.alice.create()
    url, before = uuid_url(deleted, "/restore"), all_rows(sessions)
    for fields in ({}, {"name": "debian12"}):
        answer = people.alice.client.post_json(url, fields, status=409)
        assert_refused(answer, 409, "image-exists")
    assert_refused(
        people.alice.client.post(url, {"name": "restore"}, status=400), 400, "invalid-parameter"
    )
    assert_refused(
        people.alice.client.post(url, {"nam": "x"}, status=400), 400, "unknown-parameter"
    )
    assert all_rows(sessions) == before
    answer = people.alice.client.post(url, {"name": "old"}, status=200)
    assert answer.json["url"] == f"{API}/images/alice/old"
    assert people.alice.client.get("/api/images/raw/old").body == b"second"


def test_another_name_takes_the_right_to_rename(people, deleted, sessions):
    people.join("third", people.dick, permissions=[Permission.IMAGE_DELETE])
    dick, url, before = people.dick.client, uuid_url(deleted, "/restore"), all_rows(sessions)
    assert_refused(dick.post(url, {"name": "mine"}, status=403), 403, "permission-denied")
    assert all_rows(sessions) == before
    dick.post(url, {"name": "debian12"}, status=200)
    assert_refused(dick.post(url, {"name": "mine"}, status=403), 403, "permission-denied")
    people.alice.client.post(url, {"name": "mine"}, status=200)


def test_restore_is_no_name_of_an_image(people):
    answer = people.alice.client.post_json("/api/images", {"name": "restore"}, status=400)
    assert_refused(answer, 400, "invalid-parameter")
    answer = people.alice.client.get("/api/images/alice/restore", status=405)
    assert answer.headers["Allow"] == "OPTIONS, POST"


def test_conditions_count_on_a_deleted_image_too(people, deleted):
    client, url = people.alice.client, uuid_url(deleted)
    tag = client.get(url).headers["ETag"]
    client.get(url, headers={"If-None-Match": tag}, status=304)
    client.post(f"{url}/restore", headers={"If-Match": '"other"'}, status=412)
    client.post(f"{url}/restore", headers={"If-Match": tag}, status=200)


def test_an_expired_image_in_the_trash_is_for_those_who_may_extend_it(people, deleted, sessions):
    people.join("third", people.dick, permissions=[Permission.IMAGE_DELETE])
    with sessions.changing.begin() as session:
        session.execute(update(Image).values(expires=now() - timedelta(seconds=1)))
    dick = people.dick.client
    assert_refused(dick.get(uuid_url(deleted), status=410), 410, "image-expired")
    assert in_trash(dick) == []
    assert len(in_trash(people.alice.client)) == 1
    people.alice.client.post(uuid_url(deleted, "/restore"), status=200)


# Purging


@pytest.mark.parametrize("first", [True, False])
def test_purge_removes_an_image_at_once_from_the_trash_or_not(people, sessions, remains, first):
    made = people.alice.create()
    people.alice.upload()
    people.alice.upload(data=b"second")
    people.alice.client.delete("/api/images/raw/debian12?version=1", status=200)
    client, url = people.alice.client, uuid_url(made)
    if first:
        client.delete(url, status=200)
        assert_refused(client.delete(url, status=404), 404, "image-not-found")
        assert_refused(client.delete(f"{url}?purge=no", status=404), 404, "image-not-found")
    answer = client.delete(f"{url}?purge=true", status=200)
    assert answer.json == {"deleted": made["uuid_url"] if first else made["url"]}
    for method, rest in (("GET", ""), ("DELETE", "?purge=true"), ("POST", "/restore")):
        assert_refused(
            client.request(url + rest, method=method, status=404), 404, "image-not-found"
        )
    rows = all_rows(sessions)
    assert rows["image"] == rows["image_file"] == rows["image_hypervisor"] == []
    assert len(remains.blobs()) == 2  # the collector's


def test_what_is_no_word_for_purge_is_refused(people, deleted):
    for query, code in (("purge=perhaps", "invalid-parameter"), ("Purge=1", "unknown-parameter"),
                        ("purge=1&purge=1", "repeated-parameter")):  # fmt: skip
        answer = people.alice.client.delete(uuid_url(deleted, f"?{query}"), status=400)
        assert_refused(answer, 400, code)


def test_metrics_count_the_images_that_are_not_in_the_trash(people, deleted):
    text = people.admin.client.get("/metrics").text
    assert "\nrepoman_images 1.0\n" in text

"""Quotas, the largest file and the free disk: what is refused, when, and that it is exact."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from repoman.identity import Permission
from repoman.services import room
from repoman.storage.filesystem import FilesystemStore
from tests.functional.test_usage import set_quota, usage, used
from tests.wsgi import (
    FORM,
    Noise,
    Source,
    assert_refused,
    assert_refused_unread,
    multipart,
    send,
)

RAW, HERS = "/api/images/raw/debian12", "/api/images/raw/alice/debian12"
MANY = 9000
FILE = b"x" * MANY


@pytest.fixture
def limited(people):
    """Alice has an empty image, and room for one `FILE`."""
    people.alice.create()
    set_quota(people, "users/alice", MANY)
    return people.alice.client


def exceeded(answer, limit=None, usage=None):
    """Check a refusal, with figures or without."""
    assert_refused(answer, 413, "quota-exceeded")
    assert (answer.json.get("limit"), answer.json.get("usage")) == (limit, usage)
    return answer


def test_what_just_fits_is_taken_and_a_byte_more_is_refused(people, limited, remains):
    exceeded(limited.put(RAW, FILE + b"x", status=413), MANY, 0)
    assert remains.all() == (set(), set(), set(), set())
    limited.put(RAW, FILE, status=201)
    people.alice.create("other")
    exceeded(limited.put("/api/images/raw/other", b"x", status=413), MANY, MANY)
    limited.delete("/api/images/debian12")
    exceeded(limited.put("/api/images/raw/other", b"x", status=413), MANY, MANY)
    uuid = limited.get("/api/images?state=deleted&expand=true").json[0]["uuid"]
    limited.delete(f"/api/images/{uuid}?purge=true")
    limited.put("/api/images/raw/other", b"x", status=201)
    set_quota(people, "users/alice", 0)
    people.alice.create("third")
    exceeded(limited.put("/api/images/raw/third", b"x", status=413), 0, 1)


def test_a_refusal_comes_before_the_body(people, limited):
    answer = assert_refused_unread(limited, RAW, 413, "quota-exceeded", length=MANY + 1)
    assert answer.json["detail"].count("alice") == 1
    options = {"method": "POST", "headers": FORM, "length": MANY + 64 * 1024 + 1}
    assert_refused_unread(limited, RAW, 413, "quota-exceeded", **options)
    set_quota(people, "users/alice", 0)
    assert_refused_unread(limited, RAW, 413, "quota-exceeded", length=None)


def test_a_chunked_upload_is_stopped_where_the_room_ends(people, limited, remains):
    source = Noise(64 << 20)
    answer = send(limited, RAW, source, status=413)
    exceeded(answer, MANY, 0)
    assert source.taken <= 1 << 20
    assert remains.all() == (set(), set(), set(), set())
    send(limited, RAW, Source(FILE), status=201)


def test_a_form_is_judged_by_its_file(people, limited):
    fits, too_much = multipart(FILE), multipart(FILE + b"x")
    exceeded(limited.post(RAW, too_much, headers=FORM, status=413), MANY, 0)
    limited.post(RAW, fits, headers=FORM, status=201)
    assert usage(limited)["free"] == 0


def test_what_is_reserved_is_nobody_elses(people, limited):
    people.alice.create("other")
    answers = []

    def meanwhile():
        answers.append(limited.put("/api/images/raw/other", b"x" * 2000, status="*"))
        answers.append(limited.put("/api/images/raw/other", b"x" * 1000, status="*"))

    send(limited, RAW, Source(FILE[:8000], meanwhile), length=8000, status=201)
    exceeded(answers[0], MANY, 8000)
    assert answers[1].status_int == 201
    assert used(limited) == MANY
    assert usage(limited)["uploads"] == 0


def test_of_a_form_all_that_has_room_is_reserved(people, limited):
    body, seen = multipart(FILE), []
    source = Source(body, lambda: seen.append(usage(limited)["uploads"]))
    options = {"method": "POST", "headers": FORM, "length": len(body)}
    send(limited, RAW, source, **options, status=201)
    assert seen == [MANY]


def test_at_the_end_it_is_asked_again(people, limited, remains):
    people.alice.create("other")
    before = remains.all()

    def meanwhile():
        limited.put("/api/images/raw/other", b"x" * 5000, status=201)
        before[0].update(remains.files())
        before[2].update(remains.blobs())

    # It reserves nothing: how much comes is not known.
    exceeded(send(limited, RAW, Source(FILE[:5000], meanwhile), status=413), MANY, 5000)
    assert remains.all() == before
    assert limited.get("/api/images/debian12").json["state"] == "empty"


@pytest.mark.parametrize("chunked", [False, True])
def test_of_many_uploads_at_once_as_many_are_taken_as_there_is_room_for(people, limited, chunked):
    threads = 6
    for number in range(threads):
        people.alice.create(f"image-{number}")
    # All together: where the lengths are known, at the beginning, else before the end.
    ready = Barrier(threads)

    def upload(number):
        path, source = f"/api/images/raw/image-{number}", Source(FILE[:4000])
        if chunked:
            source.midway = lambda: ready.wait(20)
        else:
            ready.wait(20)
        return send(limited, path, source, length=None if chunked else 4000, status="*")

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(upload, range(threads)))
    assert sorted(answer.status_int for answer in answers) == [201, 201] + [413] * 4
    assert used(limited) == 8000


def test_of_copies_and_gifts_at_once_as_many_are_taken_as_there_is_room_for(people):
    people.alice.create()
    people.alice.upload(data=FILE)
    people.alice.client.post("/api/images/debian12/share/user/" + people.bob.name)
    for number in range(4):
        people.alice.create(f"gift-{number}")
        people.alice.upload(f"gift-{number}", data=FILE)
    set_quota(people, "users/bob", 2 * MANY)
    admin, bob, ready = people.admin.client, people.bob.client, Barrier(8)

    def act(number):
        ready.wait(20)
        if number % 2:
            fields = {"name": f"copy-{number}", "copy_of": "alice/debian12"}
            return bob.post_json("/api/images", fields, status="*")
        url = f"/api/images/alice/gift-{number // 2}"
        return admin.patch_json(url, {"owner": "bob"}, status="*")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(act, range(8)))
    for answer in answers:
        assert answer.status_int in {200, 201} or answer.json["code"] == "quota-exceeded"
    assert used(bob, "users/bob") == 2 * MANY


def test_who_overwrites_anothers_image_needs_room_and_so_does_its_owner(people, limited):
    people.join("crew", people.alice, people.bob)
    bob = people.bob.client
    limited.post_json("/api/images/debian12", {"group": "crew", "group_access": "write"})
    set_quota(people, "users/bob", MANY + 500)
    answer = exceeded(bob.put(HERS, b"x" * (MANY + 1), status=413))
    assert "alice" in answer.json["detail"]
    assert str(MANY) not in answer.json["detail"]
    exceeded(bob.put(HERS, b"x" * (MANY + 501), status=413), MANY + 500, 0)
    set_quota(people, "groups/crew", MANY - 1)
    exceeded(bob.put(HERS, FILE, status=413))
    set_quota(people, "groups/crew", MANY)
    bob.put(HERS, FILE, status=201)
    assert (used(limited), used(bob, "users/bob")) == (MANY, 0)
    # The sender's own room is told first, with its figures.
    set_quota(people, "users/bob", 5)
    exceeded(people.bob.client.put(HERS, b"x" * 6, status=413), 5, 0)


def test_the_owners_room_is_asked_before_a_strangers_body(people, limited):
    people.join("crew", people.alice, people.bob)
    limited.post_json("/api/images/debian12", {"group": "crew", "group_access": "write"})
    for length in (MANY + 1, None):
        assert_refused_unread(people.bob.client, HERS, 413, "quota-exceeded", length=length)
        set_quota(people, "users/alice", 0)


def test_a_copy_counts_for_its_owner_and_of_ones_own_costs_nothing(people):
    people.alice.create()
    people.alice.upload(data=FILE)
    people.alice.client.post("/api/images/debian12/share/user/" + people.bob.name)
    set_quota(people, "users/bob", MANY - 1)
    fields = {"name": "mine", "copy_of": "alice/debian12"}
    exceeded(people.bob.client.post_json("/api/images", fields, status=413), MANY - 1, 0)
    assert people.bob.client.get("/api/images?owner=bob").json == []
    set_quota(people, "users/bob", MANY)
    people.bob.client.post_json("/api/images", fields, status=201)
    set_quota(people, "users/bob", 1)
    fields = {"name": "again", "copy_of": "mine"}
    people.bob.client.post_json("/api/images", fields, status=201)
    assert used(people.bob.client, "users/bob") == MANY


def test_a_new_owner_or_group_needs_room(people):
    people.join("lab", people.alice, people.bob)
    people.join("givers", people.mike, permissions=[Permission.IMAGE_MODIFY])
    people.alice.create()
    people.alice.upload(data=FILE)
    set_quota(people, "users/bob", MANY - 1)
    set_quota(people, "groups/lab", MANY - 1)
    url, alice, mike = "/api/images/alice/debian12", people.alice.client, people.mike.client
    exceeded(alice.patch_json(url, {"group": "lab"}, status=413))
    exceeded(mike.patch_json(url, {"owner": "bob"}, status=413))
    shown = alice.get(url).json
    assert (shown["owner_user_name"], shown["group"][-5:]) == ("alice", "users")
    set_quota(people, "groups/lab", MANY)
    alice.patch_json(url, {"group": "lab"}, status=200)
    assert used(people.admin.client, "groups/lab") == MANY
    set_quota(people, "users/bob", MANY)
    mike.patch_json(url, {"owner": "bob"}, status=200)
    assert used(people.bob.client, "users/bob") == MANY
    assert used(people.admin.client, "groups/lab") == used(alice) == 0


def test_who_gets_all_images_of_a_deleted_user_needs_room(people):
    for name, data in (("one", b"1" * 600), ("two", b"2" * 500)):
        people.alice.create(name)
        people.alice.upload(name, data=data)
    set_quota(people, "users/" + people.bob.name, 1099)
    admin, url = people.admin.client, "/api/users/alice?images=give:bob"
    exceeded(admin.delete(url, status=413), 1099, 0)
    assert used(admin) == 1100
    set_quota(people, "users/bob", 1100)
    admin.delete(url, status=200)
    assert used(people.bob.client, "users/bob") == 1100


def test_a_lowered_quota_takes_nothing_away(people, limited):
    people.join("lab", people.alice)
    limited.put(RAW, FILE, status=201)
    set_quota(people, "users/alice", 1)
    assert usage(limited)["free"] == 0
    assert limited.get(RAW).body == FILE
    limited.patch_json("/api/images/debian12", {"name": "new", "group": "lab"}, status=200)
    exceeded(limited.put("/api/images/raw/new", b"x", status=413), 1, MANY)
    limited.delete("/api/images/raw/new?purge=true", status=200)
    limited.put("/api/images/raw/new", b"x", status=201)


def test_a_quota_lowered_meanwhile_keeps_who_had_reserved(people, limited):
    source = Source(FILE, lambda: set_quota(people, "users/alice", 1))
    send(limited, RAW, source, length=MANY, status=201)
    source = Source(FILE, lambda: set_quota(people, "users/alice", 2))
    set_quota(people, "users/alice", 3 * MANY)
    exceeded(send(limited, RAW, source, status=413), 2, MANY)


def test_the_largest_file_is_a_setting(ini, request):
    ini["repoman.max_image_size"] = "1K"
    people = request.getfixturevalue("people")
    people.alice.create()
    client, remains = people.alice.client, request.getfixturevalue("remains")
    answer = assert_refused_unread(client, RAW, 413, "file-too-large", length=1025)
    assert answer.json["limit"] == 1024
    assert_refused_unread(client, RAW, 413, "file-too-large", length=10**25)
    assert_refused(send(client, RAW, Source(b"x" * 1025), status=413), 413, "file-too-large")
    form = multipart(b"x" * 1025)
    answer = send(
        client, RAW, Source(form), method="POST", headers=FORM, length=len(form), status=413
    )
    assert_refused(answer, 413, "file-too-large")
    assert remains.all() == (set(), set(), set(), set())
    people.alice.upload(data=b"x" * 1024, status=201)


def test_uploads_leave_some_of_the_disk_free(ini, request, monkeypatch):
    ini["repoman.min_free"] = "100T"
    people = request.getfixturevalue("people")
    people.alice.create()
    client, remains = people.alice.client, request.getfixturevalue("remains")
    for length in (1, None):
        assert_refused_unread(client, RAW, 507, "store-full", length=length)
    # A disk that fills meanwhile, as by others.
    left = iter([(100 << 40) + 5000, 1 << 50, 1 << 40])
    monkeypatch.setattr(FilesystemStore, "free", lambda store: next(left))
    monkeypatch.setattr(room, "STEP", 2000)
    assert_refused(send(client, RAW, Source(FILE, step=1000), status=507), 507, "store-full")
    assert list(left) == []
    assert remains.all() == (set(), set(), set(), set())

"""``/api/storage``: what takes the store's room, for administrators alone."""

import shutil
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from repoman.identity import Permission
from repoman.models import (
    Blob,
    Group,
    Image,
    ImageFile,
    Sessions,
    StorageSample,
    Upload,
    User,
    now,
)
from repoman.services import quotas
from tests import tus
from tests.factories import API, FILE
from tests.upkeep import Admin, Blobs
from tests.wsgi import assert_refused

URL = "/api/storage"


@pytest.fixture
def look(admin):
    """Ask for it, or for one field of it."""

    def ask(field=None):
        found = admin.get(URL, status=200).json
        return found if field is None else found[field]

    return ask


def put(person, name, data, **fields):
    """Make an image with a file."""
    person.create(name, **fields)
    person.upload(name, data, status=201)


def set_uploaded(sessions: Sessions, name: str, days: int) -> None:
    """Let all files of an image be so old."""
    key = select(Image.id).where(Image.name == name).scalar_subquery()
    with sessions.changing.begin() as session:
        session.execute(
            update(ImageFile)
            .where(ImageFile.image_id == key)
            .values(uploaded=now() - timedelta(days=days))
        )


def names(images):
    return [one["name"] for one in images]


# Who may


def test_only_admins_see_it(people):
    people.join("clerks", people.carl, admin=True, permissions=[*Permission])
    for person in (people.alice, people.carl):
        for method in ("GET", "HEAD"):
            answer = person.client.request(URL, method=method, status=403)
            assert answer.headers["X-Repoman-Permission"] == "admins"
        assert_refused(person.client.get(URL, status=403), 403, "permission-denied")
    assert_refused(people.anonymous.get(URL, status=401), 401, "certificate-required")
    stranger = people.client(people.holder("Nobody"))
    assert_refused(stranger.get(URL, status=403), 403, "certificate-unknown")
    people.admin.client.get(URL, status=200)
    people.admin.client.get(f"{URL}/", status=200)
    assert_refused(people.admin.client.get(f"{URL}?limit=1", status=400), 400, "unknown-parameter")
    people.admin.client.post(URL, status=405)


def test_an_empty_store_is_shown_as_such(look):
    found = look()
    free, size = found.pop("free"), found.pop("size")
    assert 0 < free <= size
    assert found == {
        "files": 0,
        "files_count": 0,
        "reasons": {},
        "by_user": [],
        "by_group": [],
        "by_format": [],
        "largest": [],
        "oldest": [],
        "trash": {"images": 0, "versions": 0, "size": 0},
        "uploads": [],
        "scrub": {"checked": 0, "unchecked": 0, "oldest_check": None, "damaged": 0},
        "history": [],
    }


# Whose


def test_use_is_what_quotas_measure_of_each_account(people, sessions, settings, look):
    alice, bob, carl = people.alice, people.bob, people.carl
    people.join("lab", alice, bob)
    people.join("idle", carl)
    put(alice, "one", b"1" * 1000, hypervisor="kvm,xen")
    alice.client.put("/api/images/raw/xen/one", b"2" * 30, status=201)
    alice.upload("one", b"3" * 700, status=200)
    alice.create("copy", copy_of="one", group="lab")
    alice.client.post("/api/images/one/share/user/bob")
    bob.create("his", copy_of="alice/one", group="lab")
    put(bob, "gone", b"4" * 50)
    bob.client.delete("/api/images/gone")
    put(bob, "alone", b"5" * 7, group=None)
    bob.create("debian12")
    tus.create(bob.client, FILE[:9], status=201)
    people.admin.client.patch_json("/api/users/bob", {"quota": 10**9})
    people.admin.client.patch_json("/api/groups/lab", {"quota": 5})
    found = look()
    with sessions.reading() as session:
        measured = {
            one.name: (use.total, use.quota)
            for kind in (User, Group)
            for one in session.scalars(select(kind))
            for use in [quotas.measure(session, one, settings)]
            if use.total
        }
    assert {"alice", "bob", "users", "lab"} == measured.keys()
    shown = {one["user_name"]: (one["usage"], one["quota"]) for one in found["by_user"]}
    shown |= {one["name"]: (one["usage"], one["quota"]) for one in found["by_group"]}
    assert shown == measured
    assert measured["alice"] == (1730, None)
    assert measured["bob"] == (730 + 50 + 7 + len(FILE), 10**9)
    assert measured["lab"] == (730, 5)
    assert [one["user"] for one in found["by_user"]] == [f"{API}/users/bob", f"{API}/users/alice"]
    assert [one["group"] for one in found["by_group"]] == [
        f"{API}/groups/{name}" for name in ("users", "lab")
    ]
    assert (found["files"], found["files_count"]) == (1000 + 30 + 700 + 50 + 7, 5)


def test_the_settings_are_the_quota_of_who_has_none(ini, request):
    ini |= {"repoman.user_quota": "2K", "repoman.group_quota": "1M"}
    people = request.getfixturevalue("people")
    put(people.alice, "one", b"1")
    found = people.admin.client.get(URL).json
    assert [one["quota"] for one in found["by_user"]] == [2048]
    assert [one["quota"] for one in found["by_group"]] == [1 << 20]


def test_the_twenty_with_most_in_use_are_shown(people, sessions, look):
    put(people.alice, "one", b"1" * 10)
    with sessions.changing.begin() as session:
        image = session.scalars(select(Image.id)).one()
        for number in range(25):
            name = f"user{number:02}"
            session.add_all([User(name=name), Group(name=f"group{number:02}")])
            session.flush()
            user = session.scalars(select(User.id).where(User.name == name)).one()
            expires = now() + timedelta(days=1)
            upload = Upload(
                uuid=f"{number:032x}",
                image_id=image,
                user_id=user,
                hypervisor="kvm",
                protocol="put",
                reserved=100 + number,
                expires=expires,
            )
            session.add(upload)
    found = look()
    assert [one["usage"] for one in found["by_user"]] == [*range(124, 104, -1)]
    # Uploads without a file have ended, but for the collector.
    assert found["uploads"] == []
    assert [one["name"] for one in found["by_group"]] == ["users"]


# What


def test_sums_follow_uploads_deletions_and_purges(people, look):
    alice = people.alice
    put(alice, "one", b"1" * 1000)
    put(alice, "two", b"2" * 10)
    alice.create("copy", copy_of="two")
    assert (look("files"), look("files_count")) == (1010, 2)
    alice.upload("one", b"3" * 500, status=200)
    assert look("trash") == {"images": 0, "versions": 0, "size": 0}
    alice.client.delete("/api/images/raw/one?version=1")
    assert look("trash") == {"images": 0, "versions": 1, "size": 1000}
    uuid = alice.client.get("/api/images/two").json["uuid"]
    alice.client.delete("/api/images/two")
    # Its copy is not there.
    assert look("trash") == {"images": 1, "versions": 1, "size": 1000}
    alice.client.delete("/api/images/copy?purge=true")
    assert look("trash") == {"images": 1, "versions": 1, "size": 1010}
    alice.client.delete("/api/images/one")
    assert look("trash") == {"images": 2, "versions": 0, "size": 1510}
    alice.client.post(f"/api/images/{uuid}/restore")
    assert look("trash") == {"images": 1, "versions": 0, "size": 1500}
    assert look("by_user")[0]["usage"] == 1510
    alice.client.delete(f"/api/images/{uuid}?purge=true")
    found = look()
    assert found["by_user"][0]["usage"] == 1500
    # Named by nobody, until it is collected.
    assert (found["files"], found["files_count"]) == (1510, 3)


def test_formats_are_summed_up_by_compression(people, sessions, look):
    for name, size in (("a", 10), ("b", 20), ("c", 300), ("d", 7)):
        put(people.alice, name, name.encode() * size)
    with sessions.changing.begin() as session:
        for size, values in (
            (20, {"compression": "gzip"}),
            (300, {"format": "qcow2"}),
            (7, {"format": None}),
        ):
            session.execute(update(Blob).where(Blob.size == size).values(**values))
    rows = [
        ("qcow2", None, 300, 1),
        ("raw", "gzip", 20, 1),
        ("raw", None, 10, 1),
        (None, None, 7, 1),
    ]
    heads = ("format", "compression", "size", "files")
    assert look("by_format") == [dict(zip(heads, row, strict=True)) for row in rows]
    put(people.alice, "e", b"e" * 5)
    assert look("by_format")[2]["size"] == 15
    assert look("by_format")[2]["files"] == 2


def test_the_largest_and_the_oldest_images_are_shown_without_empty_ones_and_the_trash(
    people, sessions, look
):
    for number in range(1, 13):
        put(people.alice, f"image{number}", b"x" * number)
        set_uploaded(sessions, f"image{number}", 100 + number)
    people.bob.create("empty")
    people.alice.client.delete("/api/images/image12")
    found = look()
    wanted = [f"image{number}" for number in range(11, 1, -1)]
    assert names(found["largest"]) == names(found["oldest"]) == wanted
    shown = people.alice.client.get("/api/images/image11").json
    assert (
        found["largest"][0]
        == found["oldest"][0]
        == {
            "image": f"{API}/images/alice/image11",
            "owner_user_name": "alice",
            "name": "image11",
            "size": 11,
            "format": "raw",
            "uploaded": shown["uploaded"],
        }
    )


def test_an_image_is_as_old_as_the_newest_of_its_current_files(people, sessions, look):
    people.alice.create("both", hypervisor="kvm,xen")
    people.alice.client.put("/api/images/raw/xen/both", b"12", status=201)
    put(people.alice, "one", b"1")
    set_uploaded(sessions, "both", 20)
    set_uploaded(sessions, "one", 10)
    assert names(look("oldest")) == ["both", "one"]
    # Its first hypervisor has no file yet.
    assert look("oldest")[0]["size"] is None
    assert names(look("largest")) == ["one"]
    people.alice.upload("both", b"123", status=201)
    assert names(look("oldest")) == ["one", "both"]
    assert look("oldest")[1]["size"] == 3
    assert look("oldest")[1]["uploaded"] > look("oldest")[0]["uploaded"]


# Uploads, scrubbing, the store


def test_unfinished_uploads_of_everybody_are_shown_until_they_end(people, look):
    people.join("crew", people.alice, people.bob)
    people.alice.create("debian12", group="crew", group_access="write")
    url = tus.create(people.alice.client, FILE[:9], status=201).headers["Location"]
    named = tus.metadata(image="alice/debian12")
    tus.create(people.bob.client, headers={"Upload-Metadata": named}, status=201)
    bobs, alices = look("uploads")
    assert (bobs["user_name"], bobs["offset"]) == ("bob", 0)
    mine = people.alice.client.get(url).json
    assert alices == {
        "user_name": "alice",
        "image": f"{API}/images/alice/debian12",
        "hypervisor": "kvm",
        "protocol": "tus",
        "offset": 9,
        "length": len(FILE),
        "created": mine["created"],
        "expires": mine["expires"],
    }
    tus.patch(people.alice.client, url, 9, FILE[9:99], status=204)
    assert look("uploads")[1]["offset"] == 99
    tus.patch(people.alice.client, url, 99, FILE[99:], status=204)
    assert [one["user_name"] for one in look("uploads")] == ["bob"]


def test_what_scrub_has_read_and_what_is_damaged(people, sessions, settings, ini, tmp_path, look):
    scrub, blobs = Admin(ini, tmp_path), Blobs(sessions, settings.store)
    put(people.alice, "one", b"1")
    put(people.alice, "two", b"2")
    people.alice.create("copy", copy_of="two")
    unread = {"checked": 0, "unchecked": 2, "oldest_check": None, "damaged": 0}
    assert look("scrub") == unread
    scrub("scrub", "--rate", "0")
    put(people.alice, "three", b"3")
    blobs.change(blobs.of("two"), checked=now().replace(year=2020, month=2, day=3))
    found = look("scrub")
    assert found.pop("oldest_check").startswith("2020-02-03T")
    assert found == {"checked": 2, "unchecked": 1, "damaged": 0}
    blobs.spoil(blobs.of("one"), b"?")
    blobs.spoil(blobs.of("two"), None)
    scrub("scrub", "--rate", "0", status=1)
    found = look("scrub")
    assert not found.pop("oldest_check").startswith("2020")
    assert found == {"checked": 3, "unchecked": 0, "damaged": 2}
    # What no image names is not scrubbed.
    people.alice.client.delete("/api/images/one?purge=true")
    assert look("scrub")["damaged"] == 1
    assert look("scrub")["checked"] == 2


def test_a_store_that_does_not_answer_is_said_to_and_the_database_tells_the_rest(
    people, settings, look
):
    put(people.alice, "one", b"1" * 10)
    people.alice.create("debian12")
    tus.create(people.alice.client, FILE[:9], status=201)
    shutil.rmtree(settings.store / "partial")
    found = look()
    assert (found["free"], found["size"]) == (None, None)
    assert "FileNotFoundError" in found["reasons"]["store"]
    assert found["files"] == 10
    assert [one["offset"] for one in found["uploads"]] == [None]


def test_a_store_that_fails_at_an_upload_is_said_to(people, settings, look):
    people.alice.create("debian12")
    uuid = tus.create(people.alice.client, FILE[:9], status=201).headers["Location"][-32:]
    assert look("reasons") == {}
    partial = settings.store / "partial" / uuid
    partial.unlink()
    partial.symlink_to(partial)
    found = look()
    assert "Too many levels of symbolic links" in found["reasons"]["store"]
    assert (found["free"], found["size"]) == (None, None)
    assert [one["offset"] for one in found["uploads"]] == [None]


# History


def test_of_many_samples_some_are_shown_evenly_from_the_first_to_the_last(sessions, look):
    begin = now() - timedelta(days=2)
    with sessions.changing.begin() as session:
        session.add_all(
            StorageSample(taken=begin + timedelta(seconds=9 * number), files=number, free=2, size=3)
            for number in range(1001)
        )
    found = look("history")
    assert len(found) == 400
    numbers = [one["files"] for one in found]
    assert (numbers[0], numbers[-1]) == (0, 1000)
    assert {after - before for before, after in pairwise(numbers)} == {2, 3}
    assert found[0] == {
        "taken": begin.isoformat().replace("+00:00", "Z"),
        "files": 0,
        "free": 2,
        "size": 3,
    }

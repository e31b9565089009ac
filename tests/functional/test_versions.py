"""Versions of files: an overwrite keeps those before it, and any of them is put back by number."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from repoman.models import ImageFile
from repoman.services.collector import collect
from repoman.storage.filesystem import FilesystemStore
from tests.factories import API
from tests.rights import all_rows
from tests.wsgi import assert_refused, begin

pytestmark = pytest.mark.through_apache

IMAGE, RAW = "/api/images/debian12", "/api/images/raw/debian12"
OWNED = "/api/images/alice/debian12"


def data(number):
    """The file of version ``number`` in these tests."""
    return b"version %d\n" % number * 20_000


@pytest.fixture
def overwritten(people):
    """Alice's image with six versions for kvm, of which 3, 4 and 5 are kept; 7 is for xen."""
    people.alice.create(hypervisor="kvm,xen", group="users", group_access="read")
    for number in range(1, 7):
        people.alice.upload(data=data(number))
    people.alice.upload(path="/api/images/raw/xen/debian12", data=data(7))
    return people.alice.client


def trashed(sessions):
    """List the numbers of the versions in the trash."""
    with sessions.reading() as session:
        statement = select(ImageFile.version).where(ImageFile.trashed.is_not(None))
        return sorted(session.scalars(statement))


def shown(client, url=IMAGE):
    return client.get(url, status=200).json


def numbers(client):
    return list(shown(client)["versions"])


# Keeping and reading


def test_an_overwrite_keeps_earlier_versions_and_moves_those_passed_over_to_the_trash(
    overwritten, sessions, remains
):
    found = shown(overwritten)
    assert list(found["versions"]) == ["3", "4", "5", "6", "7"]
    assert (found["version"], found["files"]["xen"]["version"]) == (6, 7)
    assert trashed(sessions) == [1, 2]
    assert len(remains.blobs()) == 7
    current = found["files"]["kvm"]
    assert found["versions"]["6"] == {
        "hypervisor": "kvm",
        "size": len(data(6)),
        "checksum": current["checksum"],
        "uploaded": current["uploaded"],
        "url": f"{API}/images/raw/alice/kvm/debian12?version=6",
    }
    for number, version in found["versions"].items():
        assert overwritten.get(version["url"]).body == data(int(number))


def test_a_download_of_a_version_has_its_own_validators(overwritten):
    tags = set()
    for number in (3, 5, 6):
        answer = overwritten.get(f"{RAW}?version={number}", status=200)
        assert answer.body == data(number)
        assert answer.headers["X-Repoman-Version"] == str(number)
        assert answer.headers["Content-Disposition"] == 'attachment; filename="debian12"'
        head = overwritten.head(f"{RAW}?version={number}", status=200)
        assert head.headers["ETag"] == answer.headers["ETag"]
        tag = answer.headers["ETag"]
        overwritten.get(f"{RAW}?version={number}", headers={"If-None-Match": tag}, status=304)
        part = overwritten.get(f"{RAW}?version={number}", headers={"Range": "bytes=0-8"})
        assert (part.status_int, part.body) == (206, data(number)[:9])
        tags.add(tag)
    assert len(tags) == 3
    assert overwritten.get(RAW).headers["ETag"] in tags


@pytest.mark.parametrize(
    "path",
    [
        *("debian12?version=8", "debian12?version=2", "debian12?version=7"),
        *("xen/debian12?version=5", "lxc/debian12?version=6"),
    ],
)
def test_a_version_that_is_not_there_or_another_hypervisors_is_404(overwritten, path):
    for method in ("GET", "HEAD", "DELETE"):
        answer = overwritten.request(f"/api/images/raw/{path}", method=method, status=404)
        assert answer.headers["X-Repoman-Error"] == "version-not-found"


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.0", "1" * 10, "%D9%A3", "3,4"])
def test_what_is_no_version_is_refused(overwritten, value, sessions):
    before = all_rows(sessions)
    for method in ("GET", "DELETE"):
        answer = overwritten.request(f"{RAW}?version={value}", method=method, status=400)
        assert_refused(answer, 400, "invalid-parameter")
        assert answer.json["field"] == "version"
    answer = overwritten.put(f"{RAW}?version=3", b"x", status=400)
    assert_refused(answer, 400, "unknown-parameter")
    for version in (value, True, 1.5, [3]):
        answer = overwritten.patch_json(IMAGE, {"version": version}, status=400)
        assert_refused(answer, 400, "invalid-parameter")
    assert_refused(overwritten.patch(IMAGE, {"version": ""}, status=400), 400, "missing-parameter")
    assert all_rows(sessions) == before


def test_earlier_versions_are_for_those_who_may_change_the_image(people, overwritten):
    overwritten.patch(IMAGE, {"unauthenticated_access": "yes"})
    url = "/api/images/raw/alice/debian12?version={}"
    reader, stranger = people.bob.client, people.client(people.holder("Stranger"))
    assert "versions" not in shown(reader, OWNED)
    for version in (5, 1, 99):
        answer = assert_refused(
            reader.get(url.format(version), status=403), 403, "permission-denied"
        )
        assert answer.headers["X-Repoman-Permission"] == "image_modify"
        assert_refused(
            people.anonymous.get(url.format(version), status=401), 401, "certificate-required"
        )
        assert_refused(stranger.get(url.format(version), status=403), 403, "certificate-unknown")
    # The current one is the file that everybody gets.
    for client in (reader, people.anonymous, stranger):
        assert client.get(url.format(6), status=200).body == data(6)
    overwritten.patch(IMAGE, {"group_access": "write"})
    assert reader.get(url.format(5), status=200).body == data(5)
    assert "5" in shown(reader, OWNED)["versions"]
    overwritten.patch(IMAGE, {"group": ""})
    assert_refused(reader.get(url.format(5), status=404), 404, "image-not-found")


@pytest.mark.parametrize(("keep", "kept"), [("0", ["3"]), ("1", ["2", "3"])])
def test_the_setting_says_how_many_are_kept(ini, request, keep, kept):
    ini["repoman.keep_versions"] = keep
    people, sessions = request.getfixturevalue("people"), request.getfixturevalue("sessions")
    people.alice.create()
    for number in (1, 2, 3):
        people.alice.upload(data=data(number))
    assert numbers(people.alice.client) == kept
    assert len(trashed(sessions)) == 3 - len(kept)


@pytest.mark.in_process
def test_a_slow_download_ends_with_the_bytes_it_began_with(overwritten, sessions, settings, people):
    """Of a version that is passed over, purged and collected meanwhile."""
    body = begin(overwritten, f"{RAW}?version=5")
    chunks = iter(body)
    received = [next(chunks)]
    people.alice.upload(data=data(8), status=200)
    overwritten.delete(f"{RAW}?version=5&purge=true", status=200)
    removed = {one.what for one in collect(sessions, FilesystemStore(settings.store), 0)}
    assert removed == {"blob"}
    assert b"".join([*received, *chunks]) == data(5)
    body.close()
    overwritten.get(f"{RAW}?version=5", status=404)


# Putting back


def test_a_version_is_put_back_as_a_new_one_without_a_transfer(overwritten, remains, sessions):
    before = remains.files()
    answer = overwritten.patch(IMAGE, {"version": "4"}, status=200).json
    assert (answer["version"], answer["files"]["kvm"]["version"]) == (8, 8)
    assert list(answer["versions"]) == ["4", "5", "6", "7", "8"]
    assert overwritten.get(RAW).body == data(4)
    # Also from the trash, under any hypervisor, and together with other fields.
    answer = overwritten.post_json(IMAGE, {"version": 1, "description": "as it was"}).json
    assert (answer["version"], answer["description"]) == (9, "as it was")
    assert overwritten.get(RAW).body == data(1)
    assert trashed(sessions) == [1, 2, 3, 4]
    assert remains.files() == before


def test_what_was_deleted_is_put_back_only_by_who_may_restore(people, overwritten):
    people.join("crew", people.alice, people.bob)
    overwritten.patch_json(IMAGE, {"group": "crew", "group_access": "write"})
    overwritten.delete(f"{RAW}?version=4", status=200)
    bob = people.bob.client
    for deleted in (4, 1):
        answer = bob.patch_json(OWNED, {"version": deleted}, status=404)
        assert_refused(answer, 404, "version-not-found")
    bob.patch_json(OWNED, {"version": 5}, status=200)
    overwritten.patch_json(IMAGE, {"version": 4}, status=200)
    assert overwritten.get(RAW).body == data(4)


def test_a_current_version_or_an_unchanged_object_is_no_change(overwritten, sessions):
    before = all_rows(sessions)["image_file"], shown(overwritten)
    overwritten.patch_json(IMAGE, {"version": 6}, status=200)
    overwritten.patch_json(IMAGE, {"version": 7}, status=200)
    overwritten.patch_json(IMAGE, before[1], status=200)
    assert (all_rows(sessions)["image_file"], shown(overwritten)) == before
    edited = before[1] | {"versions": {}}
    assert_refused(overwritten.patch_json(IMAGE, edited, status=400), 400, "unknown-parameter")


def test_putting_back_is_an_overwrite(people, overwritten, sessions):
    overwritten.patch(IMAGE, {"read_only": "yes"})
    reader = people.bob.client
    before = all_rows(sessions)
    answer = overwritten.patch_json(IMAGE, {"version": 5}, status=409)
    assert_refused(answer, 409, "image-read-only")
    answer = reader.patch_json(OWNED, {"version": 5}, status=403)
    assert_refused(answer, 403, "permission-denied")
    assert_refused(
        overwritten.patch_json(IMAGE, {"version": 99}, status=409), 409, "image-read-only"
    )
    assert all_rows(sessions) == before
    overwritten.patch(IMAGE, {"read_only": "no"})
    answer = overwritten.patch_json(IMAGE, {"version": 99}, status=404)
    assert_refused(answer, 404, "version-not-found")
    overwritten.patch_json(IMAGE, {"version": 6, "read_only": True}, status=200)
    overwritten.patch_json(IMAGE, {"version": 6}, status=200)


def test_two_who_put_back_and_overwrite_at_once_leave_one_current_file(people, overwritten):
    with ThreadPoolExecutor(4) as pool:
        form = {"upload_files": [("file", "disk", data(8))]}
        tasks = [pool.submit(overwritten.post, RAW, **form) for _ in range(2)]
        tasks += [pool.submit(overwritten.patch_json, IMAGE, {"version": n}) for n in (4, 5)]
        for task in tasks:
            assert task.result(60).status_int == 200
    found = shown(overwritten)
    assert found["version"] == 11
    assert len(found["versions"]) == 5


# Deleting


def test_a_deleted_version_is_in_the_trash_and_no_other_takes_its_place(overwritten, sessions):
    answer = overwritten.delete(f"{RAW}?version=4", status=200)
    assert answer.json == {"deleted": f"{API}/images/raw/alice/kvm/debian12?version=4"}
    assert numbers(overwritten) == ["3", "5", "6", "7"]
    assert overwritten.get(RAW).body == data(6)
    overwritten.delete(f"{RAW}?version=6", status=200)
    found = shown(overwritten)
    assert (list(found["versions"]), found["version"]) == (["3", "5", "7"], None)
    assert set(found["files"]) == {"xen"}
    assert_refused(overwritten.get(RAW, status=404), 404, "file-not-uploaded")
    assert_refused(overwritten.delete(RAW, status=404), 404, "file-not-uploaded")
    assert overwritten.get(f"{RAW}?version=5").body == data(5)
    assert trashed(sessions) == [1, 2, 4, 6]
    overwritten.patch_json(IMAGE, {"version": 6}, status=200)
    assert overwritten.get(RAW).body == data(6)


def test_a_deleted_file_is_in_the_trash(overwritten, sessions):
    answer = overwritten.delete(RAW, status=200)
    assert answer.json == {"deleted": f"{API}/images/raw/alice/kvm/debian12"}
    assert trashed(sessions) == [1, 2, 6]
    assert numbers(overwritten) == ["3", "4", "5", "7"]


def test_purging_removes_a_version_at_once_also_from_the_trash(overwritten, sessions):
    assert_refused(overwritten.delete(f"{RAW}?version=1", status=404), 404, "version-not-found")
    overwritten.delete(f"{RAW}?version=1&purge=true", status=200)
    overwritten.delete(f"{RAW}?version=4&purge=yes", status=200)
    overwritten.delete(f"{RAW}?purge=1", status=200)
    assert trashed(sessions) == [2]
    assert numbers(overwritten) == ["3", "5", "7"]
    for number in (1, 4, 6):
        answer = overwritten.patch_json(IMAGE, {"version": number}, status=404)
        assert_refused(answer, 404, "version-not-found")
    overwritten.patch(IMAGE, {"read_only": "yes"})
    for query in ("version=5", "version=5&purge=true"):
        answer = overwritten.delete(f"{RAW}?{query}", status=409)
        assert_refused(answer, 409, "image-read-only")
    overwritten.delete(f"{RAW}?version=2&purge=true", status=200)
    assert trashed(sessions) == []


def test_conditions_are_about_the_version_that_is_deleted(overwritten):
    tags = {n: overwritten.head(f"{RAW}?version={n}").headers["ETag"] for n in (5, 6)}
    for version, other in ((5, 6), (6, 5)):
        url = f"{RAW}?version={version}"
        answer = overwritten.delete(url, headers={"If-Match": tags[other]}, status=412)
        assert f'"{answer.json["etag"]}"' == tags[version]
        overwritten.delete(url, headers={"If-Match": tags[version]}, status=200)


def test_a_hypervisor_taken_off_the_list_takes_all_its_versions_to_the_trash(overwritten, sessions):
    overwritten.patch_json(IMAGE, {"hypervisor": ["xen"]}, status=200)
    found = shown(overwritten)
    assert (list(found["versions"]), found["version"]) == (["7"], 7)
    assert trashed(sessions) == [1, 2, 3, 4, 5, 6]
    found = overwritten.patch_json(IMAGE, {"version": 3}, status=200).json
    assert found["hypervisor"] == ["xen", "kvm"]
    assert found["files"]["kvm"]["version"] == 8
    overwritten.delete("/api/images/raw/kvm/debian12", status=200)
    overwritten.delete("/api/images/raw/xen/debian12", status=200)
    overwritten.patch_json(IMAGE, {"version": 7, "read_only": True}, status=200)
    answer = overwritten.patch_json(IMAGE, {"hypervisor": ["kvm"]}, status=409)
    assert_refused(answer, 409, "image-read-only")


def test_a_new_owner_gets_the_versions_and_a_copy_does_not(people, overwritten, admin):
    copied = people.alice.create("copy", copy_of="debian12")
    assert list(copied["versions"]) == ["1", "2"]
    assert {one["hypervisor"] for one in copied["versions"].values()} == {"kvm", "xen"}
    admin.patch_json(OWNED, {"owner": people.bob.name}, status=200)
    assert numbers(people.bob.client) == ["3", "4", "5", "6", "7"]
    assert people.bob.client.get(f"{RAW}?version=4").body == data(4)

"""An upload that breaks off is gone on with, by the person whose it is and nobody else."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from repoman.certificates.names import from_x509
from repoman.errors import StoreFull
from repoman.models import Upload, now
from repoman.services.collector import collect
from repoman.storage import partials
from repoman.storage.filesystem import FilesystemStore
from tests.factories import FILE
from tests.wsgi import Source, assert_refused, assert_refused_unread, post_form, send

RAW = "/api/images/raw/debian12"
NEW = bytes(range(256)) * 2000
WHOLE = len(NEW)
OFFSET = "X-Repoman-Upload-Offset"


@pytest.fixture
def alice(people):
    """Her client; she has an empty image."""
    people.alice.create()
    return people.alice.client


def rest(start: int, data: bytes = NEW) -> dict[str, str]:
    """Write the header that ``curl -C START -T`` sends."""
    return {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}


def break_off(client, data=NEW, size=200_000, *, length=WHOLE, path=RAW, headers=None) -> None:
    """Send the first ``size`` bytes of a PUT, and then nothing any more."""
    source = Source(data[:size], ending=OSError("the client has gone"))
    refused = send(client, path, source, length=length, headers=headers, status=400)
    assert_refused(refused, 400, "incomplete-body")


def offset(client, path=RAW, status=404) -> str | None:
    """Ask where to go on."""
    return client.head(path, status=status).headers.get(OFFSET)


@pytest.mark.parametrize("length", [len(NEW), None], ids=["length", "chunked"])
def test_what_arrived_is_kept_and_gone_on_with(alice, remains, length):
    break_off(alice, length=length)
    assert offset(alice) == "200000"
    assert alice.get("/api/images/debian12").json["state"] == "uploading"
    break_off(
        alice, NEW[200_000:], 100_000, length=length and length - 200_000, headers=rest(200_000)
    )
    assert offset(alice) == "300000"
    left = Source(NEW[300_000:])
    size = len(NEW) - 300_000
    shown = send(alice, RAW, left, length=size, headers=rest(300_000), status=201).json
    assert shown["checksum"]["value"] == hashlib.sha256(NEW).hexdigest()
    assert alice.get(RAW).body == NEW
    assert offset(alice, status=200) is None
    assert [len(found) for found in remains.all()] == [1, 0, 1, 0]


def test_a_chunked_rest_is_taken_too_and_counted(alice):
    break_off(alice)
    wrong = send(alice, RAW, Source(NEW[200_000:-1]), headers=rest(200_000), status=400)
    assert_refused(wrong, 400, "invalid-parameter")
    break_off(alice)
    send(alice, RAW, Source(NEW[200_000:]), headers=rest(200_000), status=201)
    assert alice.get(RAW).body == NEW


def test_the_file_that_is_there_stays_until_the_new_one_is_whole(alice):
    alice.put(RAW, FILE, status=201)
    break_off(alice)
    assert offset(alice, status=200) == "200000"
    assert alice.get(RAW).body == FILE
    assert OFFSET not in alice.get(RAW).headers
    alice.put(RAW, NEW[200_000:], headers=rest(200_000), status=200)
    assert alice.get(RAW).body == NEW


def test_an_upload_belongs_to_the_person_whatever_certificate_is_shown(people, alice):
    break_off(alice)
    second = people.holder("Alice's Machine")
    fields = {"client_dn": from_x509(second.certificate.subject).slash}
    people.admin.client.post_json("/api/users/alice/certificates", fields, status=201)
    machine = people.client(second)
    assert offset(machine) == "200000"
    machine.put(RAW, NEW[200_000:], headers=rest(200_000), status=201)
    assert alice.get(RAW).body == NEW


def test_nobody_else_sees_or_goes_on_with_an_upload(people, alice):
    break_off(alice)
    admin, path = people.admin.client, "/api/images/raw/alice/debian12"
    assert offset(admin, path) is None
    refused = admin.put(path, NEW[200_000:], headers=rest(200_000), status=409)
    assert_refused(refused, 409, "offset-mismatch")
    assert refused.json["offset"] == 0
    admin.put(path, FILE, status=201)
    assert offset(alice, status=200) == "200000"
    assert offset(people.bob.client, path) is None


def test_each_hypervisor_has_an_upload_of_its_own(alice):
    break_off(alice)
    other = "/api/images/raw/xen/debian12"
    assert offset(alice, other) is None
    break_off(alice, size=1000, path=other)
    assert (offset(alice), offset(alice, other)) == ("200000", "1000")


@pytest.mark.parametrize("start", [199_999, 200_001, 1])
def test_a_wrong_offset_is_refused_with_the_right_one_and_harms_nothing(alice, start):
    break_off(alice)
    refused = assert_refused_unread(
        alice, RAW, 409, "offset-mismatch", rest(start), length=len(NEW) - start
    )
    assert refused.json["offset"] == 200_000
    assert refused.headers[OFFSET] == offset(alice) == "200000"
    assert "curl -C 200000" in refused.json["detail"]


def test_repeating_what_has_arrived_is_harmless(alice):
    break_off(alice)
    break_off(alice, NEW[200_000:], 100_000, length=len(NEW) - 200_000, headers=rest(200_000))
    alice.put(RAW, NEW[200_000:], headers=rest(200_000), status=409)
    alice.put(RAW, NEW[300_000:], headers=rest(300_000), status=201)
    alice.put(RAW, NEW[300_000:], headers=rest(300_000), status=409)
    assert alice.get(RAW).body == NEW


def test_an_upload_of_another_length_is_another_file(alice):
    break_off(alice)
    other = NEW + b"more"
    refused = alice.put(RAW, other[200_000:], headers=rest(200_000, other), status=409)
    assert_refused(refused, 409, "offset-mismatch")
    assert refused.json["limit"] == len(NEW)


@pytest.mark.parametrize("headers", [{}, rest(0, FILE)], ids=["no range", "a range from 0"])
def test_a_put_from_the_first_byte_starts_anew(alice, remains, headers):
    break_off(alice)
    alice.put(RAW, FILE, headers=headers, status=201)
    assert alice.get(RAW).body == FILE
    assert offset(alice, status=200) is None
    assert [len(found) for found in remains.all()] == [1, 0, 1, 0]


def test_a_start_anew_that_is_refused_loses_nothing_of_what_arrived(people, alice):
    break_off(alice)
    people.admin.client.post_json("/api/users/alice", {"quota": 300_000})
    assert_refused_unread(alice, RAW, 413, "quota-exceeded", length=300_001)
    assert offset(alice) == "200000"
    people.admin.client.post_json("/api/users/alice", {"quota": len(NEW)})
    alice.put(RAW, NEW[200_000:], headers=rest(200_000), status=201)


def test_a_start_anew_that_the_store_refuses_loses_nothing_either(alice, monkeypatch, remains):
    break_off(alice)

    def full(self, key):
        raise StoreFull("The image store has no room left; tell an administrator.")

    with monkeypatch.context() as patch:
        patch.setattr(FilesystemStore, "create", full)
        assert_refused(alice.put(RAW, FILE, status=507), 507, "store-full")
    assert offset(alice) == "200000"
    alice.put(RAW, FILE, status=201)
    assert [len(found) for found in remains.all()] == [1, 0, 1, 0]


def test_the_digest_of_the_whole_file_is_checked_over_all_its_parts(alice, remains):
    digest = {"X-Repoman-Checksum": f"sha256={hashlib.sha256(NEW).hexdigest()}"}
    break_off(alice, headers=digest)
    wrong = b"x" * (len(NEW) - 200_000)
    refused = alice.put(RAW, wrong, headers=rest(200_000) | digest, status=400)
    assert_refused(refused, 400, "digest-mismatch")
    assert remains.all() == (set(), set(), set(), set())
    break_off(alice)
    alice.put(RAW, NEW[200_000:], headers=rest(200_000) | digest, status=201)


def test_a_part_that_came_in_wrong_is_taken_back(alice):
    break_off(alice)
    digest = {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}
    refused = alice.put(RAW, NEW[200_000:], headers=rest(200_000) | digest, status=400)
    assert_refused(refused, 400, "digest-mismatch")
    assert offset(alice) == "200000"
    alice.put(RAW, NEW[200_000:], headers=rest(200_000), status=201)
    assert alice.get(RAW).body == NEW


def test_a_form_that_breaks_off_leaves_nothing(alice, remains):
    source = Source(b"--limit\r\n", ending=OSError())
    headers = {"Content-Type": "multipart/form-data; boundary=limit"}
    send(alice, RAW, source, method="POST", headers=headers, length=1000, status=400)
    assert remains.all() == (set(), set(), set(), set())


# Two requests to one upload


def test_a_second_put_is_refused_while_the_first_moves(alice):
    def intrude():
        for headers, length in (({}, len(NEW)), (rest(1000), len(NEW) - 1000)):
            assert_refused_unread(alice, RAW, 409, "upload-in-progress", headers, length=length)

    send(alice, RAW, Source(NEW, intrude), length=len(NEW), status=201)
    assert alice.get(RAW).body == NEW


def test_a_form_may_move_at_the_same_time(alice):
    first = post_form(alice, RAW, FILE, lambda: alice.put(RAW, NEW, status=201), status=200)
    assert first.json["version"] == 2


@pytest.mark.parametrize("anew", [True, False])
def test_a_request_that_stands_still_is_taken_over_and_writes_nothing_more(
    alice, monkeypatch, remains, anew
):
    taken = []

    def take_over():
        monkeypatch.setattr(partials, "IDLE", 0)
        start = 0 if anew else int(offset(alice))
        assert anew or start > 0
        data = NEW[::-1] if anew else NEW
        taken.append(alice.put(RAW, data[start:], headers=rest(start), status=201))
        assert alice.get(RAW).body == data

    stalled = send(alice, RAW, Source(NEW, take_over), length=len(NEW), status=409)
    assert_refused(stalled, 409, "upload-in-progress")
    assert taken
    assert alice.get(RAW).body == (NEW[::-1] if anew else NEW)
    assert [len(found) for found in remains.all()] == [1, 0, 1, 0]


def test_of_many_who_go_on_at_once_one_does_and_nothing_is_mixed(alice, people):
    break_off(alice)

    def go_on(_):
        return alice.put(RAW, NEW[200_000:], headers=rest(200_000), status="*").status_int

    with ThreadPoolExecutor(6) as pool:
        found = sorted(pool.map(go_on, range(6)))
    assert found == [201] + [409] * 5
    assert alice.get(RAW).body == NEW


# What ends an upload


def test_a_right_that_was_lost_meanwhile_bars_going_on(people, alice):
    people.join("crew", people.alice, people.bob)
    alice.post_json("/api/images/debian12", {"group": "crew", "group_access": "write"})
    bob, path = people.bob.client, "/api/images/raw/alice/debian12"
    break_off(bob, path=path)
    alice.post_json("/api/images/debian12", {"group_access": "read"})
    refused = bob.put(path, NEW[200_000:], headers=rest(200_000), status=403)
    assert_refused(refused, 403, "permission-denied")
    alice.post_json("/api/images/debian12", {"read_only": True, "group_access": "write"})
    refused = bob.put(path, NEW[200_000:], headers=rest(200_000), status=409)
    assert_refused(refused, 409, "image-read-only")


def test_a_new_owner_a_deletion_and_time_end_it(people, alice, sessions, settings):
    store = FilesystemStore(settings.store)
    alice.put(RAW, FILE)
    break_off(alice)
    assert people.bob
    people.admin.client.post_json("/api/images/alice/debian12", {"owner": "bob"})
    assert [one.what for one in collect(sessions, store, 0)] == ["partial file"]
    alice.post_json("/api/images", {"name": "debian12"}, status=201)
    break_off(alice)
    with sessions.changing.begin() as session:
        expires = session.scalars(select(Upload.expires)).one()
        assert timedelta(hours=23) < expires - now() <= timedelta(hours=24)
        session.execute(update(Upload).values(expires=now()))
    assert [one.what for one in collect(sessions, store, 0)] == ["stale upload", "partial file"]
    assert offset(alice) is None
    refused = alice.put(RAW, NEW[200_000:], headers=rest(200_000), status=409)
    assert refused.json["offset"] == 0


def test_at_most_twenty_uploads_are_unfinished(people, alice, remains):
    for number in range(20):
        people.alice.create(f"image-{number}")
        break_off(alice, size=10, path=f"/api/images/raw/image-{number}")
    refused = assert_refused_unread(alice, RAW, 409, "too-many-uploads", length=10)
    assert refused.json["limit"] == 20
    # To start one of them anew makes no more of them.
    alice.put("/api/images/raw/image-3", FILE, status=201)
    break_off(alice)
    people.bob.create()
    break_off(people.bob.client)


def test_a_process_killed_before_its_commit_was_recorded_loses_nothing(alice, sessions, settings):
    break_off(alice)
    store = FilesystemStore(settings.store)
    with sessions.reading() as session:
        key = session.scalars(select(Upload.uuid)).one()
    # As a process leaves it that has renamed the file and is killed then.
    partial = store.take(key)
    partial.write(NEW[200_000:])
    partial.commit()
    partial.release()
    assert not [*collect(sessions, store, 0)]
    last = len(NEW) - 1
    assert offset(alice) == str(last)
    alice.put(RAW, NEW[last:], headers=rest(last), status=201)
    assert alice.get(RAW).body == NEW

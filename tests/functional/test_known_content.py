"""Known content: who could copy a file need not send it, and nobody else learns of it."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from repoman.certificates.middleware import find_caller
from repoman.models import AuditEntry, Blob, Image, now
from repoman.services import images, known_content
from repoman.services.collector import collect
from repoman.storage.filesystem import FilesystemStore
from tests.databases import on_postgresql
from tests.factories import FILE
from tests.wsgi import Source, Untouchable, assert_refused, make_environ, send

pytestmark = pytest.mark.through_apache

RAW = "/api/images/raw/mine"
SOURCE = "/api/images/src"
SHA256 = hashlib.sha256(FILE)
CHECKSUM = {"X-Repoman-Checksum": f"sha256={SHA256.hexdigest()}"}
DIGEST = {"Repr-Digest": f"sha-256=:{base64.b64encode(SHA256.digest()).decode()}:"}
WAITING = {"Expect": "100-continue"}
MARK = "X-Repoman-Deduplicated"
in_process = pytest.mark.in_process


@pytest.fixture
def source(people):
    """Alice's image with a file, shared with bob, who has an image of his own without one."""
    made = people.alice.create("src")
    people.alice.upload("src")
    people.alice.client.post(f"{SOURCE}/share/user/{people.bob.name}")
    people.bob.create("mine")
    return made


def without_body(person, status=201, path=RAW, **headers):
    return person.client.put(path, b"", headers=CHECKSUM | headers, status=status)


def count_blobs(sessions):
    with sessions.reading() as session:
        return session.scalar(select(func.count()).select_from(Blob))


def change(sessions, kind, **values):
    with sessions.changing.begin() as session:
        session.execute(update(kind).values(**values))


@pytest.mark.parametrize("headers", [CHECKSUM, DIGEST, CHECKSUM | DIGEST])
def test_an_empty_put_with_the_digest_of_a_file_one_can_copy_is_enough(
    people, source, sessions, headers
):
    answer = people.bob.client.put(RAW, b"", headers=headers, status=201)
    assert answer.headers[MARK] == "true"
    assert answer.json["checksum"]["value"] == SHA256.hexdigest()
    assert answer.json["version"] == 1
    assert people.bob.client.get(RAW).body == FILE
    again = people.bob.client.put(RAW, b"", headers=headers, status=200)
    assert (again.headers[MARK], again.json["version"]) == ("true", 2)
    assert count_blobs(sessions) == 1


@in_process
@pytest.mark.parametrize("length", [len(FILE), None])
def test_a_client_that_waits_for_100_continue_sends_nothing(people, source, length):
    headers = CHECKSUM | WAITING
    answer = send(people.bob.client, RAW, Untouchable(), length=length, headers=headers, status=201)
    assert answer.headers[MARK] == "true"
    assert people.bob.client.get(RAW).body == FILE


@in_process
def test_a_file_that_is_on_its_way_is_taken_in_as_any_other(people, source, sessions):
    answer = people.bob.upload("mine", headers=CHECKSUM, status=201)
    assert MARK not in answer.headers
    assert count_blobs(sessions) == 2


@in_process
def test_it_is_audited_as_an_upload(people, source, sessions):
    without_body(people.bob)
    with sessions.reading() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (last.user_name, last.action) == ("bob", "image:edit")
    assert '"sha256"' in str(last.detail).replace("'", '"')


@in_process
def test_preconditions_read_only_and_quota_are_asked_as_ever(people, source, sessions, admin):
    bob = people.bob
    assert_refused(without_body(bob, 412, **{"If-Match": '"x"'}), 412, "precondition-failed")
    admin.post_json("/api/users/bob", {"quota": len(FILE) - 1})
    assert_refused(without_body(bob, 413), 413, "quota-exceeded")
    admin.post_json("/api/users/bob", {"quota": len(FILE)})
    without_body(bob)
    answer = without_body(bob, 412, **{"If-None-Match": "*"})
    assert_refused(answer, 412, "precondition-failed")
    bob.client.post_json("/api/images/mine", {"read_only": True})
    assert_refused(without_body(bob, 409), 409, "image-read-only")
    assert bob.client.get("/api/images/mine").json["version"] == 1


@in_process
def test_it_takes_the_place_of_an_upload_that_broke_off(people, source, remains):
    broken = Source(FILE[:100], ending=OSError("gone"))
    send(people.bob.client, RAW, broken, length=len(FILE), status=400)
    assert len(remains.uploads()) == 1
    without_body(people.bob)
    assert not remains.uploads() | remains.partials()


@in_process
@pytest.mark.parametrize("digests", ["another", "two", "of the file's other size"])
def test_what_is_not_said_to_be_that_very_file_is_asked_for(people, source, digests):
    sha512 = base64.b64encode(hashlib.sha512(b"other").digest()).decode()
    headers = {
        "another": {"X-Repoman-Checksum": f"sha256={'0' * 64}"},
        "two": {"Repr-Digest": f"{DIGEST['Repr-Digest']}, sha-512=:{sha512}:"},
        "of the file's other size": CHECKSUM,
    }[digests]
    data = Source(b"other")
    answer = send(people.bob.client, RAW, data, length=5, headers=headers | WAITING, status=400)
    assert_refused(answer, 400, "digest-mismatch")
    assert data.position == 5


# What somebody else keeps


def seen(person):
    """Say all that a person sees of an empty PUT and of one that waits, with the digest of FILE."""
    data = Source(FILE)
    environ = make_environ(person.client, RAW, data, length=len(FILE), headers=CHECKSUM | WAITING)
    answers = [without_body(person, 400)]
    assert_refused(answers[0], 400, "empty-file")
    request = person.client.RequestClass(environ)
    answers.append(person.client.do_request(request, status="20*"))
    person.client.delete(RAW + "?purge=true")
    told = []
    for answer in answers:
        headers = {name: text for name, text in answer.headers.items() if "Request-Id" not in name}
        body = answer.json
        for field in ("version", "versions", "files", "modified", "uploaded", "created"):
            body.pop(field, None)
        body.pop("request_id", None)
        headers.pop("Content-Length", None)
        told.append((answer.status, headers, body))
    return told, data.reads, data.position


@in_process
def test_what_one_cannot_copy_is_as_unknown_as_what_nobody_has(people, sessions):
    people.carol.create("mine")
    before = seen(people.carol)
    people.alice.create("src")
    people.alice.upload("src")
    assert seen(people.carol) == before
    people.bob.create("mine")
    people.bob.upload("mine")
    assert seen(people.carol) == before
    people.alice.client.post(f"{SOURCE}/share/user/carol")
    assert without_body(people.carol).headers[MARK] == "true"
    people.carol.client.delete(RAW + "?purge=true")
    people.alice.client.delete(f"{SOURCE}/share/user/carol")
    assert seen(people.carol) == before


def publish(people, sessions):
    people.alice.client.delete(f"{SOURCE}/share/user/bob")
    people.alice.client.post_json(SOURCE, {"unauthenticated_access": True})


GONE = {
    "shared no more": lambda people, _: people.alice.client.delete(f"{SOURCE}/share/user/bob"),
    "only public": publish,
    "deleted": lambda people, _: people.alice.client.delete(SOURCE),
    "overwritten": lambda people, _: people.alice.upload("src", data=b"new"),
    "its owner's, and expired": lambda people, sessions: change(
        sessions, Image, expires=now() - timedelta(1)
    ),
    "damaged": lambda people, sessions: change(sessions, Blob, damaged=now()),
    "unsafe": lambda people, sessions: change(sessions, Blob, dangers="backing-file"),
}


@in_process
@pytest.mark.parametrize("why", GONE)
def test_a_file_is_known_no_more_when_it_is(people, source, sessions, why):
    GONE[why](people, sessions)
    person, path = people.bob, RAW
    if why == "its owner's, and expired":
        person, path = people.alice, "/api/images/raw/src"
    assert_refused(without_body(person, 400, path=path), 400, "empty-file")


@in_process
def test_a_file_of_another_format_than_the_images_is_not_known(people, source, sessions):
    change(sessions, Image, format="qcow2")
    assert_refused(without_body(people.bob, 400), 400, "empty-file")
    change(sessions, Blob, format="qcow2")
    without_body(people.bob)


@in_process
def test_a_file_that_the_store_has_lost_is_asked_for(people, source, settings):
    for path in (settings.store / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    assert_refused(without_body(people.bob, 400), 400, "empty-file")


@in_process
def test_no_form_goes_without_its_file(people, source):
    answer = people.bob.client.post(RAW, b"", headers=CHECKSUM, status=415)
    assert_refused(answer, 415, "unsupported-media-type")


@in_process
@on_postgresql
def test_the_collector_leaves_alone_what_is_just_being_put(people, source, sessions, settings):
    store, bob = FilesystemStore(settings.store), people.bob
    caller = find_caller(dict(bob.client.extra_environ), sessions, settings)
    with ThreadPoolExecutor(1) as pool, sessions.changing.begin() as session:
        mine = images.find(session, caller, "mine", lock=True)
        blob = known_content.find(session, store, caller, mine, SHA256.digest(), None)
        people.alice.client.delete(SOURCE + "?purge=true")
        running = pool.submit(lambda: list(collect(sessions, store, 0)))
        assert wait({running}, 0.3).not_done
        assert known_content.put(session, store, caller, mine, "kvm", blob, settings)
        session.commit()
        assert "blob" not in {one.what for one in running.result(20)}
    assert bob.client.get(RAW).body == FILE

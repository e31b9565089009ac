"""Who may upload is asked before the body is read, and again when the file would appear."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from repoman.certificates.names import from_x509
from repoman.models import Image, User
from repoman.services import certificates, users
from tests.factories import FILE
from tests.wsgi import (
    FORM,
    Kept,
    Source,
    assert_refused,
    assert_refused_unread,
    send,
)

pytestmark = pytest.mark.through_apache

RAW = "/api/images/raw/debian12"
HERS = "/api/images/raw/alice/debian12"
NEW = b"another virtual machine image" * 1000


@pytest.fixture
def kept(people, kept) -> Kept:
    """Alice's image with a file, writable for the group crew, of which bob is a member."""
    people.join("crew", people.alice, people.bob)
    change(people.alice, group="crew", group_access="write")
    return kept


def change(person, path="debian12", **fields):
    """Change an image through the API."""
    person.client.post_json(f"/api/images/{path}", fields, status=200)


# Before the body is read


def refused_before_the_body(people):
    """List who asks for what, and the answer, in the order of the checks."""
    alice, bob, eve = people.alice.client, people.bob.client, people.eve.client
    stranger = people.client(people.holder("Stranger"))
    independent = people.client(people.alice.holder.proxy(independent=True))
    yield people.anonymous, RAW, 401, "certificate-required", {}
    yield people.anonymous, "/api/images/raw/nothing", 401, "certificate-required", {}
    yield independent, RAW, 403, "certificate-invalid", {}
    yield stranger, HERS, 403, "certificate-unknown", {}
    yield people.zoe.client, HERS, 403, "account-suspended", {}
    yield alice, "/api/images/raw/alice/bhyve/debian12", 404, "not-found", {}
    yield alice, RAW, 405, "method-not-allowed", {"method": "PATCH"}
    yield eve, HERS, 404, "image-not-found", {}
    yield eve, "/api/images/raw/alice/nothing", 404, "image-not-found", {}
    yield people.dan.client, HERS, 403, "permission-denied", {}
    yield people.dan.client, HERS, 403, "permission-denied", {"method": "POST"}
    yield alice, RAW, 412, "precondition-failed", {"headers": {"If-Match": '"other"'}}
    yield alice, RAW, 412, "precondition-failed", {"headers": {"If-None-Match": "*"}}
    yield alice, RAW, 415, "unsupported-media-type", {"method": "POST"}
    yield alice, "/api/images/raw/locked", 409, "image-read-only", {}
    yield alice, "/api/images/raw/locked", 409, "image-read-only", {"method": "POST", **_form}
    yield bob, "/api/images/raw/alice/old", 410, "image-expired", {}
    yield alice, RAW, 507, "store-full", {"length": 1 << 60}


_form = {"headers": FORM}


@pytest.fixture
def cast(people, kept):
    """Give the people of `refused_before_the_body` their images and their standing."""
    alice = people.alice
    alice.client.post("/api/images/debian12/share/user/" + people.dan.name)
    alice.create("locked", read_only=True)
    alice.create("old", group="crew", group_access="write")
    expire(people, "old")
    suspend(people, people.zoe)


def test_a_refusal_reads_no_byte_of_the_body(people, kept, cast, subtests):
    for client, path, status, code, options in refused_before_the_body(people):
        with subtests.test(f"{code} {path} {options}"):
            response = assert_refused_unread(client, path, status, code, **options)
            assert ("WWW-Authenticate" in response.headers) == (status == 401)
            if code == "permission-denied":
                assert response.headers["X-Repoman-Permission"] == "image_modify"
    kept.check()


def test_read_only_bars_upload_and_deletion_until_it_is_lifted(people, kept):
    change(people.alice, read_only=True)
    assert_refused(people.alice.upload(status=409), 409, "image-read-only")
    assert_refused(people.alice.client.delete(RAW, status=409), 409, "image-read-only")
    kept.check()
    change(people.alice, read_only=False)
    people.alice.upload(status=200)


def test_who_may_only_read_or_write_may_not_delete_the_file(people, kept):
    people.alice.client.post("/api/images/debian12/share/user/" + people.dan.name)
    for person in (people.dan, people.bob):
        response = person.client.delete(HERS, status=403)
        assert_refused(response, 403, "permission-denied")
        assert response.headers["X-Repoman-Permission"] == "image_delete"
    kept.check()


# While the body comes in


def suspend(people, person):
    people.admin.client.post_json(f"/api/users/{person.name}", {"suspended": True})


def drop_certificate(people):
    with people.sessions.changing.begin() as session:
        user = users.find(session, "bob")
        other = from_x509(people.holder("Other").certificate.subject)
        certificates.add(session, user, certificates.Registration(other, None))
        user.certificates.remove(user.certificates[0])


def delete_user(people):
    with people.sessions.changing.begin() as session:
        session.delete(session.get(User, users.find(session, "bob").id))


def withdraw_the_group_s_right(people):
    people.admin.client.delete("/api/groups/crew/users/bob")


def expire(people, name):
    """Let the time of an image pass, which would take a second through the API."""
    past = datetime.now(UTC) - timedelta(seconds=2)
    with people.sessions.changing.begin() as session:
        session.execute(update(Image).where(Image.name == name).values(expires=past))


CHANGES = {
    "suspended": (lambda people: suspend(people, people.bob), 403, "account-suspended"),
    "certificate removed": (drop_certificate, 403, "certificate-unknown"),
    "user deleted": (delete_user, 403, "certificate-unknown"),
    "taken out of the group": (withdraw_the_group_s_right, 404, "image-not-found"),
    "group may only read": (
        lambda people: change(people.alice, group_access="read"),
        403,
        "permission-denied",
    ),
    "group may do nothing": (
        lambda people: change(people.alice, group_access="none"),
        404,
        "image-not-found",
    ),
    "another group": (
        lambda people: change(people.alice, group="users", group_access="none"),
        404,
        "image-not-found",
    ),
    "made read-only": (
        lambda people: change(people.alice, read_only=True),
        409,
        "image-read-only",
    ),
    "expired": (lambda people: expire(people, "debian12"), 410, "image-expired"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_who_loses_the_right_half_way_changes_nothing(people, kept, case):
    act, status, code = CHANGES[case]
    source = Source(NEW, lambda: act(people))
    response = send(people.bob.client, HERS, source, length=len(NEW), status=status)
    assert_refused(response, status, code)
    assert source.midway is None
    kept.check()


def test_a_share_left_of_a_lost_right_answers_403_instead_of_404(people, kept):
    def act():
        people.alice.client.post("/api/images/debian12/share/user/bob")
        change(people.alice, group_access="none")

    response = send(people.bob.client, HERS, Source(NEW, act), status=403)
    assert_refused(response, 403, "permission-denied")
    kept.check()


def test_who_loses_the_permission_of_the_image_s_group_half_way_changes_nothing(people, kept):
    people.join("ops", people.alice, people.carol, permissions=["image_modify_group"])
    change(people.alice, group="ops", group_access="none")
    people.carol.upload(path=HERS, data=FILE, status=200)
    kept.remember()

    def act():
        people.admin.client.delete("/api/groups/ops/users/carol")

    response = send(people.carol.client, HERS, Source(NEW, act), status=404)
    assert_refused(response, 404, "image-not-found")
    kept.check()


def test_a_certificate_that_expires_half_way_changes_nothing(people, kept):
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    subject = people.alice.holder.certificate.subject
    short = people.client(people.authority.issue(subject, not_after=end))

    def act():
        time.sleep(max(0, (end - datetime.now(UTC)).total_seconds()) + 1)

    response = send(short, RAW, Source(NEW, act), length=len(NEW), status=403)
    assert_refused(response, 403, "certificate-invalid")
    kept.check()


def test_an_upload_to_an_image_deleted_half_way_leaves_nothing(people, kept):
    source = Source(NEW, lambda: people.alice.client.delete("/api/images/debian12"))
    response = send(people.alice.client, RAW, source, length=len(NEW), status=404)
    assert_refused(response, 404, "image-not-found")
    assert kept.remains.all() == kept.before
    people.alice.client.get(RAW, status=404)


def test_an_image_of_the_same_name_made_half_way_is_another_image(people, kept):
    def act():
        people.alice.client.delete("/api/images/debian12")
        people.alice.create("debian12")

    response = send(people.alice.client, RAW, Source(NEW, act), length=len(NEW), status=404)
    assert_refused(response, 404, "image-not-found")
    assert people.alice.client.get("/api/images/debian12").json["state"] == "empty"


def test_an_image_renamed_half_way_is_the_same_image(people, kept):
    source = Source(NEW, lambda: change(people.alice, name="debian13"))
    shown = send(people.alice.client, RAW, source, length=len(NEW), status=200).json
    assert (shown["name"], shown["size"], shown["version"]) == ("debian13", len(NEW), 2)


@pytest.mark.parametrize(
    ("uploader", "status", "code"),
    [("alice", 404, "image-not-found"), ("admin", 412, "precondition-failed")],
)
def test_a_change_of_owner_ends_open_uploads(people, kept, uploader, status, code):
    def act():
        change(people.admin, "alice/debian12", owner=people.carol.name)

    client = getattr(people, uploader).client
    response = send(client, HERS, Source(NEW, act), length=len(NEW), status=status)
    assert_refused(response, status, code)
    kept.check(people.carol)


def test_an_upload_to_an_image_whose_hypervisor_was_taken_off_half_way_puts_it_back(people, kept):
    source = Source(NEW, lambda: change(people.alice, hypervisor="xen"))
    shown = send(people.alice.client, RAW, source, length=len(NEW), status=201).json
    assert shown["hypervisor"] == ["xen", "kvm"]
    assert shown["files"]["kvm"]["size"] == len(NEW)

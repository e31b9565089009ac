"""Attacks that reviewers tried and that once worked, each as a test."""

import pytest

from repoman import bodies
from repoman.identity import Permission
from repoman.models import Blob, User
from repoman.services import groups, users
from repoman.services.collector import collect
from repoman.services.ownership import StrangeStore
from tests.wsgi import Source, send

pytestmark = pytest.mark.through_apache

USERS = "/api/users"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("loss", ["suspended", "no admin", "no certificate"])
def test_a_right_lost_while_a_form_comes_in_is_lost(people, sessions, loss):
    """The caller was identified by the headers; the body may come hours later."""
    people.join("admins", people.bob, people.admin)

    def lose():
        with sessions.changing.begin() as session:
            bob = users.find(session, "bob")
            if loss == "suspended":
                bob.suspended = True
            elif loss == "no admin":
                groups.remove_member(session, groups.find(session, "admins"), bob)
            else:
                bob.certificates.clear()

    body = b"user_name=mallory&cert_dn=/O=Evil/CN=Mallory&groups=admins"
    options = {"method": "POST", "headers": FORM, "length": len(body), "status": 403}
    answer = send(people.bob.client, USERS, Source(body, lose), **options)
    codes = {"suspended": "account-suspended", "no admin": "permission-denied"}
    assert answer.headers["X-Repoman-Error"] == codes.get(loss, "certificate-unknown")
    people.admin.client.get(f"{USERS}/mallory", status=404)


def test_an_image_is_not_made_for_who_took_the_callers_name(people, sessions):
    assert people.carol
    client = people.alice.client

    def rename():
        with sessions.changing.begin() as session:
            users.find(session, "alice").name = "former"
            session.flush()
            users.find(session, "carol").name = "alice"

    body = b"name=second"
    options = {"method": "POST", "headers": FORM, "length": len(body), "status": 201}
    answer = send(client, "/api/images", Source(body, rename), **options)
    assert answer.json["owner_user_name"] == "former"


@pytest.mark.in_process
def test_the_time_for_a_form_is_limited_where_the_server_can(people):
    limits = []
    environ = {"repoman.limit_body": limits.append}
    people.alice.client.post("/api/images", {"name": "x"}, extra_environ=environ, status=201)
    assert limits == [bodies.SECONDS]
    people.alice.upload("x", extra_environ=environ)
    assert limits == [bodies.SECONDS]


def test_a_form_is_parsed_before_the_database_is_locked(people, monkeypatch, sessions):
    """Else one user's large forms starve everybody who wants to write to SQLite."""
    parse = bodies._parse

    def parse_unlocked(request, body):
        with sessions.changing.begin() as session:
            session.add(User(name="while_parsing"))
        return parse(request, body)

    people.alice.create("x")
    monkeypatch.setattr(bodies, "_parse", parse_unlocked)
    people.alice.client.post("/api/images/x", {"description": "y"}, status=200)


def test_a_certificate_is_given_only_by_who_may_do_all_that_its_user_may(people):
    """Whoever holds it would be that user."""
    people.join("help", people.bob, permissions=[Permission.USER_MODIFY])
    people.join("ops", people.alice, permissions=[Permission.IMAGE_DELETE])
    mine = {"cert_dn": "/O=Any/CN=Thing bob holds"}
    for path in (f"{USERS}/alice/certificates", f"{USERS}/alice"):
        answer = people.bob.client.post(path, mine, status=403)
        assert answer.headers["X-Repoman-Permission"] == "image_delete"
    people.bob.client.post(f"{USERS}/alice", {"full_name": "Alice"}, status=200)
    people.bob.client.post(f"{USERS}/{people.carol.name}/certificates", mine, status=201)


@pytest.mark.in_process
@pytest.mark.parametrize("host", ["[1.2.3]", "[:::::]", "localhost:99999", "localhost:0", "a b"])
def test_a_host_that_cannot_stand_in_a_url_is_refused(people, host):
    fields = {"name": "x", "copy_of": "http://x/y"}
    answer = people.alice.client.post("/api/images", fields, headers={"Host": host}, status=400)
    assert answer.json["code"] == "unknown-host"


@pytest.mark.in_process
@pytest.mark.parametrize("coding", ["gzip, chunked", "identity", "chunked, chunked"])
def test_a_transfer_coding_that_hides_the_body_is_refused(people, coding):
    people.alice.create("x")
    headers = {"Transfer-Encoding": coding}
    answer = people.alice.client.post("/api/images/x", b"", headers=headers, status=400)
    assert answer.json["field"] == "Transfer-Encoding"
    answer = people.alice.client.put("/api/images/raw/x", b"y", headers=headers, status=400)
    assert answer.json["field"] == "Transfer-Encoding"


def test_a_proxy_certificate_is_not_registered(people):
    pem = people.holder("Carol").proxy().pem
    fields = {"user_name": "carol", "certificate": pem}
    answer = people.admin.client.post(USERS, fields, status=400)
    assert answer.json["field"] == "certificate"
    assert "proxy" in answer.json["detail"]


def test_a_private_key_is_not_taken_for_a_certificate(people):
    holder = people.holder("Carol")
    fields = {"user_name": "carol", "certificate": holder.pem + holder.key_pem}
    answer = people.admin.client.post(USERS, fields, status=400)
    assert "private key" in answer.json["detail"]
    assert "BEGIN" not in answer.text


@pytest.mark.in_process
def test_the_collector_refuses_a_store_of_which_the_database_knows_nothing(people, sessions):
    """A wrong --config, or a database made anew, must not cost every image."""
    people.alice.create("x")
    people.alice.upload("x")
    store = people.application.application.application.registry.store
    (key,) = dict(store.keys())
    people.alice.client.delete("/api/images/x?purge=true")
    with sessions.changing.begin() as session:
        session.query(Blob).delete()
    with pytest.raises(StrangeStore):
        list(collect(sessions, store, grace=0))
    assert [item.waiting for item in collect(sessions, store, grace=3600, force=True)] == [True]
    store.open(key).close()
    assert [item.key for item in collect(sessions, store, grace=0, force=True)] == [key]

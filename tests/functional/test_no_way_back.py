"""Two at once: who is put out does not slip in again, and an admin always remains."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, text

from repoman.identity import Permission
from repoman.models import GroupPermission
from repoman.services import groups, images, users
from tests.rights import DENIED, assert_denied
from tests.wsgi import wait_for

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
GROUPS, USERS = "/api/groups", "/api/users"
MEMBERSHIP, PERMISSIONS = Permission.GROUP_MODIFY_MEMBERSHIP, Permission.GROUP_MODIFY_PERMISSIONS


@pytest.fixture
def meanwhile(application, sessions):
    """Change something while a request, whose caller is known already, waits for that very row.

    ``meanwhile(find, name, change, request)`` locks what ``find`` finds, starts the request,
    changes, commits, and returns the answer.
    """
    begun = threading.Event()

    # Called before SQLite's BEGIN IMMEDIATE, which waits for the lock; PostgreSQL waits later.
    event.listen(application.sessions.changing.kw["bind"], "begin", lambda connection: begun.set())

    def run(find, name, change, request):
        with ThreadPoolExecutor(1) as pool, sessions.changing.begin() as session:
            row = find(session, name, lock=True)
            begun.clear()
            waiting = pool.submit(request)
            assert begun.wait(20)
            if session.get_bind().dialect.name == "postgresql":
                wait_for(lambda: session.scalar(text(WAITING)))
            change(session, row)
            session.commit()
            return waiting.result(20)

    return run


@pytest.mark.parametrize("group", ["admins", "clerks"])
@pytest.mark.parametrize("way", ["member", "named", "admin", "list", "new user"])
def test_who_is_put_out_cannot_come_back_by_a_request_that_waited(people, meanwhile, group, way):
    assert people.admin
    held = [MEMBERSHIP, PERMISSIONS, Permission.USER_CREATE]
    people.join("clerks", people.carol, permissions=held)
    people.join(group, people.mallory)
    client = people.mallory.client
    new = {"user_name": "puppet", "cert_dn": "/CN=Puppet", "groups": group}
    ways = {
        "member": lambda: client.put(f"{GROUPS}/{group}/users/mallory", status="*"),
        "named": lambda: client.post(f"{GROUPS}/{group}/users", {"name": "mallory"}, status="*"),
        "admin": lambda: client.put(f"{GROUPS}/{group}/admins/mallory", status="*"),
        "list": lambda: client.patch(f"{GROUPS}/{group}", {"users": "mallory"}, status="*"),
        "new user": lambda: client.post_json(USERS, new, status="*"),
    }

    def put_out(session, locked):
        groups.remove_member(session, locked, users.find(session, "mallory"))

    answer = meanwhile(groups.find, group, put_out, ways[way])
    assert (answer.status_int, answer.json["code"]) == (403, DENIED)
    assert "mallory" not in str(people.admin.client.get(f"{GROUPS}/{group}").json)
    people.admin.client.get(f"{USERS}/puppet", status=404)


def test_a_permission_that_was_taken_is_not_given_back_by_a_request_that_waited(people, meanwhile):
    people.join("clerks", people.mallory, permissions=[PERMISSIONS, Permission.IMAGE_DELETE])
    url = f"{GROUPS}/clerks/permissions/image_delete"

    def take(session, locked):
        for row in list(locked.permissions):
            if row.permission == "image_delete":
                locked.permissions.remove(row)

    answer = meanwhile(
        groups.find, "clerks", take, lambda: people.mallory.client.put(url, status="*")
    )
    assert_denied("put", answer, 403, DENIED, "image_delete")


def test_who_is_added_while_a_permission_is_added_is_added_by_who_has_it(people, meanwhile):
    """The group is locked by both, so that the second sees what the first has done."""
    people.join("lab", people.sam)
    people.join("clerks", people.mallory, permissions=[MEMBERSHIP])

    def grant(session, locked):
        locked.permissions.append(GroupPermission(permission="image_delete"))

    url = f"{GROUPS}/lab/users/mallory"
    answer = meanwhile(
        groups.find, "lab", grant, lambda: people.mallory.client.put(url, status="*")
    )
    assert_denied("put", answer, 403, DENIED, "image_delete")


def test_a_suspended_user_does_not_let_herself_in_by_a_request_that_waited(people, meanwhile):
    people.join("clerks", people.mallory, permissions=[Permission.USER_MODIFY])
    client = people.mallory.client

    def suspend(session, user):
        user.suspended = True

    again = {"suspended": "no"}
    answer = meanwhile(
        users.find,
        "mallory",
        suspend,
        lambda: client.patch(f"{USERS}/mallory", again, status="*"),
    )
    assert (answer.status_int, answer.json["code"]) == (403, "account-suspended")
    client.get("/api/whoami", status=403)


def test_who_became_an_admin_meanwhile_is_changed_by_admins_only(people, meanwhile):
    people.join("clerks", people.mallory, permissions=[Permission.USER_MODIFY])
    client, mine = people.mallory.client, {"cert_dn": "/CN=Mallory"}
    assert people.sam

    def promote(session, user):
        groups.add_member(session, groups.find(session, "admins"), user)

    answer = meanwhile(
        users.find,
        "sam",
        promote,
        lambda: client.post(f"{USERS}/sam/certificates", mine, status="*"),
    )
    assert_denied("post", answer, 403, DENIED, "admins")


# --- an admin remains


def own_certificate(client):
    return client.get("/api/whoami").json["certificates"][0]


# What an admin asks about an admin.
ENDS = {
    "leaves": lambda client, name: client.delete(f"{GROUPS}/admins/users/{name}", status="*"),
    "list": lambda client, name: client.patch_json(
        f"{GROUPS}/admins", {"users": ["weak"]}, status="*"
    ),
    "nobody": lambda client, name: client.patch_json(f"{GROUPS}/admins", {"users": []}, status="*"),
    "suspended": lambda client, name: client.patch(
        f"{USERS}/{name}", {"suspended": "1"}, status="*"
    ),
    "deleted": lambda client, name: client.delete(f"{USERS}/{name}", status="*"),
    "images": lambda client, name: client.delete(f"{USERS}/{name}?images=give:weak", status="*"),
    "certificate": lambda client, name: client.delete(own_certificate(client), status="*"),
}


@pytest.fixture
def weak(people):
    """An admin who cannot come in, so that `admins` is not empty."""
    people.join("admins", people.weak)
    with people.sessions.changing.begin() as session:
        users.find(session, "weak").suspended = True
    return people.weak


@pytest.mark.parametrize("end", ENDS)
def test_no_request_leaves_admins_without_one_who_can_come_in(people, weak, end):
    client = people.admin.client
    people.admin.create("x")
    before = client.get(f"{GROUPS}/admins").json
    if end == "deleted":
        client.delete("/api/images/x?purge=true")
    answer = ENDS[end](client, "admin")
    assert answer.status_int == 409
    assert answer.headers["X-Repoman-Error"] == answer.json["code"] == "last-admin"
    assert client.get(f"{GROUPS}/admins").json == before
    people.join("admins", people.second)
    assert ENDS[end](client, "admin").status_int == (409 if end in {"list", "nobody"} else 200)


def able_admins(*people):
    """Return those who can come in and administer."""
    answers = {one.name: one.client.get("/api/whoami", status="*") for one in people}
    return [
        name
        for name, answer in answers.items()
        if answer.status_int == 200 and "user_create" in answer.json["permissions"]
    ]


def at_once(*requests):
    """Send requests at the same moment; return the statuses in order of size."""
    ready = threading.Barrier(len(requests))

    def send(request):
        ready.wait(20)
        return request()

    with ThreadPoolExecutor(len(requests)) as pool:
        return sorted(answer.status_int for answer in pool.map(send, requests))


@pytest.mark.parametrize("ends", [
    ("leaves", "leaves"), ("suspended", "suspended"), ("certificate", "certificate"),
    ("deleted", "deleted"), ("leaves", "suspended"), ("certificate", "deleted"),
])  # fmt: skip
def test_of_two_admins_who_go_at_the_same_moment_one_remains(people, weak, ends):
    people.join("admins", people.ann, people.bea)
    mine = [lambda one=one, end=end: ENDS[end](one.client, one.name)
            for one, end in zip((people.ann, people.bea), ends, strict=True)]  # fmt: skip
    assert at_once(*mine) == [200, 409]
    assert len(able_admins(people.ann, people.bea)) == 1


@pytest.mark.parametrize("end", ["leaves", "suspended", "deleted"])
def test_of_two_admins_who_put_out_each_other_one_remains(people, weak, end):
    """The second is no admin any more, or would be the last: which, hangs on what was locked."""
    people.join("admins", people.ann, people.bea)
    pairs = ((people.ann, people.bea), (people.bea, people.ann))
    first, second = at_once(
        *(lambda one=one, other=other: ENDS[end](one.client, other.name) for one, other in pairs)
    )
    assert (first, second) in {(200, 403), (200, 409)}
    assert len(able_admins(people.ann, people.bea)) == 1


@pytest.mark.parametrize("way", ["member", "admin", "named", "list"])
def test_who_is_deleted_meanwhile_is_not_added(people, meanwhile, way):
    people.join("lab", people.bob)
    client = people.admin.client
    ways = {
        "member": (404, lambda: client.put(f"{GROUPS}/lab/users/bob", status="*")),
        "admin": (404, lambda: client.put(f"{GROUPS}/lab/admins/bob", status="*")),
        "named": (400, lambda: client.post(f"{GROUPS}/lab/admins", {"name": "bob"}, status="*")),
        "list": (400, lambda: client.patch(f"{GROUPS}/lab", {"users": "bob"}, status="*")),
    }
    status, request = ways[way]
    answer = meanwhile(users.find, "bob", lambda session, bob: session.delete(bob), request)
    assert answer.status_int == status
    assert client.get(f"{GROUPS}/lab").json["users"] == []


def test_an_image_is_not_changed_by_who_lost_the_right_while_waiting_for_it(people, meanwhile):
    people.join("lab", people.alice, people.bob)
    people.alice.create(group="lab", group_access="write")
    url = "/api/images/alice/debian12"

    def find(session, name, *, lock):
        return images.find(session, None, name, owner_name="alice", lock=lock)

    def put_out(session, image):
        groups.remove_member(session, image.group, users.find(session, "bob"))

    change = people.bob.client
    answer = meanwhile(
        find, "debian12", put_out, lambda: change.patch(url, {"description": "x"}, status="*")
    )
    assert answer.status_int == 404
    assert people.alice.client.get(url).json["description"] is None

"""No way up: each sentence of REST.markdown's, written as an attack.

An attacker has all the permissions that help, and lacks one.
"""

import pytest

from repoman.identity import Permission
from repoman.services import groups
from tests import standing
from tests.factories import FILE, People
from tests.rights import DENIED, all_rows, assert_denied

GROUPS, USERS = "/api/groups", "/api/users"
EVERY = list(Permission)
MEMBERSHIP, PERMISSIONS = Permission.GROUP_MODIFY_MEMBERSHIP, Permission.GROUP_MODIFY_PERMISSIONS
SCOPED = {
    Permission.IMAGE_MODIFY_GROUP: "image_modify",
    Permission.IMAGE_DELETE_GROUP: "image_delete",
}


def without(permission, *needed):
    """List every permission but one, which must not be what the attack itself needs."""
    assert permission not in needed
    return [one for one in EVERY if one is not permission]


@pytest.fixture
def refused(sessions):
    """Check that each attack is refused, names what is missing, and has changed nothing."""

    def check(missing, *attacks):
        before = all_rows(sessions)
        for number, attack in enumerate(attacks):
            assert_denied((missing, number), attack(), 403, DENIED, missing)
            assert all_rows(sessions) == before, number

    return check


def everybody_without(people, *missing):
    """Make `users`, which everybody joins, confer nothing of what an attacker is to lack."""
    for permission in missing:
        people.admin.client.delete(f"{GROUPS}/users/permissions/{permission}", status=200)


def ways_in(client, group, user):
    """List the requests that put a user into a group."""
    present = [url.rsplit("/", 1)[1] for url in client.get(f"{GROUPS}/{group}/users").json]
    new = {"user_name": f"new-{user}", "cert_dn": "/CN=Puppet", "groups": group}
    return [
        lambda: client.put(f"{GROUPS}/{group}/users/{user}", status="*"),
        lambda: client.post(f"{GROUPS}/{group.upper()}/users/{user}", status="*"),
        lambda: client.post(f"{GROUPS}/{group}/users", {"name": user}, status="*"),
        lambda: client.patch_json(f"{GROUPS}/{group}", {"users": [*present, user]}, status="*"),
        lambda: client.post(f"{GROUPS}/{group}", {"users": user}, status="*"),
        lambda: client.put(f"{GROUPS}/{group}/admins/{user}", status="*"),
        lambda: client.post(f"{GROUPS}/{group}/admins/{user}", status="*"),
        lambda: client.post(f"{GROUPS}/{group}/admins", {"name": user}, status="*"),
        lambda: client.post_json(USERS, new, status="*"),
    ]


# --- who may do more


@pytest.mark.parametrize("lacked", [one for one in EVERY if one is not MEMBERSHIP])
def test_nobody_adds_a_user_to_a_group_that_confers_a_permission_they_lack(people, refused, lacked):
    everybody_without(people, lacked)
    people.join("strong", people.sam, permissions=[lacked])
    held = without(lacked, MEMBERSHIP)
    people.join("clerks", people.mallory, people.accomplice, permissions=held)
    for user in ("mallory", "accomplice"):
        refused(str(lacked), *ways_in(people.mallory.client, "strong", user))


@pytest.mark.parametrize("lacked", [one for one in EVERY if one is not PERMISSIONS])
def test_nobody_adds_a_permission_that_they_lack(people, refused, lacked):
    """To no group: not to the own, not as its admin, not to a new one."""
    everybody_without(people, lacked)
    people.join("clerks", people.mallory, permissions=without(lacked, PERMISSIONS))
    people.join("own", people.mallory, admin=True)
    people.join("other", people.bob)
    client = people.mallory.client
    new = {"name": "new", "permissions": str(lacked)}
    for group in ("clerks", "own", "other", "users"):
        url = f"{GROUPS}/{group}"
        present = client.get(f"{url}/permissions").json
        whole = {"permissions": [*present, lacked]}
        refused(
            str(lacked),
            lambda url=url: client.put(f"{url}/permissions/{lacked}", status="*"),
            lambda url=url: client.post(f"{url}/permissions/{lacked}", status="*"),
            lambda url=url: client.post(f"{url}/permissions", {"name": lacked}, status="*"),
            lambda url=url, whole=whole: client.patch_json(url, whole, status="*"),
        )
    missing = "group_create" if lacked is Permission.GROUP_CREATE else str(lacked)
    refused(missing, lambda: client.post(GROUPS, new, status="*"))


def test_who_has_what_a_group_confers_may_add_to_it(people):
    held = [MEMBERSHIP, Permission.USER_CREATE, Permission.IMAGE_MODIFY, Permission.IMAGE_DELETE]
    people.join("clerks", people.carl, permissions=held)
    for number in range(9):
        people.join(f"lab{number}", people.sam, permissions=[Permission.IMAGE_DELETE])
        answer = ways_in(people.carl.client, f"lab{number}", people.bob.name)[number]()
        assert answer.status_int == (201 if number == 8 else 200)


def test_a_groups_admin_adds_to_the_own_group_whatever_it_confers(people):
    people.join("strong", people.gus, admin=True, permissions=[Permission.IMAGE_DELETE])
    for number in range(8):
        people.gus.client.delete(f"{GROUPS}/strong/users/{people.bob.name}")
        answer = ways_in(people.gus.client, "strong", "bob")[number]()
        assert answer.status_int == 200
        assert "image_delete" in people.bob.client.get("/api/whoami").json["permissions"]
        people.join("strong", people.gus, admin=True)


def test_a_groups_admin_adds_only_users_that_exist_and_makes_none(people, refused):
    people.join("strong", people.gus, admin=True)
    people.join("clerks", people.gus, permissions=[Permission.USER_CREATE])
    new = {"user_name": "puppet", "cert_dn": "/CN=Puppet", "groups": "strong"}
    client = people.gus.client
    refused("group_modify_membership", lambda: client.post(USERS, new, status="*"))


def test_removing_takes_no_such_thing(people):
    people.join("strong", people.sam, people.bob, permissions=EVERY)
    people.join("strong", people.gus, admin=True)
    people.join("clerks", people.carl, permissions=[MEMBERSHIP, PERMISSIONS])
    carl = people.carl.client
    carl.delete(f"{GROUPS}/strong/admins/{people.gus.name}", status=200)
    carl.delete(f"{GROUPS}/strong/users/{people.sam.name}", status=200)
    carl.patch_json(f"{GROUPS}/strong", {"users": ["bob"]}, status=200)
    carl.delete(f"{GROUPS}/strong/permissions/image_delete", status=200)
    carl.patch_json(f"{GROUPS}/strong", {"permissions": ["image_modify"]}, status=200)
    shown = carl.get(f"{GROUPS}/strong").json
    assert [url.rsplit("/", 1)[1] for url in shown["users"]] == ["bob"]
    assert shown["permissions"] == ["image_modify"]


def test_both_lists_at_once_are_no_way_round(people, refused):
    """Nobody is added while the permission that is missing stays or comes."""
    people.join("strong", people.sam, permissions=[Permission.IMAGE_DELETE])
    people.join("weak", people.sam)
    people.join("clerks", people.mallory, permissions=[MEMBERSHIP, PERMISSIONS])
    client = people.mallory.client
    both = {"users": "sam,mallory", "permissions": "image_delete"}
    kept = {"users": "sam,mallory", "permissions": "image_delete,image_create"}
    refused(
        "image_delete",
        lambda: client.patch(f"{GROUPS}/weak", both, status="*"),
        lambda: client.patch(f"{GROUPS}/strong", both, status="*"),
        lambda: client.patch(f"{GROUPS}/strong", kept, status="*"),
    )
    client.patch(f"{GROUPS}/strong", {"users": "sam,mallory", "permissions": ""}, status=200)
    assert "image_delete" not in client.get("/api/whoami").json["permissions"]


def test_an_admin_is_not_made_of_a_member_either(people, refused):
    """The new admin would add the attacker in return."""
    people.join("strong", people.accomplice, permissions=[Permission.IMAGE_DELETE])
    people.join("clerks", people.mallory, permissions=[MEMBERSHIP, Permission.IMAGE_MODIFY])
    url, client = f"{GROUPS}/strong/admins", people.mallory.client
    refused(
        "image_delete",
        lambda: client.put(f"{url}/accomplice", status="*"),
        lambda: client.post(url, {"name": "accomplice"}, status="*"),
    )


# --- permissions that count in one group only


@pytest.mark.parametrize("scoped", SCOPED)
def test_a_permission_that_counts_in_one_group_gives_no_right_in_another(people, refused, scoped):
    people.join("strong", people.sam, permissions=[scoped])
    people.join("weak", people.sam, people.mallory)
    client, missing = people.mallory.client, SCOPED[scoped]
    held = [MEMBERSHIP, PERMISSIONS, Permission.GROUP_CREATE, Permission.USER_CREATE, scoped]
    # To make an admin takes both of these; the attacker is to lack just one.
    held += {Permission.IMAGE_MODIFY, Permission.IMAGE_DELETE} - {Permission(missing)}
    people.join("clerks", people.mallory, permissions=held)
    refused(missing, *ways_in(client, "strong", "mallory"))
    refused(
        missing,
        lambda: client.put(f"{GROUPS}/weak/permissions/{scoped}", status="*"),
        lambda: client.post(GROUPS, {"name": "new", "permissions": scoped}, status="*"),
    )
    # In the very group that confers it, and with the permission that includes it, it is had.
    client.put(f"{GROUPS}/clerks/users/{people.bob.name}", status=200)
    people.join("wide", people.mallory, permissions=[Permission(missing)])
    client.put(f"{GROUPS}/strong/users/bob", status=200)
    client.put(f"{GROUPS}/weak/permissions/{scoped}", status=200)


# --- other people's images


def test_nobody_becomes_admin_of_a_group_to_get_at_its_images(people, refused):
    """A group's admin sees, changes and deletes what others have put there, shared with nobody."""
    people.join("lab", people.alice)
    people.alice.create("private", group="lab", group_access="none")
    people.join("clerks", people.mallory, permissions=[MEMBERSHIP])
    client, url = people.mallory.client, f"{GROUPS}/lab/admins"
    attacks = [
        lambda: client.put(f"{url}/mallory", status="*"),
        lambda: client.post(url, {"name": "mallory"}, status="*"),
    ]
    refused("image_modify", *attacks)
    client.put(f"{GROUPS}/lab/users/mallory", status=200)
    refused("image_modify", *attacks)
    client.get("/api/images/alice/private", status=404)


# --- everybody's images


@pytest.fixture(params=["users", "lab"])
def site(request, ini, sessions, authority):
    """People of a server whose default group is the one or the other; bob's image is in it."""
    with sessions.changing.begin() as session:
        groups.create(session, "lab")
    with standing.serving(ini | {"repoman.default_group": request.param}) as application:
        made = People(application, sessions, authority)
        made.join(request.param, made.bob)
        made.bob.create("private")
        yield made, request.param


def test_admins_of_the_default_group_are_made_by_who_has_everybodys_images(site, refused):
    """Whoever names no group has the images there, shared with nobody."""
    people, default = site
    people.join("clerks", people.mallory, people.accomplice, permissions=[MEMBERSHIP])
    client, url = people.mallory.client, f"{GROUPS}/{default}/admins"
    client.get("/api/images/bob/private", status=404)
    for user in ("mallory", "accomplice"):
        attacks = [
            lambda user=user: client.put(f"{url}/{user}", status="*"),
            lambda user=user: client.post(url, {"name": user}, status="*"),
        ]
        refused("image_modify", *attacks)
    people.join("modifiers", people.mallory, permissions=[Permission.IMAGE_MODIFY])
    refused("image_delete", *attacks)
    people.join("deleters", people.mallory, permissions=[Permission.IMAGE_DELETE])
    client.put(f"{url}/accomplice", status=200)
    # Who is one makes more, and anybody who may can unmake them.
    people.accomplice.client.put(f"{url}/{people.carl.name}", status=200)
    people.join("second", people.dave, permissions=[MEMBERSHIP])
    people.dave.client.delete(f"{url}/carl", status=200)


def test_a_certificate_of_the_default_groups_admin_takes_everybodys_images_too(site, refused):
    people, default = site
    people.join(default, people.gus, admin=True)
    people.join("clerks", people.mallory, permissions=[Permission.USER_MODIFY])
    mine = {"cert_dn": "/CN=Mallory"}
    client = people.mallory.client
    refused(
        "image_modify",
        lambda: client.post(f"{USERS}/gus/certificates", mine, status="*"),
        lambda: client.patch(f"{USERS}/gus", mine, status="*"),
    )
    client.post(f"{USERS}/bob/certificates", mine, status=201)


# --- certificates


@pytest.mark.parametrize("lacked", [one for one in EVERY if one is not Permission.USER_MODIFY])
def test_nobody_gives_a_certificate_to_who_has_a_permission_they_lack(people, refused, lacked):
    """Whoever holds it would be that user."""
    everybody_without(people, lacked)
    people.join("strong", people.sam, permissions=[lacked])
    held = without(lacked, Permission.USER_MODIFY)
    people.join("clerks", people.mallory, permissions=held)
    client, mine = people.mallory.client, {"cert_dn": "/CN=Mallory"}
    refused(
        str(lacked),
        lambda: client.post(f"{USERS}/sam/certificates", mine, status="*"),
        lambda: client.patch(f"{USERS}/sam", mine, status="*"),
        lambda: client.post(f"{USERS}/sam", {"full_name": "x", **mine}, status="*"),
    )
    client.patch(f"{USERS}/sam", {"full_name": "Sam", "suspended": "yes"}, status=200)
    client.patch(f"{USERS}/{people.bob.name}", mine, status=200)


@pytest.mark.parametrize("scoped", SCOPED)
def test_nor_to_who_has_in_one_group_what_they_have_in_another(people, refused, scoped):
    people.join("strong", people.sam, permissions=[scoped])
    people.join("clerks", people.mallory, permissions=[Permission.USER_MODIFY, scoped])
    client, mine = people.mallory.client, {"cert_dn": "/CN=Mallory"}
    refused(SCOPED[scoped], lambda: client.post(f"{USERS}/sam/certificates", mine, status="*"))
    people.join("clerks", people.bob)
    client.post(f"{USERS}/bob/certificates", mine, status=201)


# --- names that somebody gave up


def test_a_freed_name_brings_no_right_of_who_had_it(people):
    people.join("strong", people.sam, admin=True, permissions=[Permission.IMAGE_DELETE])
    people.bob.create("x")
    people.bob.upload("x", FILE)
    people.bob.client.post("/api/images/x/share/user/sam")
    people.join("clerks", people.mallory, permissions=[Permission.USER_MODIFY])
    client = people.mallory.client
    client.patch(f"{USERS}/sam", {"user_name": "former"}, status=200)
    client.patch(f"{USERS}/mallory", {"user_name": "sam"}, status=200)
    assert "image_delete" not in client.get("/api/whoami").json["permissions"]
    client.get("/api/images/bob/x", status=404)
    client.put(f"{GROUPS}/strong/users/bob", status=403)
    people.sam.client.get("/api/images/bob/x", status=200)


def test_a_group_of_a_freed_name_has_nothing_of_the_former(people):
    people.join("lab", people.bob, people.sam, permissions=[Permission.IMAGE_DELETE])
    people.bob.create("mine", group="lab", group_access="write")
    people.bob.create("lent", group=None)
    people.bob.client.post("/api/images/lent/share/group/lab")
    held = [Permission.GROUP_CREATE, Permission.GROUP_DELETE, Permission.GROUP_MODIFY]
    people.join("clerks", people.mallory, permissions=held)
    client = people.mallory.client
    client.patch(f"{GROUPS}/lab", {"name": "former"}, status=200)
    client.post(GROUPS, {"name": "lab"}, status=201)
    for image in ("mine", "lent"):
        client.get(f"/api/images/bob/{image}", status=404)
        people.sam.client.get(f"/api/images/bob/{image}", status=200)
    client.delete(f"{GROUPS}/former", status=200)
    client.post(GROUPS, {"name": "former"}, status=201)
    for image in ("mine", "lent"):
        client.get(f"/api/images/bob/{image}", status=404)
        people.sam.client.get(f"/api/images/bob/{image}", status=404)
    shown = people.bob.client.get("/api/images/mine").json
    assert (shown["group"], shown["group_access"]) == (None, "none")

"""Who may do what to a group, role by role and field by field.

The expected answers are typed by hand from the contract, never computed from the code's own table.
"""

from functools import partial

import pytest

from repoman.identity import Permission
from repoman.services import groups, users
from tests.rights import ask, read_table, try_cell, try_row

# What is tried on a group that has the member mia and the admin gus, and confers what every user
# has by `users`. {me} is who asks.
ACTIONS = {
    "see": ask("GET", "groups/{group}"),
    "lst": ask("GET", "groups/{group}/admins"),
    "mak": ask("POST", "groups", {"name": "new-{group}"}),
    "mku": ask("POST", "groups", {"name": "new-{group}", "users": "zoe"}),
    "mkp": ask("POST", "groups", {"name": "new-{group}", "permissions": "image_create"}),
    "nam": ask("PATCH", "groups/{group}", {"name": "renamed-{group}"}),
    "dsc": ask("PATCH", "groups/{group}", {"description": "changed"}),
    "u+": ask("PATCH", "groups/{group}", {"users": "mia,gus,zoe"}),
    "u-": ask("POST", "groups/{group}", {"users": "gus"}),
    "prm": ask("PATCH", "groups/{group}", {"permissions": "image_create"}),
    "del": ask("DELETE", "groups/{group}"),
    "+u": ask("PUT", "groups/{group}/users/zoe"),
    "+n": ask("POST", "groups/{group}/users", {"name": "zoe"}),
    "+me": ask("POST", "groups/{group}/users/{me}"),
    "-u": ask("DELETE", "groups/{group}/users/mia"),
    "-me": ask("DELETE", "groups/{group}/users/{me}"),
    "+a": ask("PUT", "groups/{group}/admins/mia"),
    "+an": ask("POST", "groups/{group}/admins", {"name": "zoe"}),
    "+am": ask("PUT", "groups/{group}/admins/{me}"),
    "-a": ask("DELETE", "groups/{group}/admins/gus"),
    "-am": ask("DELETE", "groups/{group}/admins/{me}"),
    "+p": ask("PUT", "groups/{group}/permissions/image_create"),
    "+pn": ask("POST", "groups/{group}/permissions", {"name": "image_create"}),
    "-p": ask("DELETE", "groups/{group}/permissions/user_modify_self"),
}

EXPECTED = read_table("""
.                        see lst|mak mku mkp|nam dsc u+  u-  prm del|+u  +n  +me|-u  -me|+a  +an +am -a  -am|+p  +pn -p
admin                    200 200|201 201 201|200 200 200 200 200 200|200 200 200|200 200|200 200 200 200 200|200 200 200
user_create              200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
user_modify              200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
user_delete              200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
user_modify_self         200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
group_create             200 200|201  U   P | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
group_modify             200 200| C   C   C |200 200  U   U   P   D | U   U   U | U  200| U   U   U   U   U | P   P   P
group_delete             200 200| C   C   C | M   M   M   M   M  200| U   U   U | U  200| U   U   U   U   U | P   P   P
group_modify_membership  200 200| C   C   C | M   M  200 200  P   D |200 200 200|200 200| i   i   i  200 200| P   P   P
group_modify_permissions 200 200| C   C   C | M   M   U   U  200  D | U   U   U | U  200| U   U   U   U   U |200 200 200
image_create             200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
image_modify             200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
image_delete             200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
image_modify_group       200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
image_delete_group       200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
create_and_membership    200 200|201 201  P | M   M  200 200  P   D |200 200 200|200 200| i   i   i  200 200| P   P   P
create_and_permissions   200 200|201  U  201| M   M   U   U  200  D | U   U   U | U  200| U   U   U   U   U |200 200 200
group_admin              200 200| C   C   C | M  200 200 200  P   D |200 200 200|200 200|200 200 200 200 200| P   P   P
admin_elsewhere          200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
member                   200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
stranger                 200 200| C   C   C | M   M   M   M   M   D | U   U   U | U  200| U   U   U   U   U | P   P   P
limited_admin            200 200| l   l   l | l   l   l   l   l   l | l   l   l | l   l | l   l   l   l   l | l   l   l
limited_group_admin      200 200| l   l   l | l   l   l   l   l   l | l   l   l | l   l | l   l   l   l   l | l   l   l
suspended                 s   s | s   s   s | s   s   s   s   s   s | s   s   s | s   s | s   s   s   s   s | s   s   s
unregistered              x   x | x   x   x | x   x   x   x   x   x | x   x   x | x   x | x   x   x   x   x | x   x   x
anonymous                 n   n | n   n   n | n   n   n   n   n   n | n   n   n | n   n | n   n   n   n   n | n   n   n
""")  # noqa: E501 - a role a line

# Of the protected group `users`, which confers what every role has.
PROTECTED = read_table("""
.                        nam dsc del +u  -u  -me -p
group_delete              M   M   p   U   U  200 P
group_modify              p  200  D   U   U  200 P
group_modify_membership   M   M   D  200 200 200 P
group_modify_permissions  M   M   D   U   U  200 200
stranger                  M   M   D   U   U  200 P
admin                     p  200  p  200 200 200 200
""")

# Of `admins`, which only an admin changes in any way; leaving it while one is not in it is a change
# too.
ADMINS = {"nam", "dsc", "u+", "prm", "del", "+u", "+n", "+me", "-u", "-me", "+a", "+an", "+am",
          "-a", "-am", "+p", "+pn", "-p"}  # fmt: skip

COMBINED = {
    "create_and_membership": (Permission.GROUP_CREATE, Permission.GROUP_MODIFY_MEMBERSHIP),
    "create_and_permissions": (Permission.GROUP_CREATE, Permission.GROUP_MODIFY_PERMISSIONS),
}


@pytest.fixture
def crowd(people):
    """Whom the actions name."""
    people.join("rest", people.zoe, people.mia, people.gus)
    return people


def make(people, role, number):
    """Make a group and somebody who has the role; return a client and the names."""
    person, group = getattr(people, f"p{number}"), f"lab-{number}"
    fields = {"permissions": [Permission.USER_MODIFY_SELF]}
    people.join(group, people.mia, **fields)
    people.join(group, people.gus, admin=True)
    if role in set(Permission):
        people.join(role, person, permissions=[role])
    elif role in COMBINED:
        people.join(role, person, permissions=COMBINED[role])
    elif role in {"group_admin", "limited_group_admin"}:
        people.join(group, person, admin=True)
    elif role == "member":
        people.join(group, person)
    elif role == "admin_elsewhere":
        people.join("second", person, admin=True)
    elif role in {"admin", "limited_admin"}:
        people.join("admins", person)
    return client_of(people, role, person), {"me": person.name, "group": group}


def client_of(people, role, person):
    if role.startswith("limited"):
        return people.client(person.holder.proxy(limited=True))
    if role == "suspended":
        with people.sessions.changing.begin() as session:
            users.find(session, person.name).suspended = True
    if role == "unregistered":
        return people.client(people.holder("Nobody"))
    return people.anonymous if role == "anonymous" else person.client


@pytest.mark.parametrize("role", EXPECTED)
def test_each_role_may_do_to_groups_what_the_contract_says(crowd, sessions, role):
    assert set(EXPECTED[role]) == set(ACTIONS)
    try_row(role, EXPECTED[role], ACTIONS, partial(make, crowd, role), sessions)


@pytest.mark.parametrize("role", PROTECTED)
def test_a_protected_group_is_neither_deleted_nor_renamed(crowd, sessions, role):
    def make_for_users(number):
        client, names = make(crowd, role, number)
        return client, names | {"group": "users"}

    try_row(role, PROTECTED[role], ACTIONS, make_for_users, sessions)


@pytest.mark.parametrize("role", ["everything", "group_admin", "stranger"])
def test_only_an_admin_changes_admins_in_any_way(crowd, sessions, role):
    """Not even who holds every permission by another group."""
    crowd.join("admins", crowd.mia, crowd.gus)
    crowd.join("everything", crowd.eve, permissions=list(Permission))
    person = {"everything": crowd.eve, "group_admin": crowd.gil, "stranger": crowd.rob}[role]
    crowd.join("lab", crowd.gil, admin=True)
    names = {"me": person.name, "group": "admins"}
    for action in sorted(ADMINS):
        act = partial(ACTIONS[action], person.client, names)
        try_cell((role, action), "A", sessions, act)


def test_an_admin_changes_admins(crowd):
    crowd.join("admins", crowd.mia, crowd.gus)
    names = {"me": crowd.admin.name, "group": "admins"}
    for action in sorted(ADMINS - {"nam", "del"}):
        assert ACTIONS[action](crowd.mia.client, names).status_int == 200, action
        crowd.join("admins", crowd.mia, crowd.gus)
    for action in ("nam", "del"):
        answer = ACTIONS[action](crowd.mia.client, names)
        assert (answer.status_int, answer.json["code"]) == (403, "group-protected")


def test_a_group_admin_creates_images_in_the_group_without_image_create(people, sessions):
    people.join("lab", people.gus, admin=True)
    people.join("second", people.gus)
    with sessions.changing.begin() as session:
        everybody, gus = groups.find(session, "users"), users.find(session, "gus")
        groups.remove_member(session, everybody, gus)
    client = people.gus.client
    client.post_json("/api/images", {"name": "x", "group": "lab"}, status=201)
    for elsewhere in ({"group": "second"}, {"group": None}, {}):
        answer = client.post_json("/api/images", {"name": "y", **elsewhere}, status=403)
        assert answer.headers["X-Repoman-Permission"] == "image_create"
    client.delete("/api/groups/lab/admins/gus", status=200)
    client.post_json("/api/images", {"name": "y", "group": "lab"}, status=403)


def test_one_field_without_the_right_refuses_the_whole_change(people):
    people.join("lab", people.gus, admin=True)
    url = "/api/groups/lab"
    before = people.gus.client.get(url).json
    for fields, missing in (
        ({"description": "new", "name": "other"}, "group_modify"),
        ({"users": "gus", "description": "new", "permissions": ""}, "group_modify_permissions"),
    ):
        answer = people.gus.client.patch_json(url, fields, status=403)
        assert answer.headers["X-Repoman-Permission"] == missing
    assert people.gus.client.get(url).json == before
    # Sent back as it is, the name is no change.
    people.gus.client.patch_json(url, before | {"description": "new"}, status=200)

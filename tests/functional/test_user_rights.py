"""Who may do what to a user, role by role and field by field.

The expected answers are typed by hand from the contract, never computed from the code's own table.
"""

from functools import partial

import pytest

from repoman.identity import Permission
from repoman.services import groups, users
from tests.functional.test_group_rights import client_of
from tests.rights import ask, read_table, try_row


def changes(prefix, name):
    """Name what is tried on one user by the prefix of its columns."""
    url = f"users/{{{name}}}"
    return {
        f"{prefix}ful": ask("PATCH", url, {"full_name": "Changed"}),
        f"{prefix}eml": ask("POST", url, {"email": "changed-{me}@example.org"}),
        f"{prefix}nam": ask("PATCH", url, {"user_name": "renamed-{me}"}),
        f"{prefix}sus": ask("PATCH", url, {"suspended": True}),
        f"{prefix}dn": ask("PATCH", url, {"cert_dn": "/CN=Changed {me}"}),
        f"{prefix}+c": ask("POST", f"{url}/certificates", {"cert_dn": "/CN=Second {me}"}),
        f"{prefix}-c": ask("DELETE", f"{url}/certificates/{{{name}_id}}"),
        f"{prefix}del": ask("DELETE", url),
    }


# {bob} is a user, {root} an admin, {me} who asks: new ones each time, who own nothing. {ann} owns
# an image.
ACTIONS = {
    "see": ask("GET", "users/{bob}"),
    "crt": ask("GET", "users/{bob}/certificates"),
    "new": ask("POST", "users", {"user_name": "new-{me}", "cert_dn": "/CN=New {me}"}),
    "ngr": ask("POST", "users", {"user_name": "n-{me}", "cert_dn": "/CN={me}", "groups": "lab"}),
    **changes("", "bob"),
    "dim": ask("DELETE", "users/{ann}?images=delete"),
    "gim": ask("DELETE", "users/{ann}?images=give:zoe"),
    **changes("A", "root"),
    **changes("S", "me"),
}

EXPECTED = read_table("""
.                   see crt|new ngr|ful eml nam sus dn  +c  -c |del dim gim|Aful Aeml Anam Asus Adn A+c A-c Adel|Sful Seml Snam Ssus Sdn S+c S-c Sdel
admin               200 200|201 201|200 200 200 200 200 201 200|200 200 200|200  200  200  200  200 201 200 200 |200  200  200  200  200 201 200 200
user_create         200 200|201  U | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
user_modify         200 200| c   c |200 200 200 200 200 201 200| d   d   d | A    A    A    A    A   A   A   A  |200  200  200  200  200 201 200  d
user_delete         200 200| c   c | m   m   m   m   m   m   m |200  j   i | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m  200
user_modify_self    200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
group_create        200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
group_modify        200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
group_delete        200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
group_modify_membership  200 200| c c | m m m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
group_modify_permissions 200 200| c c | m m m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
image_create        200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
image_modify        200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
image_delete        200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
image_modify_group  200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
image_delete_group  200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
create_and_members  200 200|201 201| m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
delete_and_images   200 200| c   c | m   m   m   m   m   m   m |200 200  i | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m  200
delete_and_modify   200 200| c   c | m   m   m   m   m   m   m |200  j  200| A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m  200
create_group_admin  200 200|201  U | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
group_admin         200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
member              200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  |200  200   m    m    m   m   m   d
out_of_users        200 200| c   c | m   m   m   m   m   m   m | d   d   d | A    A    A    A    A   A   A   A  | m    m    m    m    m   m   m   d
limited_admin       200 200| l   l | l   l   l   l   l   l   l | l   l   l | l    l    l    l    l   l   l   l  | l    l    l    l    l   l   l   l
limited_group_admin 200 200| l   l | l   l   l   l   l   l   l | l   l   l | l    l    l    l    l   l   l   l  | l    l    l    l    l   l   l   l
suspended            s   s | s   s | s   s   s   s   s   s   s | s   s   s | s    s    s    s    s   s   s   s  | s    s    s    s    s   s   s   s
unregistered         x   x | x   x | x   x   x   x   x   x   x | x   x   x | x    x    x    x    x   x   x   x  | x    x    x    x    x   x   x   x
anonymous            n   n | n   n | n   n   n   n   n   n   n | n   n   n | n    n    n    n    n   n   n   n  | n    n    n    n    n   n   n   n
""")  # noqa: E501 - a role a line

COMBINED = {
    "create_and_members": (Permission.USER_CREATE, Permission.GROUP_MODIFY_MEMBERSHIP),
    "delete_and_images": (Permission.USER_DELETE, Permission.IMAGE_DELETE),
    "delete_and_modify": (Permission.USER_DELETE, Permission.IMAGE_MODIFY),
    "create_group_admin": (Permission.USER_CREATE,),
}


def make(people, role, number):
    """Make those that the actions are about, and somebody who has the role."""
    person = getattr(people, f"p{number}")
    if role in set(Permission):
        people.join(role, person, permissions=[role])
    elif role in COMBINED:
        people.join(role, person, permissions=COMBINED[role])
    elif role in {"admin", "limited_admin"}:
        people.join("admins", person)
    if role.endswith("group_admin"):
        people.join("lab", person, admin=True)
    elif role == "member":
        people.join("lab", person)
    elif role == "out_of_users":
        with people.sessions.changing.begin() as session:
            user = users.find(session, person.name)
            groups.remove_member(session, groups.find(session, "users"), user)
    letters = {"bob": "b", "root": "r", "ann": "a"}
    named = {"me": person} | {
        name: getattr(people, f"{letter}{number}") for name, letter in letters.items()
    }
    people.join("admins", named["root"])
    named["ann"].create(f"image-{number}")
    names = {key: one.name for key, one in named.items()}
    with people.sessions.reading() as session:
        for key, one in named.items():
            names[f"{key}_id"] = str(users.find(session, one.name).certificates[0].id)
    return client_of(people, role, person), names


@pytest.mark.parametrize("role", EXPECTED)
def test_each_role_may_do_to_users_what_the_contract_says(people, sessions, role):
    assert set(EXPECTED[role]) == set(ACTIONS)
    people.join("lab", people.zoe)
    people.join("admins", people.admin)
    try_row(role, EXPECTED[role], ACTIONS, partial(make, people, role), sessions)


def test_suspended_is_shown_to_holders_of_user_modify_also_of_an_admin(people):
    people.join("clerks", people.carl, permissions=[Permission.USER_MODIFY])
    url = f"/api/users/{people.admin.name}"
    assert people.carl.client.get(url).json["suspended"] is False
    assert "suspended" not in people.bob.client.get(url).json

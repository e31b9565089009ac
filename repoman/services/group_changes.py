"""What callers change of groups: each field with its own right (REST.markdown, "Who may do what").

What the caller confers by it is asked when the fields are known, and before any conflict.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from repoman.conferral import Grant, Place
from repoman.errors import GroupProtected, InvalidParameter, MissingParameter
from repoman.field_types import MOST_NAMES
from repoman.identity import Identity, Permission
from repoman.models import Group, User
from repoman.security import Action, require
from repoman.services import groups, permissions, users
from repoman.settings import Settings

FIELD_ACTIONS: Mapping[str, Action] = {
    "name": Action.RENAME_GROUP,
    "description": Action.DESCRIBE_GROUP,
    "users": Action.CHANGE_MEMBERS,
    "permissions": Action.CHANGE_PERMISSIONS,
    "quota": Action.SET_GROUP_QUOTA,
}
"""Fields, and what it takes to change them; for a new group, those of `BESIDES` take it too."""

BESIDES = ("users", "permissions", "quota")


def create(session: Session, caller: Identity, fields: Mapping[str, Any]) -> Group:
    """Make a group, of which the caller is an admin.

    Raises `PermissionDenied`, `InvalidParameter`, `GroupExists`.
    """
    for field in BESIDES:
        if fields.get(field) not in (None, []):
            require(caller, FIELD_ACTIONS[field])
    members = _find_users(session, fields.get("users"))
    conferred: Sequence[Permission] = fields.get("permissions") or ()
    for permission in conferred:
        require(caller, Action.GRANT, Grant(None, permission))
    group = groups.create(
        session,
        fields["name"],
        description=fields.get("description"),
        permissions=conferred,
        users=members,
        quota=fields.get("quota"),
    )
    creator = session.get(User, caller.user_id)
    if creator is not None:
        groups.appoint(session, group, creator)
    return group


def modify(
    session: Session, caller: Identity, group: Group, fields: Mapping[str, Any], settings: Settings
) -> None:
    """Change the ``fields`` of a group; the two lists are replaced.

    Raises `PermissionDenied`, `GroupProtected`, `MissingParameter`, `InvalidParameter`,
    `GroupExists`, `LastAdmin`.
    """
    for field in fields:
        require(caller, FIELD_ACTIONS[field], group)
    name = fields.get("name", group.name)
    if name is None:
        raise MissingParameter("A group needs a name.", field="name")
    if name != group.name:
        require_not_protected(group, settings)
    if "users" in fields:
        _require_listed_whole(session, group, settings)
    members = _find_users(session, fields.get("users"))
    if "permissions" in fields:
        _replace_permissions(session, caller, group, fields["permissions"] or ())
    if members and not set(members).issubset(groups.members(session, group)):
        require(caller, Action.ADD_MEMBER, Place(group, None))
    if name != group.name:
        groups.check_name_free(session, name)
        group.name = name
    if "description" in fields:
        group.description = fields["description"]
    if "quota" in fields:
        group.quota = fields["quota"]
    if "users" in fields:
        groups.replace_members(session, group, members)
    session.flush()


def grant(session: Session, caller: Identity, group: Group, permission: Permission) -> None:
    """Have the group confer a permission that a field names. Raises `PermissionDenied`."""
    require(caller, Action.GRANT, Grant(group, permission))
    permissions.add(session, group, permission)


def delete(session: Session, group: Group, settings: Settings) -> None:
    """Remove a group. Raises `GroupProtected`."""
    require_not_protected(group, settings)
    groups.delete(session, group)


def require_not_protected(group: Group, settings: Settings) -> None:
    """Raise `GroupProtected` where the server cannot do without the group."""
    if groups.is_protected(group, settings):
        raise GroupProtected(
            f"The group {group.name!r} cannot be deleted or renamed, for the server needs it."
        )


def _require_listed_whole(session: Session, group: Group, settings: Settings) -> None:
    """Refuse to replace a list of which nobody saw or can send the whole: the rest would go."""
    most = min(settings.list_max, MOST_NAMES)
    if groups.count_members(session, group) > most:
        raise InvalidParameter(
            f"The group has more than {most} users, and a list of them is cut off there; "
            f"add and remove users by /api/groups/{group.name}/users/USER.",
            field="users",
        )


def _find_users(session: Session, names: Sequence[str] | None) -> list[User]:
    # In one order, for each is locked: nobody must be deleted who is being added.
    found = (users.find(session, name, "users", lock=True) for name in sorted(names or ()))
    return list(dict.fromkeys(found))


def _replace_permissions(
    session: Session, caller: Identity, group: Group, wanted: Sequence[Permission]
) -> None:
    added = set(wanted) - permissions.of(group)
    for permission in (one for one in Permission if one in added):
        require(caller, Action.GRANT, Grant(group, permission))
    permissions.replace(session, group, wanted)

"""What groups confer on their members."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from repoman.errors import PermissionNotFound
from repoman.identity import Permission
from repoman.models import Group, GroupPermission


def find(name: str) -> Permission:
    """Return the permission that a URL names. Raises `PermissionNotFound`."""
    try:
        return Permission(name)
    except ValueError:
        raise PermissionNotFound(
            f"There is no permission {name[:100]!r}; there are {', '.join(Permission)}."
        ) from None


def of(group: Group) -> set[Permission]:
    """Return what the group confers."""
    return {Permission(row.permission) for row in group.permissions}


def add(session: Session, group: Group, permission: Permission) -> None:
    """Have the group confer ``permission``; no change where it does."""
    replace(session, group, of(group) | {permission})


def remove(session: Session, group: Group, permission: Permission) -> None:
    """Have the group confer ``permission`` no longer; no change where it does not."""
    replace(session, group, of(group) - {permission})


def replace(session: Session, group: Group, wanted: Collection[Permission]) -> None:
    """Have the group confer these and no others."""
    rows = {row.permission: row for row in group.permissions}
    group.permissions = [
        rows.get(str(one)) or GroupPermission(permission=str(one)) for one in wanted
    ]
    session.flush()

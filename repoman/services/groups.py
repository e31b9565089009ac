"""Groups and their members."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from repoman.errors import GroupExists, GroupNotFound, NotGroupMember
from repoman.identity import Permission
from repoman.models import Group, GroupPermission, Membership, User
from repoman.services import lookup


def find(session: Session, name: str, field: str | None = None, *, lock: bool = False) -> Group:
    """Return the group of that name, in any case; with ``lock``, until the commit.

    Raises `GroupNotFound`, or `InvalidParameter` where the name came in a ``field``.
    """
    return lookup.by_name(session, Group, name, GroupNotFound, field=field, lock=lock)


def list_all(session: Session) -> Sequence[Group]:
    """Return all groups by name."""
    return session.scalars(select(Group).order_by(Group.name)).all()


def create(
    session: Session,
    name: str,
    *,
    description: str | None = None,
    permissions: Sequence[Permission] = (),
    users: Sequence[User] = (),
) -> Group:
    """Make a group. Raises `GroupExists`."""
    if session.scalar(select(Group.id).where(Group.name == name)):
        raise GroupExists(f"There is a group {name!r} already; choose another name.")
    group = Group(
        name=name,
        description=description,
        permissions=[GroupPermission(permission=str(one)) for one in permissions],
    )
    session.add(group)
    session.flush()
    for user in users:
        add_member(session, group, user)
    return group


def membership(session: Session, group: Group, user: User) -> Membership | None:
    """Return the user's place in the group, or None."""
    return session.get(Membership, (user.id, group.id))


def require_member(session: Session, group: Group, owner: User) -> None:
    """Raise `NotGroupMember` unless the image's owner is in the group."""
    if membership(session, group, owner) is None:
        raise NotGroupMember(
            f"{owner.name}, the image's owner, is not in the group {group.name!r}; "
            "name one of the owner's groups.",
            field="group",
        )


def is_member(session: Session, group_name: str, user: User) -> bool:
    """Say whether ``user`` is in the group of that name."""
    return (
        session.scalar(
            select(Group.id)
            .join(Membership)
            .where(Group.name == group_name, Membership.user_id == user.id)
        )
        is not None
    )


def add_member(session: Session, group: Group, user: User, *, is_admin: bool = False) -> None:
    """Put a user into a group; no change where they are in it."""
    if membership(session, group, user) is None:
        session.add(Membership(user=user, group=group, is_admin=is_admin))
        session.flush()


def remove_member(session: Session, group: Group, user: User) -> None:
    """Take a user out of a group; no change where they are not in it. Images stay as they are."""
    found = membership(session, group, user)
    if found is not None:
        session.delete(found)
        session.flush()


def members(session: Session, group: Group) -> Sequence[User]:
    """Return the group's users by name."""
    return session.scalars(
        select(User).join(Membership).where(Membership.group_id == group.id).order_by(User.name)
    ).all()


def of_user(session: Session, user: User) -> Sequence[Group]:
    """Return the groups that a user is in, by name."""
    return session.scalars(
        select(Group)
        .join(Membership)
        .where(Membership.user_id == user.id)
        .order_by(Group.name)
        .options(selectinload(Group.permissions))
    ).all()

"""Groups and their members."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Select, func, select, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm import Session, selectinload

from repoman.errors import GroupExists, GroupNotFound, NotGroupMember
from repoman.identity import ADMINS, Permission
from repoman.models import Group, GroupPermission, Image, Membership, User, now
from repoman.models.folding import mentions
from repoman.services import lookup, pages
from repoman.services.last_admin import require_some_admin
from repoman.settings import Settings


def find(session: Session, name: str, field: str | None = None, *, lock: bool = False) -> Group:
    """Return the group of that name, in any case; with ``lock``, until the commit.

    Raises `GroupNotFound`, or `InvalidParameter` where the name came in a ``field``.
    """
    return lookup.by_name(session, Group, name, GroupNotFound, field=field, lock=lock)


def list_all(session: Session) -> Sequence[Group]:
    """Return all groups by name."""
    return session.scalars(select(Group).order_by(Group.name)).all()


def rows(text: str = "") -> Select[int, str]:
    """Select ids and names of the groups with ``text`` in name or description."""
    every = select(Group.id, Group.name)
    return every.where(mentions(text, Group.name, Group.description)) if text else every


def rows_of_user(user: User, text: str = "") -> Select[int, str]:
    """Select ids and names of the groups that a user is in, with ``text`` as in `rows`."""
    return rows(text).join(Membership).where(Membership.user_id == user.id)


def whole(session: Session, ids: Sequence[int]) -> list[Group]:
    """Return these groups, in this order, with all that is shown of them."""
    statement = select(Group).options(selectinload(Group.permissions, chunksize=pages.MOST))
    return pages.load(session, statement, Group.id, ids)


def create(
    session: Session,
    name: str,
    *,
    description: str | None = None,
    permissions: Sequence[Permission] = (),
    users: Sequence[User] = (),
    quota: int | None = None,
) -> Group:
    """Make a group. Raises `GroupExists`."""
    check_name_free(session, name)
    group = Group(
        name=name,
        description=description,
        quota=quota,
        permissions=[GroupPermission(permission=str(one)) for one in permissions],
    )
    session.add(group)
    session.flush()
    for user in users:
        add_member(session, group, user)
    return group


def check_name_free(session: Session, name: str) -> None:
    """Raise `GroupExists` where a group has the name."""
    if session.scalar(select(Group.id).where(Group.name == name)):
        raise GroupExists(f"There is a group {name!r} already; choose another name.")


def delete(session: Session, group: Group) -> None:
    """Remove a group with its memberships and shares; its images are nobody's but their owners'.

    Their group access goes too, for it must not come back with a later group.
    """
    session.execute(
        update(Image)
        .where(Image.group_id == group.id)
        .values(group_id=None, group_access="none", modified=now())
    )
    session.delete(group)
    session.flush()


def is_protected(group: Group, settings: Settings) -> bool:
    """Say whether the server cannot do without the group, under its name."""
    return group.protected or group.name == settings.default_group


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


def add_member(session: Session, group: Group, user: User) -> None:
    """Put a user into a group; no change where they are in it."""
    if membership(session, group, user) is None:
        session.add(Membership(user=user, group=group))
        session.flush()


def remove_member(session: Session, group: Group, user: User) -> None:
    """Take a user out of a group; no change where they are not in it. Images stay as they are.

    Raises `LastAdmin`.
    """
    found = membership(session, group, user)
    if found is not None:
        session.delete(found)
        session.flush()
        if group.name == ADMINS:
            require_some_admin(session)


def replace_members(session: Session, group: Group, wanted: Sequence[User]) -> None:
    """Have these and no others in the group; who stays keeps the role. Raises `LastAdmin`."""
    mine, keys = Membership.group_id == group.id, {user.id for user in wanted}
    present = set(session.scalars(select(Membership.user_id).where(mine)))
    # By statement, for whom is to go may be deleted by another request in this moment.
    session.execute(delete_rows(Membership).where(mine, Membership.user_id.in_(present - keys)))
    for user in wanted:
        if user.id not in present:
            session.add(Membership(user=user, group=group))
    session.flush()
    if group.name == ADMINS:
        require_some_admin(session)


def appoint(session: Session, group: Group, user: User) -> None:
    """Make a user an admin of the group, and a member first; no change where they are one."""
    add_member(session, group, user)
    _set_role(session, group, user, is_admin=True)


def dismiss(session: Session, group: Group, user: User) -> None:
    """Leave an admin of the group its mere member; no change for everybody else."""
    _set_role(session, group, user, is_admin=False)


def _set_role(session: Session, group: Group, user: User, *, is_admin: bool) -> None:
    found = membership(session, group, user)
    if found is not None:
        found.is_admin = is_admin
        session.flush()


def count_members(session: Session, group: Group) -> int:
    """Return the number of the group's users."""
    return session.scalar(select(func.count()).where(Membership.group_id == group.id)) or 0


def members(session: Session, group: Group) -> Sequence[User]:
    """Return all of the group's users."""
    return session.scalars(
        select(User).join(Membership).where(Membership.group_id == group.id)
    ).all()


def rows_of_members(group: Group) -> Select[int, str]:
    """Select ids and names of the group's users."""
    return select(User.id, User.name).join(Membership).where(Membership.group_id == group.id)


def rows_of_admins(group: Group) -> Select[int, str]:
    """Select ids and names of the group's admins."""
    return rows_of_members(group).where(Membership.is_admin)


def names_of_members(groups: Sequence[int]) -> Select[int, str]:
    """Select ids of groups and names of their users."""
    return select(Membership.group_id, User.name).join(User).where(Membership.group_id.in_(groups))


def of_user(session: Session, user: User) -> Sequence[Group]:
    """Return the groups that a user is in, by name."""
    return of_users(session, [user.id])[user.id]


def of_users(session: Session, users: Sequence[int]) -> Mapping[int, list[Group]]:
    """Return the groups that each user is in, by name, in one query for all users."""
    found: dict[int, list[Group]] = defaultdict(list)
    for key, group in session.execute(
        select(Membership.user_id, Group)
        .join(Group)
        .where(Membership.user_id.in_(users))
        .order_by(Group.name)
        .options(selectinload(Group.permissions))
    ):
        found[key].append(group)
    return found

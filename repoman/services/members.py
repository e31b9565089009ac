"""Who is in a group, by parts of a list that may be long."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from repoman.models import Group, Membership
from repoman.services import users


def rows(group: Group, text: str = "", *, admins_only: bool = False) -> Select[int, str]:
    """Select ids and names of the group's users, with ``text`` as in `users.rows`."""
    found = users.rows(text).join(Membership).where(Membership.group_id == group.id)
    return found.where(Membership.is_admin) if admins_only else found


def admins_among(session: Session, group: Group, ids: Sequence[int]) -> frozenset[int]:
    """Return those of these users who are the group's admins."""
    statement = select(Membership.user_id).where(
        Membership.group_id == group.id, Membership.is_admin, Membership.user_id.in_(ids)
    )
    return frozenset(session.scalars(statement))


def count_admins(session: Session, group: Group) -> int:
    """Return the number of the group's admins."""
    statement = select(func.count()).where(Membership.group_id == group.id, Membership.is_admin)
    return session.scalar(statement) or 0


def sizes(session: Session, groups: Sequence[int]) -> Mapping[int, int]:
    """Return the number of users of each of these groups, where there is one."""
    statement = (
        select(Membership.group_id, func.count().label("number"))
        .where(Membership.group_id.in_(groups))
        .group_by(Membership.group_id)
    )
    return {row.group_id: row.number for row in session.execute(statement)}

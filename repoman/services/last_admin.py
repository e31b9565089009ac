"""The group `ADMINS`: there is always somebody in it who can come in."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from repoman.errors import LastAdmin
from repoman.identity import ADMINS
from repoman.models import Certificate, Group, Membership, User


def require_some_admin(session: Session) -> None:
    """Keep at least one admin who can come in. Raises `LastAdmin`.

    Admins are counted under a lock on their group, so that two who remove each other at the same
    moment cannot both succeed.
    """
    session.flush()
    session.execute(select(Group.id).where(Group.name == ADMINS).with_for_update())
    if not has_admin(session):
        raise LastAdmin(
            f"This would leave {ADMINS} without a member who is not suspended and has a "
            "certificate; make another admin first."
        )


def has_admin(session: Session) -> bool:
    """Say whether a member of the group can come in: not suspended, and with a certificate."""
    able = session.scalar(
        select(func.count(User.id.distinct()))
        .join(Membership)
        .join(Group)
        .join(Certificate, Certificate.user_id == User.id)
        .where(Group.name == ADMINS, User.suspended.is_(False))
    )
    return bool(able)

"""Groups, who is in them, and what they may do."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repoman.models.meta import NEVER_REUSE_IDS, Base, Key, UtcDateTime, collated, now

if TYPE_CHECKING:
    from repoman.models.user import User


class Group(Base):
    """A group of users; ``name`` is in its folded form. A protected one cannot be deleted.

    ``quota`` is the bytes that its images may hold; null: what the settings say.
    """

    __tablename__ = "group"
    __table_args__ = NEVER_REUSE_IDS

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(collated(100), unique=True)
    description: Mapped[str | None] = mapped_column(String(4096))
    protected: Mapped[bool] = mapped_column(default=False)
    created: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    quota: Mapped[int | None] = mapped_column(BigInteger)

    memberships: Mapped[list[Membership]] = relationship(
        back_populates="group", cascade="all, delete-orphan", passive_deletes=True
    )
    permissions: Mapped[list[GroupPermission]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class Membership(Base):
    """A user in a group, perhaps as its admin."""

    __tablename__ = "membership"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    group_id: Mapped[int] = mapped_column(
        ForeignKey("group.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    is_admin: Mapped[bool] = mapped_column(default=False)

    user: Mapped[User] = relationship(back_populates="memberships")
    group: Mapped[Group] = relationship(back_populates="memberships")


class GroupPermission(Base):
    """A permission (`repoman.security.Permission`) that a group confers on its members."""

    __tablename__ = "group_permission"

    group_id: Mapped[int] = mapped_column(
        ForeignKey("group.id", ondelete="CASCADE"), primary_key=True
    )
    permission: Mapped[str] = mapped_column(collated(50), primary_key=True)

"""People and machines, and the certificates by which they are known."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repoman.models.meta import NEVER_REUSE_IDS, Base, Key, UtcDateTime, collated, now

if TYPE_CHECKING:
    from repoman.models.group import Membership


class User(Base):
    """Somebody with certificates. ``name`` is in its folded form.

    ``quota`` is the bytes that may be in use; null: what the settings say.
    """

    __tablename__ = "user"
    __table_args__ = NEVER_REUSE_IDS

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(collated(100), unique=True)
    full_name: Mapped[str | None] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(collated(255), unique=True)
    suspended: Mapped[bool] = mapped_column(default=False)
    created: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    quota: Mapped[int | None] = mapped_column(BigInteger)

    certificates: Mapped[list[Certificate]] = relationship(
        back_populates="user",
        order_by="Certificate.id",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )
    memberships: Mapped[list[Membership]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )


class Certificate(Base):
    """A distinguished name that is a user's, of one issuer or (``issuer`` '') of any.

    ``dn`` and ``issuer`` are `DistinguishedName.canonical`; '' and not NULL where no issuer is
    set, so that uniqueness holds. ``not_after`` is until when the certificate that was registered
    is valid, or one of the name shown since that is valid for longer; null where none was seen yet.
    """

    __tablename__ = "certificate"
    __table_args__ = (UniqueConstraint("dn", "issuer"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    dn: Mapped[str] = mapped_column(collated(1000))
    issuer: Mapped[str] = mapped_column(collated(1000), default="")
    shown_dn: Mapped[str] = mapped_column(Text)
    shown_issuer: Mapped[str | None] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship(back_populates="certificates")

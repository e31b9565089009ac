"""The audit trail: who changed what, kept beside what was changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from repoman.models.meta import NEVER_REUSE_IDS, Base, Key, UtcDateTime, collated, now


class AuditEntry(Base):
    """One change. It names users and objects by value, since it outlives them.

    ``user_id`` and ``user_name`` are null, and ``dn`` is too, for a change by ``repoman-admin``.
    ``dn`` is the name in the certificate that was shown, in the slash form. ``object`` is the path
    of the object's URL before the change, ``object_key`` the same for as long as the object lives.
    ``request`` is method and path, or the command; ``detail`` a JSON object, with what was sent.
    """

    __tablename__ = "audit"
    __table_args__ = NEVER_REUSE_IDS

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    time: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    user_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    user_name: Mapped[str | None] = mapped_column(collated(100), index=True)
    dn: Mapped[str | None] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(50))
    object: Mapped[str] = mapped_column(collated(400), index=True)
    object_key: Mapped[str] = mapped_column(collated(60), index=True)
    request: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(String(100), index=True)

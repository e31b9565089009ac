"""Uploads: under way, or broken off and waiting to be gone on with."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repoman.models.image import Image
from repoman.models.meta import NEVER_REUSE_IDS, Base, Key, UtcDateTime, collated, now
from repoman.models.user import User


class Protocol(StrEnum):
    """How the bytes come: by one PUT after another, by the form of a POST, or by tus."""

    PUT = "put"
    FORM = "form"
    TUS = "tus"


class Upload(Base):
    """A file on its way; ``uuid`` names its partial file, and will be the blob's key.

    How much has arrived, the partial file itself says. ``length`` is the whole file's in bytes,
    where it is known; of a form, the most that will come. ``reserved`` is what the upload counts
    for in its sender's use, in bytes. After ``expires`` the collector ends it, unless it moves.
    ``tus_metadata`` is the header Upload-Metadata as the client sent it.
    """

    __tablename__ = "upload"
    __table_args__ = (
        Index(
            "uq_upload_put",
            "user_id",
            "image_id",
            "hypervisor",
            unique=True,
            sqlite_where=text("protocol = 'put'"),
            postgresql_where=text("protocol = 'put'"),
        ),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uuid: Mapped[str] = mapped_column(collated(32), unique=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    hypervisor: Mapped[str] = mapped_column(collated(32))
    protocol: Mapped[str] = mapped_column(String(4))
    length: Mapped[int | None] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger, default=0)
    tus_metadata: Mapped[str | None] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    image: Mapped[Image] = relationship()
    user: Mapped[User] = relationship()

    @property
    def file_length(self) -> int | None:
        """The whole file's bytes, None where they are not known, as of a form."""
        return None if self.protocol == Protocol.FORM else self.length

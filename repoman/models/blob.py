"""Stored files: the immutable blobs, and the images that name them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repoman.models.image import Image
from repoman.models.meta import NEVER_REUSE_IDS, Base, Key, UtcDateTime, collated, now


class Blob(Base):
    """A file in the store, never changed once it is there.

    ``uuid`` is its key in the store, ``size`` in bytes, ``sha256`` in lower-case hex.
    ``unreferenced`` is when the collector first saw it without an image. What it was found to hold
    when it came in (`repoman.inspection`): ``format``, ``virtual_size`` in bytes, ``compression``
    around it, and ``dangers``, words separated by commas, null where there is none; ``format`` is
    null where nobody has looked. ``checked`` is when its bytes were last read against the digest,
    ``damaged`` when they were first found to differ, null while they do not.
    """

    __tablename__ = "blob"
    __table_args__ = NEVER_REUSE_IDS

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uuid: Mapped[str] = mapped_column(collated(32), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(collated(64), index=True)
    created: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    unreferenced: Mapped[datetime | None] = mapped_column(UtcDateTime)
    format: Mapped[str | None] = mapped_column(collated(20))
    virtual_size: Mapped[int | None] = mapped_column(BigInteger)
    compression: Mapped[str | None] = mapped_column(collated(20))
    dangers: Mapped[str | None] = mapped_column(String(255))
    checked: Mapped[datetime | None] = mapped_column(UtcDateTime)
    damaged: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ImageFile(Base):
    """A blob as a version of an image's file for one hypervisor. A copy is a new row on the blob.

    At most one version for a hypervisor is ``current``; the others are earlier ones that are kept,
    or in the trash since ``trashed``.
    """

    __tablename__ = "image_file"
    __table_args__ = (
        Index(
            "uq_image_file_current",
            "image_id",
            "hypervisor",
            unique=True,
            sqlite_where=text("current"),
            postgresql_where=text("current"),
        ),
    )

    image_id: Mapped[int] = mapped_column(
        ForeignKey("image.id", ondelete="CASCADE"), primary_key=True
    )
    hypervisor: Mapped[str] = mapped_column(collated(32), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    blob_id: Mapped[int] = mapped_column(ForeignKey("blob.id", ondelete="RESTRICT"), index=True)
    uploaded: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    current: Mapped[bool] = mapped_column(default=True)
    trashed: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    image: Mapped[Image] = relationship(back_populates="versions")
    blob: Mapped[Blob] = relationship(lazy="joined", innerjoin=True)

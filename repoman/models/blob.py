"""Stored files: the immutable blobs, the images that name them, and uploads under way."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repoman.models.image import Image
from repoman.models.meta import NEVER_REUSE_IDS, Base, Key, UtcDateTime, collated, now


class Blob(Base):
    """A file in the store, never changed once it is there.

    ``uuid`` is its key in the store, ``size`` in bytes, ``sha256`` in lower-case hex.
    ``unreferenced`` is when the collector first saw it without an image.
    """

    __tablename__ = "blob"
    __table_args__ = NEVER_REUSE_IDS

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uuid: Mapped[str] = mapped_column(collated(32), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(collated(64))
    created: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    unreferenced: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ImageFile(Base):
    """A blob as an image's file for one hypervisor. A copy is a new row on the same blob."""

    __tablename__ = "image_file"

    image_id: Mapped[int] = mapped_column(
        ForeignKey("image.id", ondelete="CASCADE"), primary_key=True
    )
    hypervisor: Mapped[str] = mapped_column(collated(32), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    blob_id: Mapped[int] = mapped_column(ForeignKey("blob.id", ondelete="RESTRICT"), index=True)
    uploaded: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    image: Mapped[Image] = relationship(back_populates="files")
    blob: Mapped[Blob] = relationship(lazy="joined", innerjoin=True)


class Upload(Base):
    """An upload under way; ``uuid`` names its partial file, and will be the blob's key.

    ``length`` is the most bytes that will come, where the client announced it.
    """

    __tablename__ = "upload"
    __table_args__ = NEVER_REUSE_IDS

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uuid: Mapped[str] = mapped_column(collated(32), unique=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    hypervisor: Mapped[str] = mapped_column(collated(32))
    length: Mapped[int | None] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

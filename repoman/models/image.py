"""Images: what is known about them, and with whom they are shared."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repoman.models.meta import NEVER_REUSE_IDS, Base, Key, UtcDateTime, collated, now

if TYPE_CHECKING:
    from repoman.models.blob import ImageFile
    from repoman.models.group import Group
    from repoman.models.upload import Upload
    from repoman.models.user import User


NO_FILE = -1
"""The ``size`` of an image whose first hypervisor has no file: before every file's in a list."""


class Image(Base):
    """A virtual machine image of one owner, with a file for each of its hypervisors.

    ``uuid`` is 32 lower-case hex digits. ``last_version`` counts the files ever put to the image,
    over all hypervisors; ``versions`` are those of them that are not in the trash. ``owner_id``
    restricts: an owner of images cannot be deleted. ``size``, by which lists sort, is kept by
    `repoman.models.image_size` in the database alone: an image in memory may have an old one.
    ``format`` is what its files are to be, null: anything. ``deleted`` is when it was moved to the
    trash, null while it is not there.
    """

    __tablename__ = "image"
    __table_args__ = (
        # A name is free again once its image is in the trash.
        Index(
            "uq_image_owner_id_name",
            "owner_id",
            "name",
            unique=True,
            sqlite_where=text("deleted IS NULL"),
            postgresql_where=text("deleted IS NULL"),
        ),
        CheckConstraint("group_access IN ('none', 'read', 'write')", name="group_access"),
        Index(None, "group_id", "group_access"),
        # For all of an owner's, those in the trash too.
        Index(None, "owner_id"),
        # What lists of images can be sorted by, each a keyset with the id.
        Index(None, "name", "id"),
        Index(None, "modified", "id"),
        Index(None, "size", "id"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uuid: Mapped[str] = mapped_column(collated(32), unique=True)
    name: Mapped[str] = mapped_column(collated(256))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="RESTRICT"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("group.id", ondelete="SET NULL"))
    group_access: Mapped[str] = mapped_column(String(5), default="none")
    description: Mapped[str | None] = mapped_column(String(4096))
    os_type: Mapped[str | None] = mapped_column(String(255))
    os_variant: Mapped[str | None] = mapped_column(String(255))
    os_arch: Mapped[str | None] = mapped_column(String(255))
    read_only: Mapped[bool] = mapped_column(default=False)
    unauthenticated_access: Mapped[bool] = mapped_column(default=False)
    expires: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_version: Mapped[int] = mapped_column(default=0)
    created: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    modified: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    copy_of_id: Mapped[int | None] = mapped_column(
        ForeignKey("image.id", ondelete="SET NULL"), index=True
    )
    size: Mapped[int] = mapped_column(BigInteger, default=NO_FILE, server_default=text("-1"))
    format: Mapped[str | None] = mapped_column(collated(20))
    deleted: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    owner: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    group: Mapped[Group | None] = relationship(lazy="joined")
    copy_of: Mapped[Image | None] = relationship(remote_side=[id])
    hypervisors: Mapped[list[ImageHypervisor]] = relationship(
        order_by="ImageHypervisor.position",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )
    versions: Mapped[list[ImageFile]] = relationship(
        primaryjoin="and_(ImageFile.image_id == Image.id, ImageFile.trashed.is_(None))",
        back_populates="image",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="ImageFile.version",
    )
    shares: Mapped[list[ImageShare]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="ImageShare.id"
    )
    uploads: Mapped[list[Upload]] = relationship(viewonly=True)

    @property
    def hypervisor_names(self) -> list[str]:
        """The hypervisors in their order; the first is the one that URLs without one mean."""
        return [row.hypervisor for row in self.hypervisors]

    @property
    def files(self) -> list[ImageFile]:
        """The current files, at most one for each hypervisor."""
        return [row for row in self.versions if row.current]

    @property
    def expired(self) -> bool:
        """Whether ``expires`` has passed."""
        return self.expires is not None and self.expires <= now()

    def current_file(self, hypervisor: str) -> ImageFile | None:
        """Return the file for ``hypervisor`` that downloads get, or None."""
        return next((row for row in self.files if row.hypervisor == hypervisor), None)


class ImageHypervisor(Base):
    """A hypervisor that the image is meant for, whether or not its file is there yet."""

    __tablename__ = "image_hypervisor"

    image_id: Mapped[int] = mapped_column(
        ForeignKey("image.id", ondelete="CASCADE"), primary_key=True
    )
    hypervisor: Mapped[str] = mapped_column(collated(32), primary_key=True)
    position: Mapped[int]


class ImageShare(Base):
    """One user, or one group, with whom an image is shared for reading."""

    __tablename__ = "image_share"
    __table_args__ = (
        UniqueConstraint("image_id", "user_id"),
        UniqueConstraint("image_id", "group_id"),
        CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="user_or_group"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), index=True
    )
    group_id: Mapped[int | None] = mapped_column(
        ForeignKey("group.id", ondelete="CASCADE"), index=True
    )

    user: Mapped[User | None] = relationship()
    group: Mapped[Group | None] = relationship()

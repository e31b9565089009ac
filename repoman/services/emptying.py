"""Emptying the trash: what has been in it for long enough is removed, and its blobs are unnamed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, select
from sqlalchemy.orm import joinedload

from repoman.models import Blob, Image, ImageFile, Sessions, now


@dataclass(frozen=True)
class Trash:
    """What went to the trash at ``limit`` or before."""

    limit: datetime

    @classmethod
    def older_than(cls, seconds: int) -> "Trash":
        """What has been in it for so long."""
        return cls(now() - timedelta(seconds=seconds))

    @classmethod
    def whole(cls) -> "Trash":
        """All that is in it."""
        return cls(datetime.max.replace(tzinfo=UTC))

    @property
    def images(self) -> ColumnElement[bool]:
        """The condition on `Image`."""
        return and_(Image.deleted.is_not(None), Image.deleted <= self.limit)

    @property
    def versions(self) -> ColumnElement[bool]:
        """The condition on `ImageFile`; versions of such images are removed with them."""
        return and_(ImageFile.trashed.is_not(None), ImageFile.trashed <= self.limit)

    @property
    def names_alone(self) -> ColumnElement[bool]:
        """The condition on `Blob`: that no version names it but such as go with this trash."""
        return ~exists().where(
            ImageFile.blob_id == Blob.id,
            Image.id == ImageFile.image_id,
            ~self.versions,
            ~self.images,
        )


def remove_images(sessions: Sessions, trash: Trash, *, dry_run: bool) -> Iterator[str]:
    """Remove images with all their versions; yield UUIDs."""
    with sessions.reading() as session:
        found = session.execute(select(Image.id, Image.uuid).where(trash.images)).all()
    for key, uuid in found:
        if dry_run or _remove(sessions, Image, Image.id == key, trash.images):
            yield uuid


def remove_versions(sessions: Sessions, trash: Trash, *, dry_run: bool) -> Iterator[str]:
    """Remove versions of the images that stay; yield the image's UUID, hypervisor and number."""
    statement = (
        select(ImageFile)
        .join(ImageFile.image)
        .where(trash.versions, ~trash.images)
        .options(joinedload(ImageFile.image))
    )
    with sessions.reading() as session:
        found = session.scalars(statement).all()
    for row in found:
        same = and_(
            ImageFile.image_id == row.image_id,
            ImageFile.hypervisor == row.hypervisor,
            ImageFile.version == row.version,
        )
        if dry_run or _remove(sessions, ImageFile, same, trash.versions):
            yield f"{row.image.uuid}/{row.hypervisor}/{row.version}"


def _remove(
    sessions: Sessions, kind: type[Image | ImageFile], *conditions: ColumnElement[bool]
) -> bool:
    """Delete a row unless somebody took it out of the trash meanwhile."""
    with sessions.changing.begin() as session:
        gone = session.execute(delete(kind).where(*conditions))
        return bool(gone.rowcount)  # type: ignore[attr-defined]

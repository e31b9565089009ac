"""The states of an image, each said twice: of one image, and in SQL for lists."""

from sqlalchemy import ColumnElement, exists

from repoman.models import Image, ImageFile, Upload
from repoman.services import labels

STATES = ("empty", "uploading", "active", "quarantined", "deleted")
EMPTY, UPLOADING, ACTIVE, QUARANTINED, DELETED = STATES


def of(image: Image) -> str:
    """Say ``deleted`` (in the trash), ``quarantined`` (unsafe), ``active`` (it has a file).

    Without a file, ``uploading`` while the first is on its way, else ``empty``.
    """
    if image.deleted is not None:
        return DELETED
    if image.files:
        return QUARANTINED if labels.is_quarantined(image) else ACTIVE
    return UPLOADING if image.uploads else EMPTY


def is_in(state: str) -> ColumnElement[bool]:
    """Make the condition on `Image` for those of which `of` says ``state``."""
    if state == DELETED:
        return Image.deleted.is_not(None)
    has_file = exists().where(ImageFile.image_id == Image.id, ImageFile.current)
    if state == QUARANTINED:
        return Image.deleted.is_(None) & labels.in_quarantine()
    if state == ACTIVE:
        return Image.deleted.is_(None) & has_file & ~labels.in_quarantine()
    has_upload = exists().where(Upload.image_id == Image.id)
    return Image.deleted.is_(None) & ~has_file & (has_upload if state == UPLOADING else ~has_upload)

"""The states of an image, each said twice: of one image, and in SQL for lists."""

from sqlalchemy import ColumnElement, exists

from repoman.models import Image, ImageFile, Upload

EMPTY, UPLOADING, ACTIVE, DELETED = STATES = ("empty", "uploading", "active", "deleted")


def of(image: Image) -> str:
    """Say ``deleted`` (it is in the trash), ``active`` (it has a file), ``uploading`` or ``empty``.

    ``uploading`` is without a file, while the first is on its way.
    """
    if image.deleted is not None:
        return DELETED
    if image.files:
        return ACTIVE
    return UPLOADING if image.uploads else EMPTY


def is_in(state: str) -> ColumnElement[bool]:
    """Make the condition on `Image` for those of which `of` says ``state``."""
    if state == DELETED:
        return Image.deleted.is_not(None)
    has_file = exists().where(ImageFile.image_id == Image.id, ImageFile.current)
    has_upload = exists().where(Upload.image_id == Image.id)
    without_file = ~has_file & (has_upload if state == UPLOADING else ~has_upload)
    return Image.deleted.is_(None) & (has_file if state == ACTIVE else without_file)

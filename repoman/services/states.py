"""The states of an image, each said twice: of one image, and in SQL for lists."""

from sqlalchemy import ColumnElement, exists

from repoman.models import Image, ImageFile, Upload
from repoman.services import damage, labels
from repoman.services.visibility import NOT_DELETED

STATES = ("empty", "uploading", "active", "quarantined", "damaged", "deleted")
EMPTY, UPLOADING, ACTIVE, QUARANTINED, DAMAGED, DELETED = STATES


def of(image: Image) -> str:
    """Say ``deleted`` (in the trash), ``damaged``, ``quarantined`` (unsafe), ``active`` (a file).

    The first of these that is true. Without a file, ``uploading`` while the first is on its way,
    else ``empty``.
    """
    if image.deleted is not None:
        return DELETED
    if damage.is_damaged(image):
        return DAMAGED
    if image.files:
        return QUARANTINED if labels.is_quarantined(image) else ACTIVE
    return UPLOADING if image.uploads else EMPTY


def is_in(state: str) -> ColumnElement[bool]:
    """Make the condition on `Image` for those of which `of` says ``state``."""
    if state == DELETED:
        return Image.deleted.is_not(None)
    there, whole = NOT_DELETED, ~damage.in_damage()
    if state == DAMAGED:
        return there & damage.in_damage()
    has_file = exists().where(ImageFile.image_id == Image.id, ImageFile.current)
    if state == QUARANTINED:
        return there & whole & labels.in_quarantine()
    if state == ACTIVE:
        return there & has_file & whole & ~labels.in_quarantine()
    has_upload = exists().where(Upload.image_id == Image.id)
    return there & ~has_file & (has_upload if state == UPLOADING else ~has_upload)

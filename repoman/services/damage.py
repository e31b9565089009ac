"""Damaged files: those whose bytes are not what was uploaded, as reading them again has shown.

Nobody gets them, not even their owner: wrong bytes are worse than none. They are whole again when
the same file is uploaded anew, by whomever (`repoman.services.merging`).
"""

from sqlalchemy import ColumnElement

from repoman.errors import FileDamaged
from repoman.models import Blob, Image, ImageFile
from repoman.services import labels


def is_damaged(image: Image) -> bool:
    """Say whether a current file of an image is damaged."""
    return any(file.blob.damaged for file in image.files)


def in_damage() -> ColumnElement[bool]:
    """Make the condition on `Image` that `is_damaged` says of one."""
    return Image.id.in_(labels.of_current_files().where(Blob.damaged.is_not(None)))


def check_whole(image: Image, file: ImageFile) -> None:
    """Raise `FileDamaged` where a file of an image cannot be had."""
    if file.blob.damaged is None:
        return
    whole = [
        one.version
        for one in image.versions
        if one.hypervisor == file.hypervisor and one.blob.damaged is None
    ]
    back = f", or put version {whole[-1]} back (version={whole[-1]} of the image)" if whole else ""
    raise FileDamaged(
        f"The stored file is damaged: upload it again{back}. Its SHA-256 is {file.blob.sha256}."
    )

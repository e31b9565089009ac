"""The trash: where images and versions of files go when they are deleted, until they are collected.

What is in it is gone from names and lists, and still counts. The collector empties it.
"""

from sqlalchemy import delete as sql_delete
from sqlalchemy import update
from sqlalchemy.orm import Session

from repoman.identity import Identity
from repoman.models import Image, ImageFile, Upload, now
from repoman.security import Action, no_such_image, require
from repoman.services import images, owners, versions


def delete(session: Session, image: Image, *, purge: bool) -> None:
    """Move an image to the trash, or remove it at once, from there too; its uploads end.

    Blobs that nobody names any more are the collector's. Raises `ImageReadOnly`, and
    `ImageNotFound` where it is in the trash already.
    """
    if image.deleted is None:
        images.check_writable(image)
    elif not purge:
        raise no_such_image()
    if purge:
        # Before: the deletion by itself would wait in a circle with those who change a copy.
        session.execute(update(Image).where(Image.copy_of_id == image.id).values(copy_of_id=None))
        session.delete(image)
    else:
        session.execute(sql_delete(Upload).where(Upload.image_id == image.id))
        image.deleted = image.modified = now()
    session.flush()


def restore(session: Session, caller: Identity, image: Image, name: str | None) -> None:
    """Take an image out of the trash, under another name where one is given.

    No change where it is not in the trash and has that name. Raises `PermissionDenied` for the new
    name, `ImageExists`.
    """
    name = name or image.name
    if name != image.name:
        require(caller, Action.MANAGE_IMAGE, image)
    elif image.deleted is None:
        return
    owners.check_name_free(session, image.owner, name)
    image.name, image.deleted, image.modified = name, None, now()
    session.flush()


def remove_file(session: Session, image: Image, file: ImageFile, *, purge: bool) -> None:
    """Move a version to the trash, or remove it at once, from there too.

    The hypervisor stays in the image's list. Raises `ImageReadOnly`.
    """
    if file.trashed is None:
        images.check_writable(image)
        image.modified = now()
    if purge:
        session.delete(file)
        session.flush()
        session.expire(image, ["versions"])
    else:
        versions.move_to_trash(session, image, [file])

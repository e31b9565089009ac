"""Whose an image is, and that a name is one image's of its owner."""

from sqlalchemy import delete as sql_delete
from sqlalchemy import select
from sqlalchemy.orm import Session

from repoman.errors import ImageExists
from repoman.models import Image, Upload, User, now
from repoman.services.visibility import NOT_DELETED


def check_name_free(session: Session, owner: User, name: str) -> None:
    """Raise `ImageExists` where the owner has an image of that name, the trash aside."""
    own = Image.owner_id == owner.id
    if session.scalar(select(Image.id).where(own, Image.name == name, NOT_DELETED)):
        raise ImageExists(f"{owner.name} has an image {name!r} already; choose another name.")


def change(session: Session, image: Image, owner: User) -> None:
    """Make the image another's: shares, group, group access and open uploads end."""
    image.group, image.group_access = None, "none"
    image.shares.clear()
    session.execute(sql_delete(Upload).where(Upload.image_id == image.id))
    image.owner = owner
    image.modified = now()

"""Whose an image is, and that a name is one image's of its owner."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import select
from sqlalchemy.orm import Session

from repoman.errors import ImageExists, InvalidParameter
from repoman.identity import Identity, Permission
from repoman.models import Image, Upload, User, now
from repoman.security import denied
from repoman.services import users
from repoman.services.visibility import NOT_DELETED


def of_new(session: Session, caller: Identity, fields: Mapping[str, Any]) -> User:
    """Return whose a new image of these ``fields`` is to be: the caller's unless they name another.

    Raises `InvalidParameter`, `PermissionDenied`.
    """
    given = {name for name in (fields.get("owner"), fields.get("user_name")) if name}
    if len(given) > 1:
        raise InvalidParameter("owner and user_name are one field.", field="user_name")
    name = given.pop() if given else caller.user_name
    if name != caller.user_name and Permission.IMAGE_MODIFY not in caller.permissions:
        raise denied(Permission.IMAGE_MODIFY)
    if name == caller.user_name:
        # By id: the name may have become another's while the request's body came in.
        own = session.get(User, caller.user_id)
        if own is not None:
            return own
    return users.find(session, name, "owner")


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

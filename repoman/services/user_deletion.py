"""Deleting a user, and what becomes of the images, of which some may be in the trash."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, selectinload

from repoman.errors import ImageExists, InvalidParameter, UserOwnsImages
from repoman.identity import Identity
from repoman.models import Image, User
from repoman.queries import DELETE, GIVE
from repoman.security import Action, require
from repoman.services import images, owners, quotas, trash, users
from repoman.services.last_admin import require_some_admin
from repoman.services.visibility import NOT_DELETED
from repoman.settings import Settings


def delete(
    session: Session, caller: Identity, user: User, fate: str | None, settings: Settings
) -> Sequence[Image]:
    """Remove a user, and return the images of which ``fate`` said what becomes of them.

    Without it the user owns none. It is ``delete``, which takes the right to delete all images, or
    ``give:`` and the name of another user, which takes the right to change them all.
    Raises `UserOwnsImages`, `PermissionDenied`, `InvalidParameter`, `ImageExists`,
    `ImageReadOnly`, `LastAdmin`, `QuotaExceeded`.
    """
    owned: Sequence[Image] = ()
    receiver: User | None = None
    if fate is None:
        _require_none(session, user)
    elif fate == DELETE:
        require(caller, Action.DELETE_USERS_IMAGES, user)
        owned = _images_of(session, user)
        for image in owned:
            trash.delete(session, image, purge=True)
    else:
        require(caller, Action.GIVE_USERS_IMAGES, user)
        receiver = _receiver(session, user, fate.removeprefix(GIVE))
        owned = _give_all(session, user, receiver)
    was_admin = users.is_admin(session, user)
    session.delete(user)
    session.flush()
    if was_admin:
        require_some_admin(session)
    quotas.check_images(session, caller, owned, [receiver], settings)
    return owned


def _images_of(session: Session, user: User) -> Sequence[Image]:
    """Return all images of the user, those in the trash too, locked in one order."""
    statement = select(Image).where(Image.owner_id == user.id).order_by(Image.id)
    return session.scalars(images.locked(statement.options(selectinload(Image.shares)))).all()


def _require_none(session: Session, user: User) -> None:
    owned = session.scalar(select(func.count()).where(Image.owner_id == user.id))
    if owned:
        raise UserOwnsImages(
            f"{user.name} owns {owned} images, those in the trash among them: "
            "?images=delete removes them for good, "
            "?images=give:USER gives them to another user.",
            usage=owned,
        )


def _receiver(session: Session, user: User, name: str) -> User:
    """Return the user who is to have the images. Raises `InvalidParameter`."""
    receiver = users.find(session, name, "images")
    if receiver is user:
        raise InvalidParameter(f"{name} is being deleted; name somebody else.", field="images")
    return receiver


def _give_all(session: Session, user: User, receiver: User) -> Sequence[Image]:
    """Make another user the owner of all images, or of none where a name is taken there."""
    other = aliased(Image)
    theirs = select(other.name).where(other.owner_id == receiver.id, other.deleted.is_(None))
    taken = session.scalar(
        select(Image.name)
        .where(Image.owner_id == user.id, Image.name.in_(theirs), NOT_DELETED)
        .order_by(Image.name)
        .limit(1)
    )
    if taken is not None:
        raise ImageExists(
            f"{receiver.name} has an image {taken!r} already; rename one of the two first."
        )
    owned = _images_of(session, user)
    for image in owned:
        owners.change(session, image, receiver)
    session.flush()
    return owned

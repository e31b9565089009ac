"""What the table of rights asks of a caller and a thing: each predicate one sentence.

Which of them suffice for what, `repoman.security.TABLE` says.
"""

from collections.abc import Callable
from typing import Any

from repoman import conferral
from repoman.conferral import Grant, Place
from repoman.identity import Identity, Permission, Standing
from repoman.models import Group, Image, User

Predicate = Callable[[Identity, Any], bool]


def anybody(identity: Identity, thing: Any) -> bool:
    """Every known user."""
    return True


def administrator(identity: Identity, thing: Any) -> bool:
    """The caller is a member of `ADMINS`."""
    return identity.is_admin


def holds(permission: Permission) -> Predicate:
    """Make a predicate: one of the caller's groups confers ``permission``."""

    def predicate(identity: Identity, thing: Any) -> bool:
        return permission in identity.permissions

    return predicate


def oneself(identity: Identity, user: User) -> bool:
    """The user is the caller, who may change the own record."""
    return user.id == identity.user_id and Permission.USER_MODIFY_SELF in identity.permissions


def same_user(identity: Identity, user: User) -> bool:
    """The user is the caller."""
    return user.id == identity.user_id


def own_place(identity: Identity, place: Place) -> bool:
    """The place in a group is the caller's, who may leave it."""
    return place.user is not None and place.user.id == identity.user_id


def owner(identity: Identity, image: Image) -> bool:
    """The image is the caller's."""
    return image.owner_id == identity.user_id


def sharer(identity: Identity, image: Image) -> bool:
    """The image is shared with the caller, or with a group of the caller's."""
    return any(
        share.user_id == identity.user_id or share.group_id in identity.groups
        for share in image.shares
    )


def group_reader(identity: Identity, image: Image) -> bool:
    """Members of the image's group, where the group may read or write."""
    return image.group_id in identity.groups and image.group_access in {"read", "write"}


def group_writer(identity: Identity, image: Image) -> bool:
    """Members of the image's group, where the group may write."""
    return image.group_id in identity.groups and image.group_access == "write"


def standing_in_group_of(identity: Identity, image: Image) -> Standing | None:
    """Return what the caller is in the image's very group, or None."""
    return None if image.group_id is None else identity.groups.get(image.group_id)


def group_admin(identity: Identity, image: Image) -> bool:
    """Admins of the image's group."""
    standing = standing_in_group_of(identity, image)
    return standing is not None and standing.is_admin


def group_holds(permission: Permission) -> Predicate:
    """Make a predicate: the image's very group confers ``permission`` on the caller."""

    def predicate(identity: Identity, image: Image) -> bool:
        standing = standing_in_group_of(identity, image)
        return standing is not None and permission in standing.permissions

    return predicate


def admin_of(identity: Identity, thing: Group | Place | Grant | None) -> bool:
    """The caller is an admin of the group, such as one that an image is to be created in."""
    group = conferral.row_of(thing)
    standing = identity.groups.get(group.id) if isinstance(group, Group) else None
    return standing is not None and standing.is_admin


def admin_of_some(identity: Identity, thing: Any) -> bool:
    """The caller is an admin of any group, and so may create images there."""
    return any(standing.is_admin for standing in identity.groups.values())

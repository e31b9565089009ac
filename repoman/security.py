"""Who may do what: the ONE table of rights.

The table is that of REST.markdown, "Who may do what": each `Action` and the predicates of which
any one suffices. Who may *see* an image is said once more in SQL, for lists, in
`repoman.services.visibility`; a test holds the two together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from repoman.errors import (
    ImageExpired,
    ImageNotFound,
    LimitedProxy,
    PermissionDenied,
)
from repoman.identity import ADMINS, Identity, Permission, Standing
from repoman.models import Group, Image, User


class Action(StrEnum):
    """What can be done, named object:verb. Views name one as their permission."""

    READ_API = "api:read"
    LIST_USERS = "user:list"
    READ_USER = "user:read"
    CREATE_USER = "user:create"
    MODIFY_USER = "user:modify"
    MODIFY_USER_FULLY = "user:modify-fully"
    DELETE_USER = "user:delete"
    LIST_GROUPS = "group:list"
    READ_GROUP = "group:read"
    CREATE_GROUP = "group:create"
    CHANGE_MEMBERS = "group:change-members"
    LIST_IMAGES = "image:list"
    CREATE_SOME_IMAGE = "image:create"
    CREATE_IMAGE = "image:create-there"
    READ_IMAGE = "image:read"
    DOWNLOAD = "image:download"
    CHANGE_IMAGE = "image:change"
    EDIT_IMAGE = "image:edit"
    MANAGE_IMAGE = "image:manage"
    PUBLISH_IMAGE = "image:publish"
    GIVE_IMAGE = "image:give"
    DELETE_IMAGE = "image:delete"


Predicate = Callable[[Identity, Any], bool]


def anybody(identity: Identity, thing: Any) -> bool:
    """Every known user."""
    return True


def holds(permission: Permission) -> Predicate:
    """Make a predicate: one of the caller's groups confers ``permission``."""

    def predicate(identity: Identity, thing: Any) -> bool:
        return permission in identity.permissions

    return predicate


def admin(identity: Identity, thing: Any) -> bool:
    """Members of `ADMINS`."""
    return identity.is_admin


def oneself(identity: Identity, user: User) -> bool:
    """The user is the caller, who may change the own record."""
    return user.id == identity.user_id and Permission.USER_MODIFY_SELF in identity.permissions


def leaving(identity: Identity, thing: Any) -> bool:
    """Anyone may leave a group."""
    return isinstance(thing, MembershipOf) and thing.leaving and thing.user.id == identity.user_id


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


def admin_of(identity: Identity, group: Group | None) -> bool:
    """The caller is an admin of the group in which an image is to be created."""
    return group is not None and group.id in identity.groups and identity.groups[group.id].is_admin


def admin_of_some(identity: Identity, thing: Any) -> bool:
    """The caller is an admin of any group, and so may create images there."""
    return any(standing.is_admin for standing in identity.groups.values())


@dataclass(frozen=True)
class MembershipOf:
    """A user's place in a group, as the object of `Action.CHANGE_MEMBERS`."""

    group: Group
    user: User
    leaving: bool = False


modify_all, delete_all = holds(Permission.IMAGE_MODIFY), holds(Permission.IMAGE_DELETE)
modify_group = group_holds(Permission.IMAGE_MODIFY_GROUP)
delete_group = group_holds(Permission.IMAGE_DELETE_GROUP)
_editors = (owner, group_writer, modify_group, group_admin, modify_all)
_deleters = (owner, delete_group, group_admin, delete_all)
_readers = (sharer, group_reader, *_editors, *_deleters)

# Action: (any of these suffices), and what a refusal names as missing.
TABLE: Mapping[Action, tuple[tuple[Predicate, ...], str]] = {
    Action.READ_API: ((anybody,), ""),
    Action.LIST_USERS: ((anybody,), ""),
    Action.READ_USER: ((anybody,), ""),
    Action.CREATE_USER: ((holds(Permission.USER_CREATE),), "user_create"),
    Action.MODIFY_USER: ((holds(Permission.USER_MODIFY), oneself), "user_modify"),
    Action.MODIFY_USER_FULLY: ((holds(Permission.USER_MODIFY),), "user_modify"),
    Action.DELETE_USER: ((holds(Permission.USER_DELETE),), "user_delete"),
    Action.LIST_GROUPS: ((anybody,), ""),
    Action.READ_GROUP: ((anybody,), ""),
    Action.CREATE_GROUP: ((admin,), ADMINS),
    Action.CHANGE_MEMBERS: ((admin, leaving), ADMINS),
    Action.LIST_IMAGES: ((anybody,), ""),
    # An image in some group: in which, the body says.
    Action.CREATE_SOME_IMAGE: ((holds(Permission.IMAGE_CREATE), admin_of_some), "image_create"),
    Action.CREATE_IMAGE: ((holds(Permission.IMAGE_CREATE), admin_of), "image_create"),
    Action.READ_IMAGE: (_readers, ""),
    Action.DOWNLOAD: (_readers, ""),
    # Some field of it: which, is asked field by field.
    Action.CHANGE_IMAGE: ((*_editors, *_deleters), "image_modify"),
    Action.EDIT_IMAGE: (_editors, "image_modify"),
    Action.MANAGE_IMAGE: ((owner, group_admin, modify_all), "image_modify"),
    Action.PUBLISH_IMAGE: ((owner, modify_all), "image_modify"),
    Action.GIVE_IMAGE: ((modify_all,), "image_modify"),
    Action.DELETE_IMAGE: (_deleters, "image_delete"),
}

# What a limited proxy certificate may not do: administer users, groups or permissions.
ADMINISTRATION = frozenset(
    {
        Action.CREATE_USER,
        Action.MODIFY_USER,
        Action.MODIFY_USER_FULLY,
        Action.DELETE_USER,
        Action.CREATE_GROUP,
        Action.CHANGE_MEMBERS,
    }
)


def may(identity: Identity, action: Action, thing: Any = None) -> bool:
    """Say whether the table lets ``identity`` do ``action`` to ``thing``."""
    return any(predicate(identity, thing) for predicate in TABLE[action][0])


def require(identity: Identity, action: Action, thing: Any = None) -> None:
    """Raise the error that tells ``identity`` why ``action`` is refused, or return.

    An image that the caller may not see is `ImageNotFound`, as if it were not there; one whose
    ``expires`` has passed is `ImageExpired` to all who may not set it.
    """
    if action in ADMINISTRATION and identity.limited:
        raise LimitedProxy(
            "A limited proxy certificate may not administer; use a full proxy, or the certificate."
        )
    if isinstance(thing, Image) and not may(identity, Action.READ_IMAGE, thing):
        raise no_such_image()
    if not may(identity, action, thing):
        raise denied(TABLE[action][1])
    if isinstance(thing, Image) and thing.expired and not may(identity, Action.MANAGE_IMAGE, thing):
        raise expired(thing)


def require_admin(identity: Identity) -> None:
    """Raise `PermissionDenied` unless the caller is in `ADMINS`."""
    if not identity.is_admin:
        raise denied(ADMINS)


def denied(permission: str) -> PermissionDenied:
    """Make the refusal that names the ``permission``, or `ADMINS`, which would allow it."""
    kind = "membership of the group" if permission == ADMINS else "the permission"
    return PermissionDenied(
        f"You may not do this. It takes {kind} {permission}; "
        "ask an administrator, or the owner of the object.",
        permission=permission,
    )


def no_such_image() -> ImageNotFound:
    """Make the one answer for images that are not there and images that may not be seen."""
    return ImageNotFound(
        "There is no such image, or it is not shared with you. "
        "GET /api/images lists those that you can see."
    )


def expired(image: Image) -> ImageExpired:
    """Make the answer for an image whose time has passed."""
    return ImageExpired("The image has expired; its owner can set a later time in `expires`.")


def is_public(image: Image, server_allows: bool) -> bool:
    """Say whether anybody at all may download ``image``."""
    return server_allows and image.unauthenticated_access

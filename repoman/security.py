"""Who may do what: the ONE table of rights.

The table is that of REST.markdown, "Who may do what": each `Action` and the predicates
(`repoman.predicates`) of which any one suffices. `CONFERS` adds what nobody confers who lacks it.
Who may *see* an image is said once more in SQL, for lists, in `repoman.services.visibility`; a test
holds the two together.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from repoman import conferral
from repoman.conferral import Conferred
from repoman.errors import ImageExpired, ImageNotFound, LimitedProxy, PermissionDenied
from repoman.identity import ADMINS, Identity, Permission
from repoman.models import Image
from repoman.predicates import (
    Predicate,
    admin_of,
    admin_of_some,
    administrator,
    anybody,
    group_admin,
    group_holds,
    group_reader,
    group_writer,
    holds,
    oneself,
    own_place,
    owner,
    same_user,
    sharer,
)


class Action(StrEnum):
    """What can be done, named object:verb. Views name one as their permission."""

    READ_API = "api:read"
    READ_METRICS = "metrics:read"
    READ_STORAGE = "storage:read"
    LIST_USERS = "user:list"
    READ_USER = "user:read"
    READ_USER_USAGE = "user:read-usage"
    CREATE_USER = "user:create"
    MODIFY_USER = "user:modify"
    MODIFY_USER_FULLY = "user:modify-fully"
    ADD_CERTIFICATE = "user:add-certificate"
    SET_USER_QUOTA = "user:set-quota"
    DELETE_USER = "user:delete"
    DELETE_USERS_IMAGES = "user:delete-images"
    GIVE_USERS_IMAGES = "user:give-images"
    LIST_GROUPS = "group:list"
    READ_GROUP = "group:read"
    READ_GROUP_USAGE = "group:read-usage"
    CREATE_GROUP = "group:create"
    CHANGE_GROUP = "group:change"
    RENAME_GROUP = "group:rename"
    DESCRIBE_GROUP = "group:describe"
    SET_GROUP_QUOTA = "group:set-quota"
    DELETE_GROUP = "group:delete"
    CHANGE_MEMBERS = "group:change-members"
    ADD_MEMBER = "group:add-member"
    REMOVE_MEMBER = "group:remove-member"
    APPOINT = "group:appoint"
    CHANGE_PERMISSIONS = "group:change-permissions"
    GRANT = "group:grant"
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
    RESTORE_IMAGE = "image:restore"
    LIST_UPLOADS = "upload:list"
    READ_UPLOAD = "upload:read"
    END_UPLOAD = "upload:end"


modify_all, delete_all = holds(Permission.IMAGE_MODIFY), holds(Permission.IMAGE_DELETE)
modify_group = group_holds(Permission.IMAGE_MODIFY_GROUP)
delete_group = group_holds(Permission.IMAGE_DELETE_GROUP)
_recruiters = (holds(Permission.GROUP_MODIFY_MEMBERSHIP), admin_of)
_granters = (holds(Permission.GROUP_MODIFY_PERMISSIONS),)
_editors = (owner, group_writer, modify_group, group_admin, modify_all)
_deleters = (owner, delete_group, group_admin, delete_all)
_readers = (sharer, group_reader, *_editors, *_deleters)

# Action: (any of these suffices), and what a refusal names as missing.
TABLE: Mapping[Action, tuple[tuple[Predicate, ...], str]] = {
    Action.READ_API: ((anybody,), ""),
    Action.READ_METRICS: ((administrator,), ADMINS),
    Action.READ_STORAGE: ((administrator,), ADMINS),
    Action.LIST_USERS: ((anybody,), ""),
    Action.READ_USER: ((anybody,), ""),
    Action.READ_USER_USAGE: ((same_user, holds(Permission.USER_MODIFY)), "user_modify"),
    Action.CREATE_USER: ((holds(Permission.USER_CREATE),), "user_create"),
    Action.MODIFY_USER: ((holds(Permission.USER_MODIFY), oneself), "user_modify"),
    Action.MODIFY_USER_FULLY: ((holds(Permission.USER_MODIFY),), "user_modify"),
    Action.ADD_CERTIFICATE: ((holds(Permission.USER_MODIFY),), "user_modify"),
    Action.SET_USER_QUOTA: ((administrator,), ADMINS),
    Action.DELETE_USER: ((holds(Permission.USER_DELETE),), "user_delete"),
    # What becomes of a deleted user's images.
    Action.DELETE_USERS_IMAGES: ((delete_all,), "image_delete"),
    Action.GIVE_USERS_IMAGES: ((modify_all,), "image_modify"),
    Action.LIST_GROUPS: ((anybody,), ""),
    Action.READ_GROUP: ((anybody,), ""),
    # Not for every member: the default group's use would tell of others' images, which nobody sees.
    Action.READ_GROUP_USAGE: ((admin_of, holds(Permission.GROUP_MODIFY)), "group_modify"),
    Action.CREATE_GROUP: ((holds(Permission.GROUP_CREATE),), "group_create"),
    # Some field of it: which, is asked field by field.
    Action.CHANGE_GROUP: (
        (holds(Permission.GROUP_MODIFY), *_recruiters, *_granters),
        "group_modify",
    ),
    Action.RENAME_GROUP: ((holds(Permission.GROUP_MODIFY),), "group_modify"),
    Action.DESCRIBE_GROUP: ((holds(Permission.GROUP_MODIFY), admin_of), "group_modify"),
    Action.SET_GROUP_QUOTA: ((administrator,), ADMINS),
    Action.DELETE_GROUP: ((holds(Permission.GROUP_DELETE),), "group_delete"),
    Action.CHANGE_MEMBERS: (_recruiters, "group_modify_membership"),
    Action.ADD_MEMBER: (_recruiters, "group_modify_membership"),
    Action.REMOVE_MEMBER: ((*_recruiters, own_place), "group_modify_membership"),
    Action.APPOINT: (_recruiters, "group_modify_membership"),
    Action.CHANGE_PERMISSIONS: (_granters, "group_modify_permissions"),
    Action.GRANT: (_granters, "group_modify_permissions"),
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
    Action.RESTORE_IMAGE: (_deleters, "image_delete"),
    # The caller's own: another's is not found.
    Action.LIST_UPLOADS: ((anybody,), ""),
    Action.READ_UPLOAD: ((anybody,), ""),
    Action.END_UPLOAD: ((anybody,), ""),
}

# What these confer on somebody: nobody does so who lacks it.
CONFERS: Mapping[Action, Callable[[Any], list[Conferred]]] = {
    Action.ADD_CERTIFICATE: conferral.to_holder,
    Action.ADD_MEMBER: conferral.to_member,
    Action.APPOINT: conferral.to_admin,
    Action.GRANT: conferral.to_group,
}

# What a limited proxy certificate may not do, and only an admin to admins: administer users, groups
# or permissions.
ADMINISTRATION = frozenset(
    {
        Action.CREATE_USER,
        Action.MODIFY_USER,
        Action.MODIFY_USER_FULLY,
        Action.ADD_CERTIFICATE,
        Action.SET_USER_QUOTA,
        Action.DELETE_USER,
        Action.DELETE_USERS_IMAGES,
        Action.GIVE_USERS_IMAGES,
        Action.CREATE_GROUP,
        Action.CHANGE_GROUP,
        Action.RENAME_GROUP,
        Action.DESCRIBE_GROUP,
        Action.SET_GROUP_QUOTA,
        Action.DELETE_GROUP,
        Action.CHANGE_MEMBERS,
        Action.ADD_MEMBER,
        Action.REMOVE_MEMBER,
        Action.APPOINT,
        Action.CHANGE_PERMISSIONS,
        Action.GRANT,
    }
)


def may(identity: Identity, action: Action, thing: Any = None) -> bool:
    """Say whether the table lets ``identity`` do ``action`` to ``thing``."""
    return missing(identity, action, thing) is None


def missing(identity: Identity, action: Action, thing: Any) -> str | None:
    """Return what it takes that ``identity`` lacks, None where nothing: a permission, or `ADMINS`.

    Only an admin changes `ADMINS` in any way, or one of its members.
    """
    predicates, permission = TABLE[action]
    if action in ADMINISTRATION and not identity.is_admin and conferral.concerns_admins(thing):
        return ADMINS
    if not any(predicate(identity, thing) for predicate in predicates):
        return permission
    return conferral.missing(identity, CONFERS[action](thing)) if action in CONFERS else None


def require(identity: Identity, action: Action, thing: Any = None) -> None:
    """Raise the error that tells ``identity`` why ``action`` is refused, or return.

    An image that the caller may not see is `ImageNotFound`, as if it were not there; one whose
    ``expires`` has passed is `ImageExpired` to all who may not set it.
    """
    if action in ADMINISTRATION and identity.limited:
        raise LimitedProxy(
            "A limited proxy certificate may not administer; use a full proxy, or the certificate."
        )
    if isinstance(thing, Image):
        # One in the trash is there only for those who may delete it.
        seeing = Action.READ_IMAGE if thing.deleted is None else Action.DELETE_IMAGE
        if not may(identity, seeing, thing):
            raise no_such_image()
    lacked = missing(identity, action, thing)
    if lacked is not None:
        raise denied(lacked)
    if isinstance(thing, Image) and thing.expired and not may(identity, Action.MANAGE_IMAGE, thing):
        raise expired(thing)


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

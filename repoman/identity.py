"""The caller: who it is, and what the own groups confer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ADMINS = "admins"
"""The protected group whose members may do everything."""

EVERYBODY = "users"
"""The protected group that every new user joins."""


class Permission(StrEnum):
    """What a group may confer on its members."""

    USER_CREATE = "user_create"
    USER_MODIFY = "user_modify"
    USER_DELETE = "user_delete"
    USER_MODIFY_SELF = "user_modify_self"
    GROUP_CREATE = "group_create"
    GROUP_MODIFY = "group_modify"
    GROUP_DELETE = "group_delete"
    GROUP_MODIFY_MEMBERSHIP = "group_modify_membership"
    GROUP_MODIFY_PERMISSIONS = "group_modify_permissions"
    IMAGE_CREATE = "image_create"
    IMAGE_MODIFY = "image_modify"
    IMAGE_DELETE = "image_delete"
    IMAGE_MODIFY_GROUP = "image_modify_group"
    IMAGE_DELETE_GROUP = "image_delete_group"


@dataclass(frozen=True)
class Standing:
    """What the caller is in one group, and what that group confers."""

    name: str
    is_admin: bool
    permissions: frozenset[Permission]


@dataclass(frozen=True)
class Identity:
    """The caller: a user who showed a registered certificate. Detached from the database.

    ``groups`` is by group id. The distinguished names are in the slash form; ``dn`` is the one
    presented, ``end_entity`` the one registered, the same unless ``proxy_depth`` > 0. All that was
    presented is valid until ``not_after``, the end entity's own certificate until
    ``end_entity_not_after``; ``recorded_not_after`` is what the database said of it (aware, UTC).
    """

    user_id: int
    user_name: str
    certificate_id: int
    groups: Mapping[int, Standing]
    dn: str
    end_entity: str
    issuer: str | None
    proxy_depth: int
    limited: bool
    not_after: datetime | None
    end_entity_not_after: datetime | None
    recorded_not_after: datetime | None

    @property
    def is_admin(self) -> bool:
        """Whether the caller is in `ADMINS`."""
        return any(standing.name == ADMINS for standing in self.groups.values())

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that the caller's groups confer."""
        if self.is_admin:
            return frozenset(Permission)
        return frozenset().union(*(standing.permissions for standing in self.groups.values()))

"""No way up: what a change confers on somebody, and whether the caller may confer it.

Nobody puts a user into a group, a permission to a group, or a certificate to a user, that confers
a permission they lack. `repoman.security.CONFERS` says of which actions this is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from repoman.identity import ADMINS, Identity, Permission
from repoman.models import Group, User

WIDER = {
    Permission.IMAGE_MODIFY_GROUP: Permission.IMAGE_MODIFY,
    Permission.IMAGE_DELETE_GROUP: Permission.IMAGE_DELETE,
}
"""Permissions that count only for the images of the very group, and those that include them."""

OVER_DEFAULT_IMAGES = (Permission.IMAGE_MODIFY, Permission.IMAGE_DELETE)
"""What being admin of the group of images that name none amounts to: they are everybody's."""


@dataclass(frozen=True)
class Place:
    """A place in a group: ``user``'s, or (None) the one of whom the request's body names.

    ``is_default``: the group is the one of images that name none.
    """

    group: Group
    user: User | None
    is_default: bool


@dataclass(frozen=True)
class Grant:
    """A permission as one that ``group`` confers; None: a group that is yet to be made."""

    group: Group | None
    permission: Permission


@dataclass(frozen=True)
class Account:
    """A user as whoever holds a certificate of theirs would be."""

    user: User
    default_group: str


Thing = User | Group | Place | Grant | Account
"""What a change of users and groups is about."""


def row_of(thing: object) -> object:
    """Return the row that a change changes: of a place or a grant the group's."""
    if isinstance(thing, Place | Grant):
        return thing.group
    return thing.user if isinstance(thing, Account) else thing


def concerns_admins(thing: object) -> bool:
    """Say whether a change of ``thing`` is one of `ADMINS` or of one of its members."""
    row = row_of(thing)
    if isinstance(row, User):
        return any(place.group.name == ADMINS for place in row.memberships)
    return isinstance(row, Group) and row.name == ADMINS


@dataclass(frozen=True)
class Conferred:
    """A permission that somebody would have by ``group``; ``is_new``: the group lacks it so far."""

    group: Group | None
    permission: Permission
    is_new: bool = False


def to_member(place: Place) -> list[Conferred]:
    """List what a place in the group confers."""
    held = place.group.permissions
    return [Conferred(place.group, Permission(row.permission)) for row in held]


def to_admin(place: Place) -> list[Conferred]:
    """List what a place as the group's admin confers."""
    more = OVER_DEFAULT_IMAGES if place.is_default else ()
    return [*to_member(place), *(Conferred(place.group, permission) for permission in more)]


def to_holder(account: Account) -> list[Conferred]:
    """List what a certificate confers on its holder: all that its user has."""
    found: list[Conferred] = []
    for member in account.user.memberships:
        is_default = member.group.name == account.default_group
        place = Place(member.group, account.user, is_default)
        found += (to_admin if member.is_admin else to_member)(place)
    return found


def to_group(grant: Grant) -> list[Conferred]:
    """List what a grant confers on the members of the group."""
    return [Conferred(grant.group, grant.permission, is_new=True)]


def missing(identity: Identity, conferred: Iterable[Conferred]) -> Permission | None:
    """Return the first permission, in the order of `Permission`, that the caller lacks, or None."""
    lacked = {lacked_for(identity, one) for one in conferred}
    return next((permission for permission in Permission if permission in lacked), None)


def lacked_for(identity: Identity, conferred: Conferred) -> Permission | None:
    """Return what the caller lacks to confer this, or None.

    A group's admin confers what the own group has already. A permission of `WIDER` that the caller
    has by another group says nothing of this one's images.
    """
    group, permission = conferred.group, conferred.permission
    standing = identity.groups.get(group.id) if group is not None else None
    if standing is not None and (
        permission in standing.permissions or (standing.is_admin and not conferred.is_new)
    ):
        return None
    if permission not in identity.permissions:
        return permission
    wider = WIDER.get(permission)
    return wider if wider is not None and wider not in identity.permissions else None

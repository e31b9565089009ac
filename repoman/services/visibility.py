"""Which images somebody may see, in SQL: the row "see" of the table in `repoman.security`.

A UNION of ids and not an OR: a user who sees few of many images then costs only those few.
"""

from sqlalchemy import ColumnElement, CompoundSelect, Select, or_, select, true, union

from repoman.identity import Identity, Permission
from repoman.models import GroupPermission, Image, ImageShare, Membership, now

NOT_DELETED: ColumnElement[bool] = Image.deleted.is_(None)
"""The condition for images that are not in the trash: of all others, no URL but theirs speaks."""


def visible(identity: Identity) -> ColumnElement[bool]:
    """Make the condition on `Image` for the images that ``identity`` may see."""
    seen, there = seen_by(identity), NOT_DELETED & in_force(identity)
    return there if seen is None else Image.id.in_(seen) & there


def deletable_by(identity: Identity) -> ColumnElement[bool]:
    """Make the condition for images that ``identity`` may delete, and so sees in the trash."""
    if Permission.IMAGE_DELETE in identity.permissions:
        return true()
    mine = _groups_of(identity)
    deleting = _conferring(Permission.IMAGE_DELETE_GROUP)
    return or_(
        Image.owner_id == identity.user_id,
        Image.group_id.in_(mine.where(Membership.is_admin)),
        Image.group_id.in_(mine.where(Membership.group_id.in_(deleting))),
    )


def in_force(identity: Identity) -> ColumnElement[bool]:
    """Make the condition for images that have not expired, or whose ``expires`` one may set.

    To all others, an image whose ``expires`` has passed is gone.
    """
    return or_(Image.expires.is_(None), Image.expires > now(), manageable_by(identity))


def seen_by(identity: Identity) -> CompoundSelect[int] | None:
    """Select the ids of what ``identity`` may see, expired, deleted or neither; None: all."""
    if {Permission.IMAGE_MODIFY, Permission.IMAGE_DELETE} & identity.permissions:
        return None
    return union(
        select(Image.id).where(Image.owner_id == identity.user_id),
        *_seen_by_standing(identity),
        *readable_by(identity.user_id, _groups_of(identity)),
    )


def seen_by_group(identity: Identity) -> CompoundSelect[int]:
    """Select the ids of what ``identity`` may see for being in the image's group."""
    mine = _groups_of(identity)
    return union(
        *_seen_by_standing(identity),
        select(Image.id).where(Image.group_id.in_(mine), group_reads()),
    )


def _seen_by_standing(identity: Identity) -> tuple[Select[int], ...]:
    """Select the ids of what one sees as an admin of the group, or by what the group confers."""
    mine = _groups_of(identity)
    conferring = _conferring(Permission.IMAGE_MODIFY_GROUP, Permission.IMAGE_DELETE_GROUP)
    return (
        select(Image.id).where(Image.group_id.in_(mine.where(Membership.is_admin))),
        select(Image.id).where(Image.group_id.in_(mine.where(Membership.group_id.in_(conferring)))),
    )


def _conferring(*permissions: Permission) -> Select[int]:
    """Select the ids of the groups that confer any of these."""
    return select(GroupPermission.group_id).where(
        GroupPermission.permission.in_([str(one) for one in permissions])
    )


def _groups_of(identity: Identity) -> Select[int]:
    """Select the ids of the caller's groups: by query, for a statement holds only so many ids."""
    return select(Membership.group_id).where(Membership.user_id == identity.user_id)


def readable_by(user_id: int, groups: Select[int]) -> tuple[Select[int], ...]:
    """Select the ids of what others let a user of these ``groups`` read: by share or access."""
    return (
        select(ImageShare.image_id).where(ImageShare.user_id == user_id),
        select(ImageShare.image_id).where(ImageShare.group_id.in_(groups)),
        select(Image.id).where(Image.group_id.in_(groups), group_reads()),
    )


def group_reads() -> ColumnElement[bool]:
    """Make the condition for images whose group, where they have one, may read or write them."""
    return Image.group_access.in_(["read", "write"])


def manageable_by(identity: Identity) -> ColumnElement[bool]:
    """Make the condition for the images whose ``expires`` and shares the caller may set."""
    if Permission.IMAGE_MODIFY in identity.permissions:
        return true()
    own = Image.owner_id == identity.user_id
    if not any(standing.is_admin for standing in identity.groups.values()):
        return own
    return or_(own, Image.group_id.in_(_groups_of(identity).where(Membership.is_admin)))

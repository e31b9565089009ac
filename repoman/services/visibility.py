"""Which images somebody may see, in SQL: the row "see" of the table in `repoman.security`.

A UNION of ids and not an OR: a user who sees few of many images then costs only those few.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, CompoundSelect, Select, or_, select, true, union

from repoman.identity import Identity, Permission
from repoman.models import Image, ImageShare, now

Groups = Sequence[int] | Select[int]
"""The ids of groups, or a query for them."""


def visible(identity: Identity) -> ColumnElement[bool]:
    """Make the condition on `Image` for the images that ``identity`` may see."""
    seen = seen_by(identity)
    return in_force(identity) if seen is None else Image.id.in_(seen) & in_force(identity)


def in_force(identity: Identity) -> ColumnElement[bool]:
    """Make the condition for images that have not expired, or whose ``expires`` one may set.

    To all others, an image whose ``expires`` has passed is gone.
    """
    return or_(Image.expires.is_(None), Image.expires > now(), manageable_by(identity))


def seen_by(identity: Identity) -> CompoundSelect[int] | None:
    """Select the ids of the images that ``identity`` may see, expired or not; None: all."""
    if {Permission.IMAGE_MODIFY, Permission.IMAGE_DELETE} & identity.permissions:
        return None
    wholly = _groups_where_all_is_seen(identity)
    return union(
        select(Image.id).where(Image.owner_id == identity.user_id),
        select(Image.id).where(Image.group_id.in_(wholly)),
        *readable_by(identity.user_id, list(identity.groups)),
    )


def readable_by(user_id: int, groups: Groups) -> tuple[Select[int], ...]:
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
    administered = [key for key, standing in identity.groups.items() if standing.is_admin]
    if not administered:
        return Image.owner_id == identity.user_id
    return or_(Image.owner_id == identity.user_id, Image.group_id.in_(administered))


def _groups_where_all_is_seen(identity: Identity) -> list[int]:
    conferring = {Permission.IMAGE_MODIFY_GROUP, Permission.IMAGE_DELETE_GROUP}
    return [
        key
        for key, standing in identity.groups.items()
        if standing.is_admin or conferring & standing.permissions
    ]

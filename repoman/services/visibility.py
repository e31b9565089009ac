"""Which images somebody may see, in SQL: the row "see" of the table in `repoman.security`.

A UNION of ids and not an OR: a user who sees few of many images then costs only those few.
"""

from sqlalchemy import ColumnElement, Select, or_, select, true, union

from repoman.identity import Identity, Permission
from repoman.models import Image, ImageShare, now


def visible(identity: Identity) -> ColumnElement[bool]:
    """Make the condition on `Image` for the images that ``identity`` may see.

    An image whose ``expires`` has passed is seen only by those who may set it.
    """
    return seen_by(identity) & or_(
        Image.expires.is_(None), Image.expires > now(), manageable_by(identity)
    )


def seen_by(identity: Identity) -> ColumnElement[bool]:
    """Make the condition for the images that ``identity`` may see, expired or not."""
    if {Permission.IMAGE_MODIFY, Permission.IMAGE_DELETE} & identity.permissions:
        return true()
    mine = list(identity.groups)
    wholly = _groups_where_all_is_seen(identity)
    parts: list[Select[int]] = [
        select(Image.id).where(Image.owner_id == identity.user_id),
        select(ImageShare.image_id).where(ImageShare.user_id == identity.user_id),
        select(ImageShare.image_id).where(ImageShare.group_id.in_(mine)),
        select(Image.id).where(Image.group_id.in_(mine), Image.group_access.in_(["read", "write"])),
        select(Image.id).where(Image.group_id.in_(wholly)),
    ]
    return Image.id.in_(union(*parts).scalar_subquery())


def manageable_by(identity: Identity) -> ColumnElement[bool]:
    """Make the condition for the images whose ``expires`` the caller may set."""
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

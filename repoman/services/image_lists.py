"""Lists of images: which are in each list, and what they can be filtered and sorted by."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, exists, or_, select, true, union
from sqlalchemy.orm import Session

from repoman.identity import Identity
from repoman.models import (
    Group,
    Image,
    ImageHypervisor,
    ImageShare,
    Membership,
    User,
)
from repoman.models.folding import mentions
from repoman.services import labels, states
from repoman.services.pages import Order
from repoman.services.visibility import (
    NOT_DELETED,
    deletable_by,
    group_reads,
    in_force,
    manageable_by,
    readable_by,
    seen_by,
    seen_by_group,
    visible,
)

Condition = ColumnElement[bool]

FEW = 1000
"""The most ids that are fetched first, so that a page is made of them and nothing else."""


def everything(session: Session, caller: Identity) -> Condition:
    """Choose all images that the caller may see."""
    seen = seen_by(caller)
    return in_force(caller) & (true() if seen is None else _among(session, seen))


def owned_by(session: Session, caller: Identity, user: User) -> Condition:
    """Choose the user's own images; of another's, those that the caller may see."""
    own = Image.owner_id == user.id
    return own if user.id == caller.user_id else own & everything(session, caller)


def shared_with(session: Session, caller: Identity, user: User) -> Condition:
    """Choose the images of others that the user may read by a share or a group's access.

    For another user, those among them whose shares the caller may see.
    """
    groups = select(Membership.group_id).where(Membership.user_id == user.id)
    shown = in_force(caller) if user.id == caller.user_id else manageable_by(caller)
    readable = _among(session, union(*readable_by(user.id, groups)))
    return and_(readable, Image.owner_id != user.id, shown)


def shared_by(caller: Identity, user: User) -> Condition:
    """Choose the user's images that others may read by a share or a group's access.

    For another user, those among them whose shares the caller may see.
    """
    shared = exists().where(
        ImageShare.image_id == Image.id, ImageShare.user_id.is_distinct_from(Image.owner_id)
    )
    offered = or_(shared, Image.group_id.is_not(None) & group_reads())
    return and_(Image.owner_id == user.id, offered, manageable_by(caller))


def of_group(session: Session, caller: Identity, group: Group) -> Condition:
    """Choose the images whose group it is, as far as the caller may see them."""
    return (Image.group_id == group.id) & everything(session, caller)


def of_own_groups(session: Session, caller: Identity) -> Condition:
    """Choose the images that the caller may see for being in their group."""
    return _among(session, seen_by_group(caller)) & in_force(caller)


def shared_with_group(caller: Identity, group: Group) -> Condition:
    """Choose the images shared with the group: all for its members, who may read them.

    For others, those whose shares the caller may see.
    """
    shared = Image.id.in_(select(ImageShare.image_id).where(ImageShare.group_id == group.id))
    return shared & (in_force(caller) if group.id in caller.groups else manageable_by(caller))


def _among(session: Session, ids: CompoundSelect[int]) -> Condition:
    """Choose the images of these ids.

    Where they are few, they are fetched first: PostgreSQL takes group and access for independent,
    expects a quarter of all images where there are sixty, and reads the whole table.
    """
    found = session.scalars(ids.limit(FEW + 1)).all()
    return Image.id.in_(found if len(found) <= FEW else ids)


def rows(
    caller: Identity, condition: Condition, filters: Mapping[str, Any], order: Order
) -> Select[*tuple[Any, ...]]:
    """Select id, UUID, names, ``deleted`` and the columns of ``order``, of the images in a list.

    Those in the trash are in it only where it is asked for them, and the caller may delete them.
    """
    in_trash = filters.get("state") == states.DELETED
    columns = dict.fromkeys((Image.id, Image.uuid, Image.name, Image.deleted, *order.columns))
    return (
        select(*columns, User.name.label("owner_name"))
        .join(Image.owner)
        .where(
            condition,
            deletable_by(caller) if in_trash else NOT_DELETED,
            *(FILTERS[name](value) for name, value in filters.items()),
        )
    )


def order(sort: str) -> Order:
    """Read ``name``, ``modified`` or ``size``, with ``-`` before it to descend; ties by id."""
    column = SORTS[sort.removeprefix("-")]
    return Order((column, Image.id), descending=sort.startswith("-"))


def names_of_owners(caller: Identity, owners: Sequence[int]) -> Select[int, str]:
    """Select ids of owners and names of images, as far as the caller may see these."""
    return select(Image.owner_id, Image.name).where(Image.owner_id.in_(owners), visible(caller))


def _is_of_group(name: str | None) -> Condition:
    if name is None:
        return Image.group_id.is_(None)
    return Image.group_id == select(Group.id).where(Group.name == name).scalar_subquery()


FILTERS: Mapping[str, Callable[[Any], Condition]] = {
    "name": lambda name: Image.name == name,
    "os_type": lambda text: Image.os_type == text,
    "os_variant": lambda text: Image.os_variant == text,
    "os_arch": lambda text: Image.os_arch == text,
    "hypervisor": lambda name: exists().where(
        ImageHypervisor.image_id == Image.id, ImageHypervisor.hypervisor == name
    ),
    "owner": lambda name: (
        Image.owner_id == select(User.id).where(User.name == name).scalar_subquery()
    ),
    "group": _is_of_group,
    "state": states.is_in,
    "format": labels.has_format,
    "q": lambda text: mentions(text, Image.name, Image.description),
}
"""Query parameters and the conditions that they put on an image."""

SORTS = {"name": Image.name, "modified": Image.modified, "size": Image.size}
"""Each with an index of its own. An absent size is -1."""

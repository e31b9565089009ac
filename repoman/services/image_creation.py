"""Making images: empty ones, and copies of others."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from repoman import names
from repoman.errors import InvalidParameter
from repoman.identity import Identity, Permission
from repoman.models import Group, Image, User, now
from repoman.security import Action, denied, require
from repoman.services import copies, groups, hypervisors, images, labels, owners, quotas, users
from repoman.settings import Settings


def create(
    session: Session,
    caller: Identity,
    fields: Mapping[str, Any],
    *,
    source: Image | None,
    settings: Settings,
) -> Image:
    """Make an image, empty or with the current files of ``source`` at once and for nothing.

    A copy takes the source's files, description, os fields and hypervisors, and none of its
    access, group, shares, ``read_only`` or ``expires``. The blobs are shared, not copied.
    Raises `PermissionDenied`, `NotGroupMember`, `ImageQuarantined`, `InvalidParameter`,
    `ImageExists`, `FormatMismatch`, `QuotaExceeded`, `FileDamaged`.
    """
    owner = _owner_of_new(session, caller, fields)
    group = _group_of_new(session, owner, fields, settings)
    require(caller, Action.CREATE_IMAGE, group)
    if "expires" in fields and fields["expires"] and fields["expires"] <= now():
        raise InvalidParameter("An image cannot begin expired.", field="expires")
    wanted = fields.get("hypervisor")
    listed = hypervisors.known(wanted, settings) if wanted else _usual(source, settings)
    copied = copies.files_of(caller, source, listed) if source else []
    owners.check_name_free(session, owner, fields["name"])
    image = _new(fields, owner, group, source)
    hypervisors.assign(image, listed)
    copies.put(image, copied)
    labels.declare(image, fields.get("format"))
    session.add(image)
    session.flush()
    if source is not None:
        quotas.check_images(session, caller, [image], (owner, group), settings)
    return image


def _new(
    fields: Mapping[str, Any], owner: User, group: Group | None, source: Image | None
) -> Image:
    image = Image(
        uuid=names.new_uuid(),
        name=fields["name"],
        owner=owner,
        group=group,
        group_access=fields.get("group_access") or "none",
        read_only=bool(fields.get("read_only")),
        unauthenticated_access=bool(fields.get("unauthenticated_access")),
        expires=fields.get("expires"),
        copy_of=source,
        last_version=0,
    )
    for field in images.TEXTS:
        setattr(image, field, fields.get(field, source and getattr(source, field)))
    return image


def _usual(source: Image | None, settings: Settings) -> Sequence[str]:
    """Return the hypervisors of a new image that names none."""
    return source.hypervisor_names if source else settings.hypervisors[:1]


def _owner_of_new(session: Session, caller: Identity, fields: Mapping[str, Any]) -> User:
    given = {name for name in (fields.get("owner"), fields.get("user_name")) if name}
    if len(given) > 1:
        raise InvalidParameter("owner and user_name are one field.", field="user_name")
    name = given.pop() if given else caller.user_name
    if name != caller.user_name and Permission.IMAGE_MODIFY not in caller.permissions:
        raise denied(Permission.IMAGE_MODIFY)
    if name == caller.user_name:
        # By id: the name may have become another's while the request's body came in.
        own = session.get(User, caller.user_id)
        if own is not None:
            return own
    return users.find(session, name, "owner")


def _group_of_new(
    session: Session, owner: User, fields: Mapping[str, Any], settings: Settings
) -> Group | None:
    if "group" not in fields:
        default = settings.default_group
        if not groups.is_member(session, default, owner):
            return None
        return groups.find(session, default, "group")
    if fields["group"] is None:
        return None
    group = groups.find(session, fields["group"], "group")
    groups.require_member(session, group, owner)
    return group

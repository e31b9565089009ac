"""Images: finding and changing them. How they begin is `repoman.services.image_creation`."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from repoman import names
from repoman.errors import ImageReadOnly, InvalidParameter
from repoman.identity import Identity
from repoman.models import Image, ImageShare, User, now
from repoman.security import Action, no_such_image, require
from repoman.services import (
    groups,
    hypervisors,
    labels,
    owners,
    pages,
    quotas,
    users,
    versions,
)
from repoman.services.visibility import NOT_DELETED
from repoman.settings import Settings

# Fields, and what it takes to change them (REST.markdown, "Who may do what"); of the list of
# hypervisors it depends on the change (`hypervisors.require_change`).
FIELD_ACTIONS: Mapping[str, Action] = {
    "description": Action.EDIT_IMAGE,
    "os_type": Action.EDIT_IMAGE,
    "os_variant": Action.EDIT_IMAGE,
    "os_arch": Action.EDIT_IMAGE,
    "version": Action.EDIT_IMAGE,
    "format": Action.EDIT_IMAGE,
    "name": Action.MANAGE_IMAGE,
    "group": Action.MANAGE_IMAGE,
    "group_access": Action.MANAGE_IMAGE,
    "read_only": Action.MANAGE_IMAGE,
    "expires": Action.MANAGE_IMAGE,
    "unauthenticated_access": Action.PUBLISH_IMAGE,
    "owner": Action.GIVE_IMAGE,
}
TEXTS = ("description", "os_type", "os_variant", "os_arch")
"""Fields that are set as they are given."""

_many = partial(selectinload, chunksize=pages.MOST)
_SHARES = _many(Image.shares).options(joinedload(ImageShare.user), joinedload(ImageShare.group))
_WHOLE = (_many(Image.hypervisors), _many(Image.versions), _SHARES)
# Of one image, in two queries and not four: of a few files and hypervisors, the rows are few.
_ALONE = (joinedload(Image.hypervisors), joinedload(Image.versions), _SHARES)
# Of a source, who may see it.
_SHOWN = (_many(Image.uploads), _many(Image.copy_of).options(_many(Image.shares)))


def find(
    session: Session,
    caller: Identity | None,
    reference: str,
    *,
    owner_name: str | None = None,
    lock: bool = False,
    in_trash: bool = False,
) -> Image:
    """Return the image that ``{image}`` or ``{owner}/{image}`` means.

    Alone, it is the caller's own image of that name, then the image of that UUID; with an owner,
    only that user's. With ``lock``, others who want to change it wait for this transaction. With
    ``in_trash``, the UUID may be that of an image in the trash; a name never is.
    Raises `ImageNotFound`; whether the caller may see it is not asked here.
    """
    owner: int | None = None
    if owner_name is not None:
        owner = session.scalar(select(User.id).where(User.name == names.fold_account(owner_name)))
        if owner is None:
            raise no_such_image()
    by_name = owner if owner_name is not None else caller and caller.user_id
    found = None
    if by_name is not None and names.is_image_name(reference):
        found = _one(session, lock, Image.owner_id == by_name, Image.name == reference, NOT_DELETED)
    if found is None and (uuid := names.fold_uuid(reference)):
        conditions = [Image.uuid == uuid] + ([] if in_trash else [NOT_DELETED])
        if owner is not None:
            conditions.append(Image.owner_id == owner)
        found = _one(session, lock, *conditions)
    if found is None:
        raise no_such_image()
    return found


def _one(session: Session, lock: bool, *conditions: Any) -> Image | None:
    statement = select(Image).where(*conditions)
    if lock:
        return session.scalars(locked(statement.options(*_WHOLE))).one_or_none()
    return session.scalars(statement.options(*_ALONE)).unique().one_or_none()


def locked(statement: Select[Image]) -> Select[Image]:
    """Have others who want to change these images wait until the commit.

    Owner and group come by queries of their own: after waiting for the lock, PostgreSQL looks at
    the image anew, but joins it with the rows from before. Those pass who only name the image, as
    who changes its copy: else two might wait for each other.
    """
    return (
        statement.options(selectinload(Image.owner), selectinload(Image.group))
        .with_for_update(of=Image, key_share=True)
        .execution_options(populate_existing=True)
    )


def reload(session: Session, image_id: int) -> Image:
    """Return the image as it is now, locked. Raises `ImageNotFound`, also for one in the trash."""
    found = _one(session, True, Image.id == image_id, NOT_DELETED)
    if found is None:
        raise no_such_image()
    return found


def whole(session: Session, ids: Sequence[int]) -> list[Image]:
    """Return these images, in this order, with all that is shown of them and of their sources."""
    return pages.load(session, select(Image).options(*_WHOLE, *_SHOWN), Image.id, ids)


def modify(
    session: Session, caller: Identity, image: Image, fields: Mapping[str, Any], settings: Settings
) -> None:
    """Change the ``fields`` of an image, each with its own right (`FIELD_ACTIONS`).

    A ``version`` that is current already is no change.
    Raises `PermissionDenied`, `NotGroupMember`, `InvalidParameter`, `ImageExists`,
    `ImageReadOnly`, `FormatMismatch`, `QuotaExceeded`, `VersionNotFound`, `FileDamaged`.
    """
    _require_rights(caller, image, fields)
    if "version" in fields and versions.is_current(image, fields["version"]):
        fields = {name: value for name, value in fields.items() if name != "version"}
    if not fields:
        return
    before = (image.owner, image.group)
    if "version" in fields:
        check_writable(image)
        versions.put_back(session, caller, image, fields["version"], settings)
    if "hypervisor" in fields:
        _change_hypervisors(session, image, hypervisors.known(fields["hypervisor"], settings))
    if {"version", "format"} & fields.keys():
        labels.declare(image, fields.get("format", image.format))
    _change_owner_and_name(session, image, fields)
    if "group" in fields:
        _change_group(session, caller, image, fields["group"])
    for field in (*TEXTS, "expires"):
        if field in fields:
            setattr(image, field, fields[field])
    if "group_access" in fields:
        image.group_access = fields["group_access"] or "none"
    for field in ("read_only", "unauthenticated_access"):
        if field in fields:
            setattr(image, field, bool(fields[field]))
    image.modified = now()
    session.flush()
    gaining = {image.owner, image.group}.difference(before)
    quotas.check_images(session, caller, [image], gaining, settings)


def _require_rights(caller: Identity, image: Image, fields: Mapping[str, Any]) -> None:
    for field, value in fields.items():
        if field == "hypervisor":
            hypervisors.require_change(caller, image, value or ())
        else:
            require(caller, FIELD_ACTIONS[field], image)


def check_writable(image: Image) -> None:
    """Raise `ImageReadOnly` where files may be neither written nor deleted."""
    if image.read_only:
        raise ImageReadOnly("The image is read-only; set read_only=false first.")


def _change_hypervisors(session: Session, image: Image, wanted: Sequence[str]) -> None:
    """Set the list, and move the files of those taken off to the trash."""
    dropped = set(image.hypervisor_names).difference(wanted)
    files = [file for file in image.versions if file.hypervisor in dropped]
    if files:
        check_writable(image)
        versions.move_to_trash(session, image, files)
    hypervisors.assign(image, wanted)


def _change_group(session: Session, caller: Identity, image: Image, name: str | None) -> None:
    """Put the image into a group of its owner's; a group's admin may only take it out."""
    if name is None:
        image.group = None
        return
    group = groups.find(session, name, "group")
    if image.group is group:
        return
    if image.owner_id != caller.user_id:
        require(caller, Action.GIVE_IMAGE, image)
    groups.require_member(session, group, image.owner)
    image.group = group


def _change_owner_and_name(session: Session, image: Image, fields: Mapping[str, Any]) -> None:
    """Set both at once, for a name is unique for its owner."""
    owner, name = image.owner, fields.get("name", image.name)
    if "owner" in fields:
        owner = users.find(session, fields["owner"] or "", "owner")
    if name is None:
        raise InvalidParameter("An image needs a name.", field="name")
    if (owner, name) == (image.owner, image.name):
        return
    owners.check_name_free(session, owner, name)
    image.name = name
    if owner is not image.owner:
        owners.change(session, image, owner)

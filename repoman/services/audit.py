"""The audit trail: a row for every change, in the transaction of the change.

What was asked and by whom, not what the tables held before: the answer to "who gave Bob this
image, and when?". Rows are only ever added; no URL of the API reads or writes them.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from repoman import conferral, names
from repoman.identity import Identity
from repoman.json_text import from_line, to_line
from repoman.models import AuditEntry, Group, Image, User
from repoman.services.certificates import read_registration
from repoman.urls import Urls

LONGEST = 200
"""Characters of a text that was sent, as far as it is kept."""

Thing = conferral.Thing | Image | None
"""What a change is about; None is the site as a whole."""

_paths = Urls("")


def record(
    session: Session,
    caller: Identity | None,
    action: str,
    thing: Thing,
    *,
    request: str,
    request_id: str,
    place: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a row. ``place`` is `path_of` the thing before the change, where that may differ.

    ``caller`` None is an administrator on the server itself.
    """
    session.add(
        AuditEntry(
            user_id=caller and caller.user_id,
            user_name=caller and caller.user_name,
            dn=caller and caller.dn,
            action=action,
            object=place or path_of(thing),
            object_key=key_of(thing),
            request=request,
            detail=to_line({name: bounded(name, one) for name, one in (detail or {}).items()}),
            request_id=request_id[:100],
        )
    )
    session.flush()


def path_of(thing: Thing) -> str:
    """Return the path of the URL of what is changed; a membership changes its group."""
    match conferral.row_of(thing):
        case Image() as image:
            # By name, also of one in the trash: what people know it by.
            return _paths.image_named(image.owner.name, image.name)
        case User() as user:
            return _paths.user(user)
        case Group() as group:
            return _paths.group(group)
    return "/api"


def key_of(thing: Thing) -> str:
    """Return a name that no rename changes, and that is never another's."""
    match conferral.row_of(thing):
        case Image() as image:
            return _paths.image_by_uuid(image)
        case User() as user:
            return f"user {user.id}"
        case Group() as group:
            return f"group {group.id}"
    return "/api"


def bounded(name: str, value: Any) -> Any:
    """Shorten a text; of a certificate keep the name that it is for."""
    if not isinstance(value, str):
        return value
    if name == "certificate":
        return read_registration({name: value}, require_issuer=False).dn.slash
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"


def detail_of(entry: AuditEntry) -> dict[str, Any]:
    """Return what was sent, and the file that resulted."""
    found: dict[str, Any] = from_line(entry.detail)
    return found


def find(
    session: Session,
    *,
    user: str | None = None,
    thing: str | None = None,
    since: datetime | None = None,
) -> Iterator[AuditEntry]:
    """Yield the rows, oldest first: of a user, of an object by its URL's path, since a time.

    A user and an object are known under every name that they have or had.
    """
    statement = select(AuditEntry).order_by(AuditEntry.id)
    if user is not None:
        name = user.lower()
        known = select(AuditEntry.user_id).where(AuditEntry.user_name == name)
        current = select(User.id).where(User.name == name)
        statement = statement.where(
            or_(AuditEntry.user_id.in_(known), AuditEntry.user_id.in_(current))
        )
    if thing is not None:
        keys = select(AuditEntry.object_key).where(AuditEntry.object == thing)
        statement = statement.where(
            or_(
                AuditEntry.object_key.in_(keys),
                AuditEntry.object_key == thing,
                AuditEntry.object_key.in_(_keys_now(session, thing)),
            )
        )
    if since is not None:
        statement = statement.where(AuditEntry.time >= since)
    yield from session.scalars(statement.execution_options(yield_per=1000))


def _keys_now(session: Session, path: str) -> list[str]:
    """Return the key of what has this URL's path at present, if there is such a thing."""
    match path.removeprefix("/api/").split("/"):
        case ["images", reference]:
            uuid = names.fold_uuid(reference)
            return [] if uuid is None else [_paths(f"/api/images/{uuid}")]
        case ["images", owner, name]:
            # Besides the one that has the name, those of that name in the trash.
            images = session.scalars(
                select(Image)
                .join(Image.owner)
                .where(User.name == names.fold_account(owner), Image.name == name)
            )
            return [key_of(image) for image in images]
        case ["users", name]:
            user = session.scalar(select(User).where(User.name == names.fold_account(name)))
            return [] if user is None else [key_of(user)]
        case ["groups", name]:
            group = session.scalar(select(Group).where(Group.name == names.fold_account(name)))
            return [] if group is None else [key_of(group)]
    return []

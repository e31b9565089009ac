"""What is in the store and what takes its room, for administrators: all of it at one moment.

Each figure is one statement, in which the database does the sums.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Select, func, select, union
from sqlalchemy.orm import Session, aliased

from repoman.errors import StoreUnavailable
from repoman.models import Blob, Group, Image, ImageFile, StorageSample, Upload, User
from repoman.models.image import NO_FILE
from repoman.services import consumers, images, integrity, samples, uploads
from repoman.services.checks import reason_of
from repoman.services.consumers import Consumer
from repoman.services.emptying import Trash
from repoman.services.quotas import sum_of
from repoman.services.usage import Usage
from repoman.settings import Settings
from repoman.storage import Store

ACCOUNTS, IMAGES, UPLOADS = 20, 10, 100
"""The most that are listed of each."""


@dataclass(frozen=True)
class Room:
    """What the store says of itself, in bytes; None and the ``reason`` where it does not answer."""

    free: int | None = None
    size: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Kind:
    """The files of a format (None: nobody has looked) and compression, and their bytes."""

    format: str | None
    compression: str | None
    size: int
    files: int


@dataclass(frozen=True)
class Thrown:
    """What is in the trash; ``size`` are the bytes that nothing else names."""

    images: int
    versions: int
    size: int


@dataclass(frozen=True)
class Running:
    """An unfinished upload, and to which image; ``arrived`` None: the store does not answer."""

    upload: Upload
    user_name: str
    owner_name: str
    image_name: str
    arrived: int | None = None


@dataclass(frozen=True)
class Checked:
    """How many of the files that images name were read again, and which was longest ago."""

    checked: int
    unchecked: int
    oldest: datetime | None
    damaged: int


@dataclass(frozen=True)
class Report:
    """All of it."""

    room: Room
    kinds: list[Kind]
    users: list[Consumer]
    groups: list[Consumer]
    largest: list[Image]
    oldest: list[Image]
    trash: Thrown
    uploads: list[Running]
    scrub: Checked
    history: list[StorageSample]


def make(session: Session, store: Store, usage: Usage, settings: Settings) -> Report:
    """Find everything out."""
    room, running = _ask(store, usage, _unfinished(session))
    return Report(
        room=room,
        kinds=_kinds(session),
        users=consumers.largest(session, User, settings, ACCOUNTS),
        groups=consumers.largest(session, Group, settings, ACCOUNTS),
        largest=images.whole(session, session.scalars(_largest()).all()),
        oldest=images.whole(session, session.scalars(_oldest()).all()),
        trash=_thrown(session),
        uploads=running,
        scrub=_checked(session),
        history=samples.history(session),
    )


def _ask(store: Store, usage: Usage, begun: list[Running]) -> tuple[Room, list[Running]]:
    """Ask the store for its room, and how much has arrived of what was ``begun``.

    An upload that has no file any more is none; a store that has failed once is asked no more.
    """
    outcome = usage.room()
    if outcome.reason is not None:
        return Room(reason=outcome.reason), begun
    found = []
    try:
        for one in begun:
            arrived = uploads.arrived(store, one.upload)
            if arrived is not None:
                found.append(replace(one, arrived=arrived))
    except StoreUnavailable as error:
        return Room(reason=reason_of(error)), begun
    free, size = outcome.value["store_free_bytes"], outcome.value["store_size_bytes"]
    return Room(int(free), int(size)), found


def _unfinished(session: Session) -> list[Running]:
    """List everybody's, the latest begun first."""
    sender, owner = aliased(User), aliased(User)
    statement = (
        select(Upload, sender.name, owner.name, Image.name)
        .join(sender, sender.id == Upload.user_id)
        .join(Image, Image.id == Upload.image_id)
        .join(owner, owner.id == Image.owner_id)
        .order_by(Upload.id.desc())
        .limit(UPLOADS)
    )
    return [Running(*row) for row in session.execute(statement)]


def _kinds(session: Session) -> list[Kind]:
    """Sum all stored files up, what takes most room first."""
    size = sum_of(Blob.size)
    statement = (
        select(Blob.format, Blob.compression, size, func.count())
        .group_by(Blob.format, Blob.compression)
        .order_by(size.desc(), Blob.format, Blob.compression)
    )
    return [Kind(*row) for row in session.execute(statement)]


def _largest() -> Select[int]:
    """Select the ids of the images of which the first hypervisor's file is largest."""
    return (
        select(Image.id)
        .where(Image.size > NO_FILE, Image.id.not_in(_in_trash()))
        .order_by(Image.size.desc(), Image.id.desc())
        .limit(IMAGES)
    )


def _oldest() -> Select[int]:
    """Select the ids of the images to which nothing was uploaded for longest.

    One without a current file takes no room, or little, however old it is.
    """
    return (
        select(ImageFile.image_id)
        .where(ImageFile.current, ImageFile.image_id.not_in(_in_trash()))
        .group_by(ImageFile.image_id)
        .order_by(func.max(ImageFile.uploaded), ImageFile.image_id)
        .limit(IMAGES)
    )


def _in_trash() -> Select[int]:
    """Select the ids of images: few, and so no condition that is asked of each image."""
    return select(Image.id).where(Trash.whole().images)


def _thrown(session: Session) -> Thrown:
    """Sum the trash up; of images in it, the versions go with them and are not counted."""
    trash = Trash.whole()
    of_images = select(ImageFile.blob_id).where(ImageFile.image_id.in_(_in_trash()))
    named = union(of_images, select(ImageFile.blob_id).where(trash.versions))
    versions = select(func.count()).select_from(ImageFile).join(ImageFile.image)
    row = session.execute(
        select(
            select(func.count()).select_from(Image).where(trash.images).scalar_subquery(),
            versions.where(trash.versions, ~trash.images).scalar_subquery(),
            select(sum_of(Blob.size))
            .where(Blob.id.in_(named), trash.names_alone)
            .scalar_subquery(),
        )
    ).one()
    return Thrown(*row)


def _checked(session: Session) -> Checked:
    """Sum up what `repoman.services.scrub` has read; it leaves alone what no image names."""
    row = session.execute(
        select(
            func.count(Blob.checked),
            func.count() - func.count(Blob.checked),
            func.min(Blob.checked),
            func.count(Blob.damaged),
        ).where(integrity.NAMED)
    ).one()
    return Checked(*row)

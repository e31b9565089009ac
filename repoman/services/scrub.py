"""Scrubbing: every blob is read from time to time, so that damage shows before it is needed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from repoman.models import Blob, Image, ImageFile, Sessions, now
from repoman.services import integrity
from repoman.storage import Store


@dataclass(frozen=True)
class Scrubbed:
    """A blob that was read: what is wrong with it, whether it was damaged before, and whose it is.

    ``hits`` are the versions that name a damaged one, as ``OWNER/NAME HYPERVISOR VERSION``.
    """

    blob: Blob
    flaw: str | None
    hits: tuple[str, ...] = ()


class Pace:
    """Keeps reading to ``rate`` bytes a second, by waiting; 0: as fast as it goes."""

    def __init__(self, rate: int) -> None:
        self._rate, self._due = rate, time.monotonic()

    def __call__(self, size: int) -> None:
        """Wait for as long as these bytes should have taken, less what has passed already."""
        if not self._rate:
            return
        began = time.monotonic()
        # What was not read while nothing was to be read is not made up for.
        self._due = max(self._due, began - 1) + size / self._rate
        time.sleep(max(self._due - began, 0))


def scrub(sessions: Sessions, store: Store, pace: Pace, older_than: int) -> Iterator[Scrubbed]:
    """Read the blobs that were not read for ``older_than`` seconds, the longest unread first.

    Each is marked as it is found: damaged, or whole again. No transaction is open meanwhile. Blobs
    that no version names are left to the collector. Raises `StoreUnavailable`.
    """
    limit = now() - timedelta(seconds=older_than)
    due = or_(Blob.checked.is_(None), Blob.checked <= limit)
    statement = select(Blob.id).where(due, integrity.NAMED)
    with sessions.reading() as session:
        keys = session.scalars(statement.order_by(Blob.checked.nulls_first(), Blob.id)).all()
    for key in keys:
        with sessions.reading() as session:
            blob = session.get(Blob, key)
        if blob is None:
            continue
        flaw = integrity.examine(sessions, store, blob, pace)
        yield Scrubbed(blob, flaw, hits_of(sessions, blob) if flaw else ())


def hits_of(sessions: Sessions, blob: Blob) -> tuple[str, ...]:
    """List the versions that name a blob, those in the trash too."""
    statement = (
        select(ImageFile)
        .join(ImageFile.image)
        .where(ImageFile.blob_id == blob.id)
        .options(joinedload(ImageFile.image))
        .order_by(Image.id, ImageFile.version)
    )
    with sessions.reading() as session:
        rows = session.scalars(statement).all()
    return tuple(
        f"{row.image.owner.name}/{row.image.name} {row.hypervisor} {row.version}" for row in rows
    )

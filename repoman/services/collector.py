"""The collector: removes what no row names, and what killed uploads left behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, exists, select, union_all, update
from sqlalchemy.exc import IntegrityError

from repoman.models import Blob, ImageFile, Protocol, Sessions, Upload, now
from repoman.storage import Store


@dataclass(frozen=True)
class Collected:
    """One thing that was removed: what, its key, its size in bytes.

    Not removed is what is still ``waiting`` for its grace time to pass, and what is ``kept`` for a
    backup or a restore that is running.
    """

    what: str
    key: str
    size: int
    waiting: bool = False
    kept: bool = False


class StrangeStore(Exception):
    """Store and database do not seem to belong together; nothing was removed."""


def collect(
    sessions: Sessions, store: Store, grace: int, *, force: bool = False
) -> Iterator[Collected]:
    """Remove and yield: expired uploads, blobs without image for ``grace`` seconds, stray files.

    Safe beside a running server: a running upload holds a lock, and a download keeps its open
    file. The grace time is for those who have read a row and not yet opened the file, and for a
    commit of which nobody knows yet whether it took place. Beside a backup or a restore no file is
    removed: the one reads blobs that may have lost their image since, the other brings them before
    their rows. Raises `StrangeStore` unless ``force``.
    """
    if not force:
        _require_own_store(sessions, store)
    yield from _stale_uploads(sessions, store)
    with store.collecting() as allowed:
        yield from _unreferenced_blobs(sessions, store, grace, allowed=allowed)
        yield from _stray_files(sessions, store, grace, allowed=allowed)


def _require_own_store(sessions: Sessions, store: Store) -> None:
    """Refuse a store full of files of which the database knows not one: they are another's."""
    if next(store.keys(), None) is None:
        return
    # Asked afterwards: the first upload of all has a row before its file, until its blob has one.
    known = union_all(select(Blob.id), select(Upload.id)).limit(1)
    with sessions.reading() as session:
        knows_any = session.scalar(known) is not None
    if not knows_any:
        raise StrangeStore(
            "The store holds files, and the database knows none of them: do they belong together? "
            "With --force, all these files are removed."
        )


def _stale_uploads(sessions: Sessions, store: Store) -> Iterator[Collected]:
    """End the uploads that nobody goes on with; their files are stray then.

    A form's cannot be gone on with once it has broken off.
    """
    is_stale = (Upload.expires <= now()) | (Upload.protocol == Protocol.FORM)
    with sessions.reading() as session:
        uuids = session.scalars(select(Upload.uuid).where(is_stale)).all()
    for uuid in uuids:
        if not store.is_held(uuid):
            with sessions.changing.begin() as session:
                gone = session.execute(delete(Upload).where(Upload.uuid == uuid, is_stale))
            # None is gone where the upload ended by itself meanwhile, or somebody went on with it.
            if gone.rowcount:  # type: ignore[attr-defined]
                yield Collected("stale upload", uuid, 0)


def _unreferenced_blobs(
    sessions: Sessions, store: Store, grace: int, *, allowed: bool = True
) -> Iterator[Collected]:
    """Mark the blobs that no image names; delete those marked for longer than ``grace``."""
    named = exists().where(ImageFile.blob_id == Blob.id)
    with sessions.changing.begin() as session:
        session.execute(update(Blob).where(named).values(unreferenced=None))
        session.execute(
            update(Blob).where(~named, Blob.unreferenced.is_(None)).values(unreferenced=now())
        )
    with sessions.reading() as session:
        blobs = session.scalars(select(Blob).where(Blob.unreferenced.is_not(None))).all()
    limit = now() - timedelta(seconds=grace)
    for blob in blobs:
        if blob.unreferenced is not None and blob.unreferenced > limit:
            yield Collected("blob", blob.uuid, blob.size, waiting=True)
        elif not allowed:
            yield Collected("blob", blob.uuid, blob.size, kept=True)
        elif _forget(sessions, blob):
            store.delete(blob.uuid)
            yield Collected("blob", blob.uuid, blob.size)


def _forget(sessions: Sessions, blob: Blob) -> bool:
    """Delete the row unless an image names it by now; row first, so that no row lacks its file."""
    unnamed = ~exists().where(ImageFile.blob_id == Blob.id)
    try:
        with sessions.changing.begin() as session:
            gone = session.execute(delete(Blob).where(Blob.id == blob.id, unnamed))
            return bool(gone.rowcount)  # type: ignore[attr-defined]
    except IntegrityError:
        # A copy was made in the same moment; PostgreSQL finds out by the foreign key.
        return False


def _stray_files(
    sessions: Sessions, store: Store, grace: int, *, allowed: bool = True
) -> Iterator[Collected]:
    """Remove files without a row, unless held: those of uploads that ended otherwise."""
    for files, what in ((store.partials(), "partial file"), (store.keys(), "stray file")):
        for key, size in files:
            if _is_known(sessions, key) or store.is_held(key):
                continue
            if what == "stray file" and store.age(key) < grace:
                yield Collected(what, key, size, waiting=True)
                continue
            if not allowed:
                yield Collected(what, key, size, kept=True)
                continue
            # Asked again after the lock was seen free: the upload may have ended in between.
            if not _is_known(sessions, key) and store.delete(key):
                yield Collected(what, key, size)


def _is_known(sessions: Sessions, key: str) -> bool:
    """Say whether a row names the file: of a blob, or of an upload that may go on."""
    known = union_all(
        select(Blob.id).where(Blob.uuid == key), select(Upload.id).where(Upload.uuid == key)
    )
    with sessions.reading() as session:
        return session.scalar(known) is not None

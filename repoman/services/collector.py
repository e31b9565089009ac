"""The collector: empties the trash, merges blobs, removes what no row names or uploads left."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from repoman.models import Blob, Protocol, Sessions, Upload, now
from repoman.services import emptying, integrity, merging, ownership
from repoman.services.emptying import Trash
from repoman.settings import TRASH_TTL
from repoman.storage import Store


@dataclass(frozen=True)
class Collected:
    """One thing that was removed, or in a dry run would be: what, its key, its size in bytes.

    Not removed is what is still ``waiting`` for its grace time to pass, and what is ``kept`` for a
    backup or a restore that is running. A blob that was merged is waiting too: its ``fate`` says
    what became of it.
    """

    what: str
    key: str
    size: int
    waiting: bool = False
    kept: bool = False
    fate: str | None = None


def collect(
    sessions: Sessions,
    store: Store,
    grace: int,
    *,
    trash_ttl: int = TRASH_TTL,
    force: bool = False,
    dry_run: bool = False,
) -> Iterator[Collected]:
    """Remove and yield what nobody needs; in a dry run, only yield it.

    That is expired uploads, what has been in the trash for ``trash_ttl`` seconds, blobs without
    image for ``grace`` seconds, and stray files. Equal blobs are merged.

    Safe beside a running server: a running upload holds a lock, and a download keeps its open
    file. The grace time is for those who have read a row and not yet opened the file, and for a
    commit of which nobody knows yet whether it took place. Beside a backup or a restore no file is
    removed: the one reads blobs that may have lost their image since, the other brings them before
    their rows. Raises `StrangeStore` unless ``force``.
    """
    if not force:
        ownership.require_known_files(sessions, store)
    yield from _stale_uploads(sessions, store, dry_run=dry_run)
    trash = Trash.older_than(trash_ttl)
    for key in emptying.remove_images(sessions, trash, dry_run=dry_run):
        yield Collected("deleted image", key, 0)
    for key in emptying.remove_versions(sessions, trash, dry_run=dry_run):
        yield Collected("deleted version", key, 0)
    for blob, fate in merging.merge(sessions, store, dry_run=dry_run):
        yield Collected("blob", blob.uuid, blob.size, waiting=True, fate=fate)
    with store.collecting() as allowed:
        yield from _unreferenced_blobs(
            sessions, store, grace, trash, allowed=allowed, dry_run=dry_run
        )
        yield from _stray_files(sessions, store, grace, allowed=allowed, dry_run=dry_run)


def _stale_uploads(
    sessions: Sessions, store: Store, *, dry_run: bool = False
) -> Iterator[Collected]:
    """End the uploads that nobody goes on with; their files are stray then.

    A form's cannot be gone on with once it has broken off.
    """
    is_stale = (Upload.expires <= now()) | (Upload.protocol == Protocol.FORM)
    with sessions.reading() as session:
        uuids = session.scalars(select(Upload.uuid).where(is_stale)).all()
    for uuid in uuids:
        if store.is_held(uuid):
            continue
        if dry_run:
            yield Collected("stale upload", uuid, 0)
        else:
            with sessions.changing.begin() as session:
                gone = session.execute(delete(Upload).where(Upload.uuid == uuid, is_stale))
            # None is gone where the upload ended by itself meanwhile, or somebody went on with it.
            if gone.rowcount:  # type: ignore[attr-defined]
                yield Collected("stale upload", uuid, 0)


def _unreferenced_blobs(
    sessions: Sessions,
    store: Store,
    grace: int,
    trash: Trash,
    *,
    allowed: bool = True,
    dry_run: bool = False,
) -> Iterator[Collected]:
    """Mark the blobs that no image names; delete those marked for longer than ``grace``."""
    if not dry_run:
        _mark(sessions)
    with sessions.reading() as session:
        blobs = session.scalars(select(Blob).where(trash.names_alone)).all()
    moment = now()
    for blob in blobs:
        # One without a mark has lost its image just now, or would by this dry run.
        if (blob.unreferenced or moment) > moment - timedelta(seconds=grace):
            yield Collected("blob", blob.uuid, blob.size, waiting=True)
        elif not allowed:
            yield Collected("blob", blob.uuid, blob.size, kept=True)
        elif dry_run:
            yield Collected("blob", blob.uuid, blob.size)
        elif _forget(sessions, blob):
            store.delete(blob.uuid)
            yield Collected("blob", blob.uuid, blob.size)


def _mark(sessions: Sessions) -> None:
    """Note on each blob since when no image names it."""
    unnamed = ~integrity.NAMED & Blob.unreferenced.is_(None)
    with sessions.changing.begin() as session:
        session.execute(update(Blob).where(integrity.NAMED).values(unreferenced=None))
        session.execute(update(Blob).where(unnamed).values(unreferenced=now()))


def _forget(sessions: Sessions, blob: Blob) -> bool:
    """Delete the row unless an image names it by now; row first, so that no row lacks its file."""
    try:
        with sessions.changing.begin() as session:
            gone = session.execute(delete(Blob).where(Blob.id == blob.id, ~integrity.NAMED))
            return bool(gone.rowcount)  # type: ignore[attr-defined]
    except IntegrityError:
        # A copy was made in the same moment; PostgreSQL finds out by the foreign key.
        return False


def _stray_files(
    sessions: Sessions, store: Store, grace: int, *, allowed: bool = True, dry_run: bool = False
) -> Iterator[Collected]:
    """Remove files without a row, unless held: those of uploads that ended otherwise."""
    for files, what in ((store.partials(), "partial file"), (store.keys(), "stray file")):
        for key, size in files:
            if ownership.known(sessions, [key]) or store.is_held(key):
                continue
            if what == "stray file" and store.age(key) < grace:
                yield Collected(what, key, size, waiting=True)
                continue
            if not allowed or dry_run:
                yield Collected(what, key, size, kept=not allowed)
                continue
            # Asked again after the lock was seen free: the upload may have ended in between.
            if not ownership.known(sessions, [key]) and store.delete(key):
                yield Collected(what, key, size)

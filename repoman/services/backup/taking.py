"""Backing up a site that is running: the database first, then the blobs that it names.

In this order, and with the collector kept from removing anything, every row of the backup has its
blob, whatever is uploaded, overwritten and deleted meanwhile.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from repoman.database import require_current, wanted_revision
from repoman.identity import ADMINS
from repoman.models import Group, Sessions, now
from repoman.services.backup import copies, dumps
from repoman.services.backup.copies import Damaged, Tally
from repoman.services.backup.dumps import Dump, NamedBlob
from repoman.services.backup.folders import BackupError, BackupFolder, Manifest
from repoman.storage import Store
from repoman.storage.filesystem import FilesystemStore


@dataclass
class Taken:
    """What a backup did: blobs copied or linked, found there already, and removed there.

    ``damaged`` has those that it could not get, each with what is wrong with it.
    """

    rows: int
    copied: Tally = field(default_factory=Tally)
    kept: Tally = field(default_factory=Tally)
    removed: Tally = field(default_factory=Tally)
    damaged: dict[NamedBlob, str] = field(default_factory=dict)
    images: dict[int, list[str]] = field(default_factory=dict)


def back_up(
    sessions: Sessions,
    store: Store,
    folder: BackupFolder,
    *,
    hard_link: bool = False,
    force: bool = False,
    waiting: Callable[[], object],
) -> Taken:
    """Bring the backup in ``folder`` up to date; what is there already is not copied again.

    Calls ``waiting`` where another backup, a restore or the collector must end first. ``force`` is
    for a folder that has the backup of another site. Raises `BackupError`, and `InvalidSetting` for
    a database of another version's schema.
    """
    with store.keeping(waiting), folder.writing():
        found = _dump(sessions, folder, force=force)
        dump, taken = Dump(folder.path / found.name), Taken(sum(found.rows.values()))
        present = dict(folder.blobs.keys())
        _take_blobs(dump, store, folder, present, taken, hard_link=hard_link)
        folder.write_manifest(
            Manifest(
                revision=wanted_revision(),
                site=found.site,
                made=found.made,
                dump=found.name,
                rows=found.rows,
                blobs=taken.copied.blobs + taken.kept.blobs,
                bytes=taken.copied.bytes + taken.kept.bytes,
                missing=[blob.uuid for blob in taken.damaged],
            )
        )
        for key in present.keys() - {blob.uuid for blob in dump.blobs()}:
            folder.remove(key)
            taken.removed.add(present[key])
        if taken.damaged:
            taken.images = dump.images_of({blob.id for blob in taken.damaged})
    return taken


@dataclass(frozen=True)
class _Dumped:
    """What a dump is of: see `Manifest`."""

    name: str
    site: datetime
    made: datetime
    rows: dict[str, int]


def _dump(sessions: Sessions, folder: BackupFolder, *, force: bool) -> _Dumped:
    """Write the dump beside the former one."""
    with folder.new_file("database") as file:
        with dumps.snapshot(sessions) as connection:
            require_current(connection)
            site = connection.execute(
                select(Group.created).where(Group.name == ADMINS)
            ).scalar_one()
            if not force:
                folder.require_site(site)
            made, rows = now(), dumps.write(connection, file)
        file.seek(0)
        name = f"database-{hashlib.file_digest(file, 'sha256').hexdigest()}.jsonl"
    folder.place("database", name)
    return _Dumped(name, site, made, rows)


def _take_blobs(
    dump: Dump,
    store: Store,
    folder: BackupFolder,
    present: dict[str, int],
    taken: Taken,
    *,
    hard_link: bool,
) -> None:
    """Copy or link the blobs that are not there in their full size."""
    if not hard_link:
        copies.require_room(dump, store, folder.blobs, str(folder.path))
    for blob in dump.blobs():
        if present.get(blob.uuid) == blob.size:
            taken.kept.add(blob.size)
            continue
        try:
            if hard_link:
                _link(blob, store, folder)
            else:
                copies.copy(blob, store, folder.blobs)
            taken.copied.add(blob.size)
        except Damaged as damage:
            taken.damaged[blob] = str(damage)


def _link(blob: NamedBlob, store: Store, folder: BackupFolder) -> None:
    """Link a blob that is whole. Raises `Damaged`, `BackupError`."""
    if not isinstance(store, FilesystemStore):
        raise BackupError("--hard-link is for a store in a folder; leave it out.")
    copies.check(blob, store)
    try:
        folder.link(blob.uuid, store.path(blob.uuid))
    except OSError as error:
        raise BackupError(
            f"The store's files cannot be linked to {folder.path}: {error.strerror}. --hard-link "
            "is for a folder on the store's own filesystem; leave it out."
        ) from error

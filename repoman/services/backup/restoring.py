"""Restoring a site: the blobs first, then the database in one transaction.

A server that runs meanwhile sees wholly the old state or wholly the new one, and at no moment a row
without its blob. Blobs that only the old state named are left to the collector.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from repoman.database import check_is_current, migrate_empty, wanted_revision
from repoman.models import Sessions, User
from repoman.services.backup import copies, loads
from repoman.services.backup.copies import Damaged, Tally
from repoman.services.backup.dumps import Dump, NamedBlob
from repoman.services.backup.folders import BackupError, BackupFolder, Manifest
from repoman.storage import Store


@dataclass
class Restored:
    """What a restore did: blobs copied, found whole in the store, and lost.

    ``lost`` has those that neither backup nor store has whole, each with what is wrong with it.
    """

    manifest: Manifest
    copied: Tally = field(default_factory=Tally)
    kept: Tally = field(default_factory=Tally)
    lost: dict[NamedBlob, str] = field(default_factory=dict)
    images: dict[int, list[str]] = field(default_factory=dict)
    done: bool = False


def restore(
    sessions: Sessions,
    store: Store,
    folder: BackupFolder,
    *,
    force: bool = False,
    incomplete: bool = False,
    waiting: Callable[[], object],
) -> Restored:
    """Make the site what it was; without ``done`` in the answer it is as before.

    ``force`` is for a site that is in use, ``incomplete`` for a backup that lacks blobs: what named
    them is left out then. Calls ``waiting`` where a backup, another restore or the collector must
    end first. Raises `BackupError`, `StoreFull`, `StoreUnavailable`, and `InvalidSetting` for a
    database of another version's schema.
    """
    with folder.reading():
        manifest = folder.manifest()
        _require_revision(manifest)
        dump, restored = folder.dump(manifest), Restored(manifest)
        migrate_empty(sessions.engine)
        check_is_current(sessions.engine)
        with store.keeping(waiting):
            if not force:
                _require_unused(sessions, store, dump)
            _place_blobs(dump, folder, store, restored)
            lost = {blob.id for blob in restored.lost}
            restored.images = dump.images_of(lost) if lost else {}
            restored.done = incomplete or not lost
            if restored.done:
                _swap(sessions, dump, lost, force=force)
    return restored


def _swap(sessions: Sessions, dump: Dump, lost: set[int], *, force: bool) -> None:
    with loads.alone(sessions) as connection:
        if not force:
            # Somebody may have registered while the blobs were copied.
            _require_no_users(connection)
        loads.replace(connection, dump, lost)


def _require_revision(manifest: Manifest) -> None:
    wanted = wanted_revision()
    if manifest.revision != wanted:
        raise BackupError(
            f"This backup is of Repoman {manifest.repoman}, whose schema is {manifest.revision} "
            f"and not {wanted}. Install Repoman {manifest.repoman}, restore, and then upgrade: "
            "install the newer one and run repoman-admin init."
        )


def _require_unused(sessions: Sessions, store: Store, dump: Dump) -> None:
    """Refuse a site of which somebody may still want something."""
    with sessions.reading() as session:
        _require_no_users(session.connection())
    named = {blob.uuid for blob in dump.blobs()}
    if not named.issuperset(dict(store.keys())):
        raise BackupError(
            "The store holds files that are not the backup's. With --force, the backup's are put "
            "beside them, and repoman-admin gc removes the others later."
        )


def _require_no_users(connection: Connection) -> None:
    if connection.scalar(select(User.id).limit(1)) is not None:
        raise BackupError(
            "The database has users already. With --force, all that it holds is replaced by what "
            "the backup holds."
        )


def _place_blobs(dump: Dump, folder: BackupFolder, store: Store, restored: Restored) -> None:
    """Bring the blobs into the store that are not there whole, and say which are nowhere whole."""
    present, partial = dict(store.keys()), dict(store.partials())
    copies.require_room(dump, folder.blobs, store, "The store")
    for blob in dump.blobs():
        if present.get(blob.uuid) == blob.size and _is_whole(blob, store):
            restored.kept.add(blob.size)
            continue
        if blob.uuid in partial:
            # What a killed restore left. Nobody else removes it meanwhile: the store is kept.
            store.delete(blob.uuid)
        try:
            copies.copy(blob, folder.blobs, store)
            restored.copied.add(blob.size)
        except Damaged as damage:
            restored.lost[blob] = str(damage)


def _is_whole(blob: NamedBlob, store: Store) -> bool:
    try:
        copies.check(blob, store)
    except Damaged:
        return False
    return True

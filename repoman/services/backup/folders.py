"""A backup's folder: a manifest, the dump that it names, and the blobs.

``manifest.json`` is the last to be written, by a rename, and names its dump by the digest: whoever
is killed before leaves the former backup as it was. Blobs lie in ``blobs/`` as in a store.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import version
from io import BufferedRandom
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repoman.errors import StoreFull, StoreUnavailable
from repoman.services.backup.dumps import Dump, DumpUnreadable
from repoman.storage.filesystem import FilesystemStore
from repoman.storage.medium import sync_folder, try_lock

FORMAT = 1
MANIFEST, LOCK, UNFINISHED = "manifest.json", "backup.lock", ".new"


class BackupError(Exception):
    """A backup or a restore cannot be made; the sentence says why, and what to do."""


class Manifest(BaseModel):
    """What a backup says of itself.

    ``site`` is when the database was first made, by which one site's backups are told from
    another's: a restore keeps it. ``missing`` are the keys of blobs that the backup does not have.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    repoman: str = Field(default_factory=lambda: version("repoman"))
    revision: str
    site: datetime
    made: datetime
    dump: str = Field(pattern=r"^database-[0-9a-f]{64}\.jsonl$")
    rows: dict[str, int]
    blobs: int
    bytes: int
    missing: list[str]

    @property
    def sha256(self) -> str:
        """The SHA-256 of the dump, in hex."""
        return self.dump.removeprefix("database-").removesuffix(".jsonl")


class BackupFolder:
    """A folder that is for one backup, which each further one takes the place of."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.blobs = FilesystemStore(path, mode=0o600)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make the folder, or hold it for this backup alone, without what a killed one left.

        Raises `BackupError`, also for whatever the disk refuses during the block.
        """
        with self._errors(StoreFull, StoreUnavailable, OSError):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._require_ours()
            with self._locked(os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX):
                self.blobs.prepare()
                for key, _ in self.blobs.partials():
                    self.blobs.delete(key)
                yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the folder against a backup that would write to it.

        Raises `BackupError`, also for whatever cannot be read of it during the block. What the
        store that is restored to refuses is the caller's.
        """
        with self._errors(OSError):
            if not (self.path / LOCK).exists():
                yield
                return
            with self._locked(os.O_RDONLY, fcntl.LOCK_SH):
                yield

    @contextmanager
    def _errors(self, *kinds: type[Exception]) -> Iterator[None]:
        try:
            yield
        except kinds as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            where = getattr(cause, "filename", None) or self.path
            raise BackupError(f"{where}: {getattr(cause, 'strerror', cause)}.") from error
        except DumpUnreadable as error:
            raise BackupError(f"The database's dump in {self.path} is damaged: {error}.") from error

    def _require_ours(self) -> None:
        """Refuse a folder of other things: what no backup names is removed from a backup's."""
        names = {entry.name for entry in self.path.iterdir()} - {"lost+found"}
        if MANIFEST in names:
            self.manifest()
        elif names and LOCK not in names:
            raise BackupError(
                f"{self.path} holds other files and no backup; name an empty or a new folder."
            )

    @contextmanager
    def _locked(self, flags: int, kind: int) -> Iterator[None]:
        descriptor = os.open(self.path / LOCK, flags | os.O_CLOEXEC, 0o600)
        try:
            if not try_lock(descriptor, kind):
                raise BackupError(f"Another backup or restore is using {self.path}; try again.")
            yield
        finally:
            os.close(descriptor)

    def manifest(self) -> Manifest:
        """Read the manifest. Raises `BackupError` where it is none, or a newer Repoman's."""
        try:
            text = (self.path / MANIFEST).read_bytes()
            found = json.loads(text)["format"]
        except (FileNotFoundError, NotADirectoryError):
            raise BackupError(f"{self.path} is no backup: it has no {MANIFEST}.") from None
        except (ValueError, KeyError, TypeError):
            raise BackupError(f"{self.path / MANIFEST} is no manifest of a backup.") from None
        if found != FORMAT:
            raise BackupError(
                f"{self.path} is a backup of format {found}, and this Repoman reads {FORMAT}: "
                "use the version of Repoman that made it."
            )
        try:
            return Manifest.model_validate_json(text)
        except ValidationError:
            raise BackupError(f"{self.path / MANIFEST} is no manifest of a backup.") from None

    def require_site(self, site: datetime) -> None:
        """Refuse to take the place of another site's backup. Raises `BackupError`."""
        if (self.path / MANIFEST).exists() and self.manifest().site != site:
            raise BackupError(
                f"{self.path} is the backup of another database, and not of an earlier state of "
                "this one. With --force, this one's takes its place."
            )

    def dump(self, manifest: Manifest) -> Dump:
        """Return the dump, read once to its end. Raises `BackupError` where it is damaged."""
        path = self.path / manifest.dump
        try:
            with open(path, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise BackupError(f"{path} is missing: this backup cannot be restored.") from None
        if found != manifest.sha256:
            raise BackupError(f"{path} is damaged: its SHA-256 is not the one in its name.")
        return Dump(path)

    @contextmanager
    def new_file(self, name: str) -> Iterator[BufferedRandom]:
        """Write a file of another name, which is then made durable; `place` it afterwards."""
        path = self.path / (name + UNFINISHED)
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "w+b") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                with suppress(FileNotFoundError):
                    path.unlink()
                raise

    def place(self, name: str, final: str) -> None:
        """Give a new file its name, in place of the one that had it."""
        os.rename(self.path / (name + UNFINISHED), self.path / final)
        sync_folder(self.path)

    def write_manifest(self, manifest: Manifest) -> None:
        """Make this the backup. What only the former one named may go then."""
        with self.new_file(MANIFEST) as file:
            file.write(manifest.model_dump_json(indent=1).encode() + b"\n")
        self.place(MANIFEST, MANIFEST)
        for path in self.path.glob("database*.jsonl*"):
            if path.name != manifest.dump:
                path.unlink()

    def link(self, key: str, source: Path) -> None:
        """Give the file ``source`` a second name here instead of copying it."""
        target = self.blobs.path(key)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.unlink(missing_ok=True)
        os.link(source, target)
        sync_folder(target.parent)

    def remove(self, key: str) -> None:
        """Remove a blob that the backup does not name."""
        self.blobs.path(key).unlink()


def require_apart(folder: Path, store: Path) -> None:
    """Refuse a backup inside the store, or around it. Raises `BackupError`."""
    backup, store = folder.resolve(), store.resolve()
    if backup == store or store in backup.parents or backup in store.parents:
        raise BackupError(f"{folder} and the store {store} must not lie in each other.")

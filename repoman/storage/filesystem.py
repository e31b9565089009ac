"""A store in a folder: ``blobs/ab/ab…`` for what is committed, ``partial/`` for what is not.

Both lie on one filesystem, so that committing is a rename. The order write, fsync, rename, fsync
folder makes a committed file survive a loss of power (rename(2), fsync(2)).
"""

import errno
import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from repoman.errors import StoreFull, StoreUnavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_key, _shard = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{2}")


@contextmanager
def _errors() -> Iterator[None]:
    """Say of the medium's failures what they mean to a client; the cause goes to the log."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(
                "The image store has no room left; nothing was changed. Tell an administrator."
            ) from error
        raise StoreUnavailable("The image store failed; tell an administrator.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Take the lock that a running upload holds; False where one does."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class FilePartial:
    """An open, locked file in ``partial/``; see `repoman.storage.Partial`."""

    def __init__(self, descriptor: int, path: Path, target: Path) -> None:
        self._descriptor: int | None = descriptor
        self._path, self._target = path, target

    def write(self, data: bytes) -> None:
        """Append ``data``, all of it."""
        assert self._descriptor is not None, "written after its end"  # noqa: S101 - a defect
        view = memoryview(data)
        with _errors():
            while view:
                view = view[os.write(self._descriptor, view) :]

    def commit(self) -> None:
        """Sync the bytes, then rename, then sync the folder."""
        assert self._descriptor is not None, "committed after its end"  # noqa: S101 - a defect
        with _errors():
            os.fsync(self._descriptor)
            os.fchmod(self._descriptor, 0o440)
            if not self._target.parent.is_dir():
                self._target.parent.mkdir(exist_ok=True)
                _sync_folder(self._target.parent.parent)
            os.rename(self._path, self._target)
            self._path = self._target
            _sync_folder(self._target.parent)

    def discard(self) -> None:
        """Unlink while the lock is still held, so that nobody takes the file up in between."""
        if self._descriptor is not None:
            try:
                with _errors(), suppress(FileNotFoundError):
                    self._path.unlink()
            finally:
                self.release()

    def release(self) -> None:
        """Close the file, and with it the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class FilesystemStore:
    """Blobs as files in a folder; see `repoman.storage.Store`."""

    def __init__(self, folder: Path) -> None:
        self.blobs, self.partial = folder / "blobs", folder / "partial"

    def prepare(self) -> None:
        """Make the folders, readable by this user alone. Raises `StoreUnavailable`."""
        with _errors():
            for folder in (self.blobs, self.partial):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _blob(self, key: str) -> Path:
        return self.blobs / key[:2] / key

    def create(self, key: str) -> FilePartial:
        """Create the file and lock it; the collector leaves it alone while it is locked."""
        path = self.partial / key
        with _errors():
            while True:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # The collector may have seen it before the lock, and removed it.
                if os.fstat(descriptor).st_nlink:
                    return FilePartial(descriptor, path, self._blob(key))
                os.close(descriptor)

    def open(self, key: str) -> BinaryIO:
        """Open unbuffered: readers read 64 KiB at a time."""
        with _errors():
            return open(self._blob(key), "rb", buffering=0)

    def free(self) -> int:
        """Ask the filesystem what an unprivileged user may still write."""
        with _errors():
            return shutil.disk_usage(self.partial).free

    def keys(self) -> Iterator[tuple[str, int]]:
        """Walk ``blobs/``; files of other names are not ours and are passed over."""
        with _errors():
            for folder in sorted(self.blobs.iterdir()):
                if _shard.fullmatch(folder.name):
                    yield from self._files(folder)

    def partials(self) -> Iterator[tuple[str, int]]:
        """Walk ``partial/``."""
        with _errors():
            yield from self._files(self.partial)

    def _files(self, folder: Path) -> Iterator[tuple[str, int]]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _key.fullmatch(entry.name) and entry.is_file():
                    with suppress(FileNotFoundError):
                        yield entry.name, entry.stat().st_size

    def age(self, key: str) -> float:
        """Ask the file's time of modification."""
        with _errors(), suppress(FileNotFoundError):
            return max(time.time() - self._blob(key).stat().st_mtime, 0.0)
        return 0.0

    def is_held(self, key: str) -> bool:
        """Try the lock: flock(2) knows nothing of processes that have died."""
        for path in (self.partial / key, self._blob(key)):
            with _errors(), suppress(FileNotFoundError), open(path, "rb") as file:
                return not _lock(file.fileno())
        return False

    def delete(self, key: str) -> bool:
        """Unlink under the lock."""
        for path in (self.partial / key, self._blob(key)):
            with _errors(), suppress(FileNotFoundError), open(path, "rb") as file:
                if _lock(file.fileno()):
                    path.unlink()
                    return True
        return False

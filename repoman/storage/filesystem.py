"""A store in a folder: ``blobs/ab/ab…`` for what is committed, ``partial/`` for what is not.

Both lie on one filesystem, so that committing is a rename. The order write, fsync, rename, fsync
folder makes a committed file survive a loss of power (rename(2), fsync(2)).
"""

import errno
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
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


def sync_folder(folder: Path) -> None:
    """Make what was renamed or linked in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take a lock of flock(2) without waiting; False where somebody else's is in the way."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class FilePartial:
    """An open, locked file in ``partial/``; see `repoman.storage.Partial`."""

    def __init__(self, descriptor: int, path: Path, target: Path, mode: int = 0o440) -> None:
        self._descriptor: int | None = descriptor
        self._path, self._target, self._mode = path, target, mode

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
            os.fchmod(self._descriptor, self._mode)
            if not self._target.parent.is_dir():
                self._target.parent.mkdir(mode=0o700, exist_ok=True)
                sync_folder(self._target.parent.parent)
            os.rename(self._path, self._target)
            self._path = self._target
            sync_folder(self._target.parent)

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
    """Blobs as files in a folder, committed with ``mode``; see `repoman.storage.Store`."""

    def __init__(self, folder: Path, mode: int = 0o440) -> None:
        self.blobs, self.partial = folder / "blobs", folder / "partial"
        self._mode = mode

    def prepare(self) -> None:
        """Make the folders, readable by this user alone. Raises `StoreUnavailable`."""
        with _errors():
            for folder in (self.blobs, self.partial):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Say where a committed file is, or would be."""
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
                    return FilePartial(descriptor, path, self.path(key), self._mode)
                os.close(descriptor)

    def open(self, key: str) -> BinaryIO:
        """Open unbuffered: readers read 64 KiB at a time."""
        with _errors():
            return open(self.path(key), "rb", buffering=0)

    def check(self) -> None:
        """Sync a file without a name, which ends with its descriptor (open(2), O_TMPFILE)."""
        with _errors():
            for folder in (self.partial, self.blobs):
                with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
                    file.write(b"check")
                    os.fsync(file.fileno())

    def free(self) -> int:
        """Ask the filesystem what an unprivileged user may still write."""
        with _errors():
            return shutil.disk_usage(self.partial).free

    def size(self) -> int:
        """Ask for the size of the filesystem, other people's files in it too."""
        with _errors():
            return shutil.disk_usage(self.partial).total

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
            return max(time.time() - self.path(key).stat().st_mtime, 0.0)
        return 0.0

    def is_held(self, key: str) -> bool:
        """Try the lock: flock(2) knows nothing of processes that have died."""
        for path in (self.partial / key, self.path(key)):
            with _errors(), suppress(FileNotFoundError), open(path, "rb") as file:
                return not try_lock(file.fileno())
        return False

    def delete(self, key: str) -> bool:
        """Unlink under the lock."""
        for path in (self.partial / key, self.path(key)):
            with _errors(), suppress(FileNotFoundError), open(path, "rb") as file:
                if try_lock(file.fileno()):
                    path.unlink()
                    return True
        return False

    @contextmanager
    def keeping(self, waiting: Callable[[], object]) -> Iterator[None]:
        """Lock the folder of the blobs for oneself; collectors lock it for all of them."""
        with self._locked(fcntl.LOCK_EX) as (descriptor, taken):
            if not taken:
                waiting()
                with _errors():
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    @contextmanager
    def collecting(self) -> Iterator[bool]:
        """Lock the folder together with other collectors, where nobody has it for himself."""
        with self._locked(fcntl.LOCK_SH) as (_, taken):
            yield taken

    @contextmanager
    def _locked(self, kind: int) -> Iterator[tuple[int, bool]]:
        """Open the folder of the blobs and try its lock, which closing lets go."""
        with _errors():
            descriptor = os.open(self.blobs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with _errors():
                taken = try_lock(descriptor, kind)
            yield descriptor, taken
        finally:
            os.close(descriptor)

"""A store in a folder: ``blobs/ab/ab…`` for what is committed, ``partial/`` for what is not.

Both lie on one filesystem, so that committing is a rename. The order write, fsync, rename, fsync
folder makes a committed file survive a loss of power (rename(2), fsync(2)).
"""

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

from repoman.storage import partials
from repoman.storage.medium import told, try_lock
from repoman.storage.partials import FilePartial

_key, _shard = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{2}")


class FilesystemStore:
    """Blobs as files in a folder, committed with ``mode``; see `repoman.storage.Store`."""

    def __init__(self, folder: Path, mode: int = 0o440) -> None:
        self.blobs, self.partial = folder / "blobs", folder / "partial"
        self._mode = mode

    def prepare(self) -> None:
        """Make the folders, readable by this user alone. Raises `StoreUnavailable`."""
        with told():
            for folder in (self.blobs, self.partial):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Say where a committed file is, or would be."""
        return self.blobs / key[:2] / key

    def create(self, key: str) -> FilePartial:
        """Create the file and hold it; the collector leaves it alone while it is held."""
        return partials.create(self.partial / key, self.path(key), self._mode)

    def take(self, key: str) -> FilePartial | None:
        """Take the file over; a committed one is renamed back."""
        path, target = self.partial / key, self.path(key)
        while True:
            with told(), suppress(FileNotFoundError):
                if not path.exists() and target.exists():
                    if self.is_held(key):
                        raise partials.in_progress()
                    os.chmod(target, 0o600)
                    os.rename(target, path)
            taken = partials.take(path, target, self._mode)
            # It may have been committed while `take` waited for it.
            if taken is not None or not target.exists():
                return taken

    def arrived(self, key: str) -> int | None:
        """Ask for the size of the partial file, or of the committed one."""
        for path in (self.partial / key, self.path(key)):
            with told(), suppress(FileNotFoundError):
                return path.stat().st_size
        return None

    def open(self, key: str) -> BinaryIO:
        """Open unbuffered: readers read 64 KiB at a time."""
        with told():
            return open(self.path(key), "rb", buffering=0)

    def check(self) -> None:
        """Sync a file without a name, which ends with its descriptor (open(2), O_TMPFILE)."""
        with told():
            for folder in (self.partial, self.blobs):
                with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
                    file.write(b"check")
                    os.fsync(file.fileno())

    def free(self) -> int:
        """Ask the filesystem what an unprivileged user may still write."""
        with told():
            return shutil.disk_usage(self.partial).free

    def size(self) -> int:
        """Ask for the size of the filesystem, other people's files in it too."""
        with told():
            return shutil.disk_usage(self.partial).total

    def keys(self) -> Iterator[tuple[str, int]]:
        """Walk ``blobs/``; files of other names are not ours and are passed over."""
        with told():
            for folder in sorted(self.blobs.iterdir()):
                if _shard.fullmatch(folder.name):
                    yield from self._files(folder)

    def partials(self) -> Iterator[tuple[str, int]]:
        """Walk ``partial/``; a hold that a killed process left alone is removed in passing."""
        with told():
            files = dict(self._files(self.partial))
            for hold in self.partial.glob(f"*{partials.HOLD}"):
                if hold.stem not in files:
                    partials.remove_hold(hold.with_suffix(""))
        yield from files.items()

    def _files(self, folder: Path) -> Iterator[tuple[str, int]]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _key.fullmatch(entry.name) and entry.is_file():
                    with suppress(FileNotFoundError):
                        yield entry.name, entry.stat().st_size

    def age(self, key: str) -> float:
        """Ask the file's time of modification."""
        with told(), suppress(FileNotFoundError):
            return max(time.time() - self.path(key).stat().st_mtime, 0.0)
        return 0.0

    def is_held(self, key: str) -> bool:
        """Try the lock: flock(2) knows nothing of processes that have died."""
        return partials.is_held(self.partial / key)

    def delete(self, key: str) -> bool:
        """Unlink the partial file, or the committed one where there is no such."""
        if self.is_held(key):
            return False
        path = self.partial / key
        if path.exists():
            removed = partials.remove(path)
        else:
            with told():
                removed = self.path(key).exists()
                self.path(key).unlink(missing_ok=True)
        partials.remove_hold(path)
        return removed

    @contextmanager
    def keeping(self, waiting: Callable[[], object]) -> Iterator[None]:
        """Lock the folder of the blobs for oneself; collectors lock it for all of them."""
        with self._locked(fcntl.LOCK_EX) as (descriptor, taken):
            if not taken:
                waiting()
                with told():
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
        with told():
            descriptor = os.open(self.blobs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with told():
                taken = try_lock(descriptor, kind)
            yield descriptor, taken
        finally:
            os.close(descriptor)

"""A file on its way, which one request at a time may write, and another may take over.

Two locks of flock(2), which end with their process:

- ``KEY.hold`` is locked by the one who writes ``KEY``, for as long as that lasts. Whoever takes the
  file over unlinks the hold and makes another: so the former holder is barred, who may only be
  waiting for a client that says nothing any more.
- ``KEY`` itself is locked for the length of each step. A step begins by looking whether the hold
  is still there. So a take-over falls between two steps, and two never write at once.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from repoman.errors import UploadInProgress, UploadTakenOver
from repoman.storage.medium import sync_folder, told, try_lock

IDLE = 30
"""Seconds without a byte after which another request may take a file over."""

HOLD = ".hold"
"""What is added to a partial file's name."""

_READ = 1 << 20
_PATIENCE = 0.2  # seconds for a step of another's, which takes no longer unless it syncs


def hold_of(path: Path) -> Path:
    """Say where the hold of a partial file is."""
    return path.with_name(path.name + HOLD)


def is_file_at(descriptor: int, path: Path) -> bool:
    """Say whether an open file is still the one of that name. Raises FileNotFoundError."""
    return os.path.samestat(os.stat(path), os.fstat(descriptor))


def is_held(path: Path) -> bool:
    """Say whether a living process holds the partial file, or did so until it was committed."""
    with told(), suppress(FileNotFoundError), open(hold_of(path), "rb") as file:
        # Shared, so that two who ask do not take each other for the holder.
        return not try_lock(file.fileno(), fcntl.LOCK_SH)
    return False


class _Hold:
    """The right to write a partial file, until another takes it or it is given up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        while True:
            self._descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            if not self.lost:  # the collector may have seen it before its lock
                return
            os.close(self._descriptor)

    @property
    def lost(self) -> bool:
        """Whether another has taken over; sure only during a step."""
        return os.fstat(self._descriptor).st_nlink == 0

    def give_up(self) -> None:
        """Let the file be anybody's; during a step."""
        self._path.unlink()

    def close(self) -> None:
        """Forget the hold."""
        os.close(self._descriptor)


class FilePartial:
    """An open file in ``partial/`` and its hold; see `repoman.storage.Partial`."""

    def __init__(self, descriptor: int, hold: _Hold, path: Path, target: Path, mode: int) -> None:
        self._descriptor, self._hold, self._mode = descriptor, hold, mode
        self._partial, self._target = path, target
        self._path = path
        self._ended = False

    @property
    def size(self) -> int:
        """Bytes so far."""
        with told():
            return os.fstat(self._descriptor).st_size

    @contextmanager
    def _step(self) -> Iterator[None]:
        """Let nobody take the file over during a change. Raises `UploadTakenOver`."""
        assert not self._ended, "changed after its end"  # noqa: S101 - a defect
        with told():
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            if self._hold.lost:
                raise UploadTakenOver("Another request of yours has gone on with this upload.")
            with told():
                yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def write(self, data: bytes) -> None:
        """Append ``data``, all of it."""
        view = memoryview(data)
        with self._step():
            while view:
                view = view[os.write(self._descriptor, view) :]

    def read(self) -> Iterator[bytes]:
        """Read what is there, without moving where writing goes on.

        That may take minutes, and is as good as writing: nobody takes the file over meanwhile.
        """
        position = 0
        while True:
            with self._step():
                chunk = os.pread(self._descriptor, _READ, position)
                os.utime(self._descriptor)
            if not chunk:
                return
            position += len(chunk)
            yield chunk

    def keep(self, size: int) -> None:
        """Cut, and sync what is left, so that nobody is told of bytes that a crash takes."""
        with self._step():
            if self._path != self._partial:
                os.fchmod(self._descriptor, 0o600)
                os.rename(self._path, self._partial)
                self._path = self._partial
                sync_folder(self._target.parent)
            if size != os.fstat(self._descriptor).st_size:
                os.ftruncate(self._descriptor, size)
            os.fsync(self._descriptor)
            sync_folder(self._partial.parent)

    def commit(self) -> None:
        """Sync the bytes, then rename, then sync the folder."""
        with self._step():
            os.fsync(self._descriptor)
            os.fchmod(self._descriptor, self._mode)
            if not self._target.parent.is_dir():
                self._target.parent.mkdir(mode=0o700, exist_ok=True)
                sync_folder(self._target.parent.parent)
            os.rename(self._path, self._target)
            self._path = self._target
            sync_folder(self._target.parent)

    def discard(self) -> bool:
        """Unlink while the file is still held, so that nobody takes it up in between."""
        if self._ended:
            return True
        try:
            with self._step():
                self._path.unlink(missing_ok=True)
        except UploadTakenOver:
            return False
        finally:
            self.release()
        return True

    def release(self) -> None:
        """Give up the hold, and close the file."""
        if self._ended:
            return
        try:
            with suppress(UploadTakenOver), self._step():
                self._hold.give_up()
        finally:
            self._ended = True
            self._hold.close()
            os.close(self._descriptor)


def create(path: Path, target: Path, mode: int) -> FilePartial:
    """Make a partial file; the hold comes first, so that the collector never sees it without."""
    with told():
        hold = _Hold(hold_of(path))
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
        except BaseException:
            hold.give_up()
            hold.close()
            raise
        return FilePartial(descriptor, hold, path, target, mode)


def take(path: Path, target: Path, mode: int) -> FilePartial | None:
    """Take a partial file over, None where there is none. Raises `UploadInProgress`."""
    with told(), suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            with _between_steps(descriptor):
                if is_file_at(descriptor, path):
                    _end_hold(path, descriptor)
                    hold = _Hold(hold_of(path))
                    # From now on it moves.
                    os.utime(descriptor)
                    return FilePartial(descriptor, hold, path, target, mode)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    return None


def remove(path: Path) -> bool:
    """Unlink a partial file unless it is held; say whether that was done."""
    with told(), suppress(FileNotFoundError, UploadInProgress), ExitStack() as stack:
        file = stack.enter_context(open(path, "rb"))
        stack.enter_context(_between_steps(file.fileno()))
        if not is_held(path):
            path.unlink()
            return True
    return False


def remove_hold(path: Path) -> None:
    """Unlink what a killed process left of its hold."""
    with told(), suppress(FileNotFoundError), open(hold_of(path), "rb") as file:
        # Locked, so that somebody who is just making this very hold makes another.
        if try_lock(file.fileno()) and is_file_at(file.fileno(), hold_of(path)):
            hold_of(path).unlink()


@contextmanager
def _between_steps(descriptor: int) -> Iterator[None]:
    """Wait a moment for another's step to end. Raises `UploadInProgress`."""
    patience = time.monotonic() + _PATIENCE
    while not try_lock(descriptor):
        if time.monotonic() > patience:
            raise in_progress()
        time.sleep(0.005)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _end_hold(path: Path, descriptor: int) -> None:
    """Take the hold away from its process, which may be dead, or idle."""
    moved = time.time() - os.fstat(descriptor).st_mtime
    if is_held(path) and moved < IDLE:
        raise in_progress()
    hold_of(path).unlink(missing_ok=True)


def in_progress() -> UploadInProgress:
    """Make the refusal of a second request while the first moves bytes."""
    return UploadInProgress(
        "Another request of yours is sending this file. Wait for it to end, or stop it and try "
        f"again {IDLE} s later."
    )

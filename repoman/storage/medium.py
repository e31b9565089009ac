"""What stores on a filesystem share: the meaning of its errors, syncing, and locks."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repoman.errors import StoreFull, StoreUnavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def told() -> Iterator[None]:
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

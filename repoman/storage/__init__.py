"""Where blobs are kept: the contract of a store.

A store knows blobs by key (a UUID of 32 hex digits) and nothing else. ``tests/storage_contract.py``
holds every store to this page.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol


class Partial(Protocol):
    """A file being written: invisible under its key until `commit`.

    It is held by a lock that ends with the process, so that a killed upload is free at once.
    Where another has taken it over meanwhile, every change raises `UploadTakenOver`.
    """

    @property
    def size(self) -> int:
        """How many bytes it has."""

    def write(self, data: bytes) -> None:
        """Append ``data``. Raises `StoreFull`, `StoreUnavailable`."""

    def read(self) -> Iterator[bytes]:
        """Yield the bytes that are there, from the first."""

    def keep(self, size: int) -> None:
        """Keep the first ``size`` bytes, durably, for another to go on; undoes a `commit`."""

    def commit(self) -> None:
        """Make the file durable and then readable under its key; the lock stays.

        Raises `StoreFull`, `StoreUnavailable`, and then the file is not there.
        """

    def discard(self) -> bool:
        """Remove the file, committed or not, and let the lock go. Harmless when repeated.

        False where another has taken the file over: then it stays.
        """

    def release(self) -> None:
        """Let the lock go: of a committed file, which a row names now, or of one that is kept."""


class Store(Protocol):
    """Keeps blobs. All methods raise `StoreUnavailable` where the medium fails."""

    def create(self, key: str) -> Partial:
        """Begin a file. Raises `StoreFull`."""

    def take(self, key: str) -> Partial | None:
        """Take the file of an upload over, None where there is none.

        It may be committed, where the process was killed before that was recorded. Raises
        `UploadInProgress` while another holds it and has written in the last 30 s.
        """

    def arrived(self, key: str) -> int | None:
        """Return the bytes that the file of an upload has, None where there is none."""

    def open(self, key: str) -> BinaryIO:
        """Open a committed file for reading; it stays readable to its end when deleted meanwhile.

        Raises `StoreUnavailable` also where there is none: the caller has a row that names it.
        """

    def path(self, key: str) -> Path | None:
        """Say where a committed file is for other programs to read; None where it is no file."""

    def check(self) -> None:
        """Write, sync and remove something small wherever files go, and show it to nobody.

        Raises `StoreFull`.
        """

    def free(self) -> int:
        """Return the bytes that can still be written."""

    def size(self) -> int:
        """Return the bytes that there is room for in all, written or not."""

    def keys(self) -> Iterator[tuple[str, int]]:
        """Yield key and size in bytes of every committed file."""

    def partials(self) -> Iterator[tuple[str, int]]:
        """Yield key and size in bytes of every uncommitted file, running, kept or left behind."""

    def age(self, key: str) -> float:
        """Return the seconds since a committed file was last written; 0 where it has gone."""

    def is_held(self, key: str) -> bool:
        """Say whether a running upload holds the file, committed or not."""

    def delete(self, key: str) -> bool:
        """Remove the file, committed or not, unless a running upload holds it; True if removed."""

    def keeping(self, waiting: Callable[[], object]) -> AbstractContextManager[None]:
        """Have the collector remove nothing during the block, as a backup and a restore need it.

        Waits for a collector at work, and for another who keeps; calls ``waiting`` first where it
        must. Ends with the process at the latest. Uploads and downloads notice nothing.
        """

    def collecting(self) -> AbstractContextManager[bool]:
        """Say for the length of the block whether the collector may remove files; never waits.

        False while somebody keeps them. Any number may collect at once.
        """

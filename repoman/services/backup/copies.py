"""Copying blobs from one store to another, and knowing them whole by their SHA-256."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from repoman import digests
from repoman.errors import DigestMismatch, EmptyFile, StoreUnavailable
from repoman.services.backup.dumps import Dump, NamedBlob
from repoman.services.backup.folders import BackupError
from repoman.services.files import receive
from repoman.storage import Store

CHUNK = 1 << 20


class Damaged(Exception):
    """A store does not have the blob as its row says; the message is ``missing`` or the like."""


@dataclass
class Tally:
    """How many blobs, and their bytes in all."""

    blobs: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Count one more."""
        self.blobs += 1
        self.bytes += size

    def __str__(self) -> str:
        return f"{self.blobs} ({self.bytes} bytes)"


def require_room(dump: Dump, source: Store, target: Store, where: str) -> None:
    """Refuse what would fill the disk of ``target``, before it does. Raises `BackupError`."""
    there, here = dict(source.keys()), dict(target.keys())
    needed = sum(
        blob.size
        for blob in dump.blobs()
        if here.get(blob.uuid) != blob.size and there.get(blob.uuid) == blob.size
    )
    free = target.free()
    if needed > free:
        raise BackupError(f"{where} has no room: {needed} bytes are needed, and {free} are free.")


def _read(store: Store, blob: NamedBlob) -> Iterator[bytes]:
    """Yield the blob's bytes. Raises `Damaged` where it is not there or the medium fails."""
    try:
        file = store.open(blob.uuid)
    except StoreUnavailable as error:
        missing = isinstance(error.__cause__, FileNotFoundError)
        raise Damaged("missing" if missing else f"unreadable ({error.__cause__})") from error
    with file:
        while True:
            try:
                chunk = file.read(CHUNK)
            except OSError as error:
                raise Damaged(f"unreadable ({error})") from error
            if not chunk:
                return
            yield chunk


def copy(blob: NamedBlob, source: Store, target: Store) -> None:
    """Bring a blob into ``target``, in place of one that may be there, wholly or not at all.

    Raises `Damaged` of ``source``; `StoreFull`, `StoreUnavailable` of ``target``.
    """
    partial = target.create(blob.uuid)
    try:
        receive(_read(source, blob), partial, _expected(blob))
    except (DigestMismatch, EmptyFile):
        partial.discard()
        raise Damaged("damaged") from None
    except BaseException:
        partial.discard()
        raise
    partial.release()


def check(blob: NamedBlob, store: Store) -> None:
    """Read a blob to its end. Raises `Damaged`."""
    try:
        for _ in digests.verified(_read(store, blob), _expected(blob)):
            pass
    except DigestMismatch:
        raise Damaged("damaged") from None


def _expected(blob: NamedBlob) -> Mapping[str, bytes]:
    return {"sha256": bytes.fromhex(blob.sha256)}

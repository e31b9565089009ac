"""Whether blobs are whole: reading them against size and digest, and marking what is damaged."""

import errno
import hashlib
import os
from collections.abc import Callable

from sqlalchemy import ColumnElement, exists, func, update
from sqlalchemy.orm import Session

from repoman.errors import StoreUnavailable
from repoman.inspection import Inspector
from repoman.models import Blob, ImageFile, Sessions, now
from repoman.services import labels
from repoman.storage import Store

CHUNK = 1 << 20
"""Bytes a read."""

Pace = Callable[[int], None]
"""Is told how many bytes were read, and may wait."""

NAMED: ColumnElement[bool] = exists().where(ImageFile.blob_id == Blob.id)
"""The condition for blobs that any version names, if only one in the trash."""


def no_pace(size: int) -> None:
    """Wait for nothing."""


def examine(sessions: Sessions, store: Store, blob: Blob, pace: Pace = no_pace) -> str | None:
    """Read a blob and mark what it is found to be; say what is wrong with it, None where nothing.

    A blob that nobody has looked at yet is labelled in passing. Raises `StoreUnavailable` where the
    store fails as such.
    """
    inspector = Inspector() if blob.format is None else None

    def each(chunk: bytes) -> None:
        if inspector is not None:
            inspector.update(chunk)
        pace(len(chunk))

    flaw = _read(store, blob, each)
    with sessions.changing.begin() as session:
        is_there = mark(session, blob, flaw)
        if flaw is None and inspector is not None:
            found = session.get(Blob, blob.id)
            if found is not None:
                labels.label(found, inspector.close())
    return flaw if is_there else None


def _read(store: Store, blob: Blob, each: Callable[[bytes], None]) -> str | None:
    digest = hashlib.sha256()
    try:
        with store.open(blob.uuid) as file:
            if flaw := wrong_size(blob, file.seek(0, os.SEEK_END)):
                return flaw
            file.seek(0)
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                each(chunk)
    except StoreUnavailable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return wrong_size(blob, None)
        raise
    except OSError as error:
        if error.errno == errno.EIO:
            return "cannot be read"
        raise StoreUnavailable("The image store failed; tell an administrator.") from error
    return None if digest.hexdigest() == blob.sha256 else "has other bytes"


def wrong_size(blob: Blob, size: int | None) -> str | None:
    """Say what is wrong with the size that a blob's file has, None: it has no file."""
    if size is None:
        return "is missing"
    return None if size == blob.size else f"has {size} bytes instead of {blob.size}"


def mark(session: Session, blob: Blob, flaw: str | None) -> bool:
    """Note on a blob's row what was found by reading; False where the row has gone."""
    damaged = None if flaw is None else func.coalesce(Blob.damaged, now())
    return _set(session, blob, checked=now(), damaged=damaged)


def mark_damaged(session: Session, blob: Blob) -> bool:
    """Note on a blob's row that its file cannot be whole; False where the row has gone."""
    return _set(session, blob, damaged=func.coalesce(Blob.damaged, now()))


def _set(session: Session, blob: Blob, **values: object) -> bool:
    statement = update(Blob).where(Blob.id == blob.id).values(**values)
    return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]

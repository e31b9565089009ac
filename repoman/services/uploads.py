"""Uploads: beginning one, going on with one that broke off, and what a failure leaves of it.

An upload is a row and a partial file. It is begun or gone on with in a transaction of its own, then
bytes stream to the file while no database connection is held, and `repoman.services.files.finish`
makes the file the image's. It belongs to a person, whatever certificate is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from repoman import names
from repoman.errors import (
    ContentMismatch,
    IncompleteBody,
    OffsetMismatch,
    RepomanError,
    StoreFull,
    TooManyUploads,
    UploadTakenOver,
)
from repoman.identity import Identity
from repoman.models import Image, Protocol, Upload, now
from repoman.services import images, quotas, room
from repoman.services.room import Coming, Limit
from repoman.settings import Settings
from repoman.storage import Partial, Store

MOST = 20
"""Unfinished uploads that a person may have."""


@dataclass(frozen=True)
class Running:
    """An upload that a request sends bytes to.

    ``length`` is the whole file's in bytes, where it is known; ``start`` is how many of them had
    arrived before this request, None where this request began the upload; ``limits`` are those that
    all of them must keep to. ``former`` is what had arrived of the upload in whose place this one
    is: it goes once the transaction that began this one is committed.
    """

    uuid: str
    image_id: int
    hypervisor: str
    protocol: Protocol
    length: int | None
    start: int | None
    limits: Sequence[Limit]
    partial: Partial
    former: Partial | None = None


def begin(
    session: Session,
    store: Store,
    settings: Settings,
    caller: Identity,
    image: Image,
    hypervisor: str,
    protocol: Protocol,
    coming: Coming,
    tus_metadata: str | None = None,
) -> Running:
    """Record an upload and open its partial file; a PUT's takes the place of a former one.

    Raises `ImageReadOnly`, `UploadInProgress`, `TooManyUploads`, `FileTooLarge`, `QuotaExceeded`,
    `StoreFull`, `StoreUnavailable`.
    """
    images.check_writable(image)
    replaced = find_put(session, caller, image, hypervisor) if protocol is Protocol.PUT else None
    former = None if replaced is None else store.take(replaced.uuid)
    upload = Upload(
        uuid=names.new_uuid(),
        image_id=image.id,
        user_id=caller.user_id,
        hypervisor=hypervisor,
        protocol=protocol,
        tus_metadata=tus_metadata,
        expires=_expiry(settings),
    )
    try:
        _record(session, upload, replaced)
        limits = room.admit(store, settings, coming)
        # By now it is no more than a disk holds, nor than the column.
        upload.length = coming.most
        limits += quotas.reserve(session, caller, upload, coming, settings)
        partial = store.create(upload.uuid)
    except BaseException:
        if former is not None:
            former.release()
        raise
    return _running(upload, limits, partial, None, former)


def _record(session: Session, upload: Upload, replaced: Upload | None) -> None:
    """Add a row, perhaps in place of another. Raises `TooManyUploads`."""
    if replaced is not None:
        session.delete(replaced)
        session.flush()
    session.add(upload)
    session.flush()
    _check_number(session, upload)


def resume(
    session: Session,
    store: Store,
    settings: Settings,
    caller: Identity,
    upload: Upload | None,
    image: Image,
    offset: int,
    length: int,
) -> Running:
    """Take an upload up where it broke off, if need be from a request that stands still.

    ``offset`` is where the bytes to come begin, ``length`` the whole file's. Raises
    `OffsetMismatch`, `ImageReadOnly`, `UploadInProgress`, `FileTooLarge`, `QuotaExceeded`,
    `StoreFull`, `StoreUnavailable`.
    """
    images.check_writable(image)
    partial = None if upload is None else store.take(upload.uuid)
    if upload is None or partial is None:
        raise OffsetMismatch(
            "No upload of yours to this URL waits to be gone on with; send the file from its "
            "first byte.",
            offset=0,
        )
    try:
        if partial.size == upload.length:
            # The server failed when all had arrived.
            partial.keep(partial.size - 1)
        _check_goes_on(upload, partial.size, offset, length)
        coming = Coming(length, length)
        limits = room.admit(store, settings, coming, arrived=partial.size)
        upload.length, upload.expires = length, _expiry(settings)
        limits += quotas.reserve(session, caller, upload, coming, settings)
    except BaseException:
        partial.release()
        raise
    return _running(upload, limits, partial, offset)


def _running(
    upload: Upload,
    limits: Sequence[Limit],
    partial: Partial,
    start: int | None,
    former: Partial | None = None,
) -> Running:
    return Running(
        upload.uuid,
        upload.image_id,
        upload.hypervisor,
        Protocol(upload.protocol),
        upload.length,
        start,
        limits,
        partial,
        former,
    )


def _expiry(settings: Settings) -> datetime:
    return now() + timedelta(seconds=settings.upload_ttl)


def _check_number(session: Session, upload: Upload) -> None:
    """Count under the sender's lock, so that of many at once no more are let in."""
    quotas.lock(session, upload.user)
    others = select(func.count()).where(Upload.user_id == upload.user_id, Upload.id != upload.id)
    number = session.scalar(others) or 0
    if number >= MOST:
        raise TooManyUploads(
            f"You have {number} unfinished uploads, which is as many as anybody may: end some, or "
            "delete them (GET /api/uploads lists them).",
            limit=MOST,
        )


def _check_goes_on(upload: Upload, arrived: int, offset: int, length: int) -> None:
    if upload.length not in {None, length}:
        raise OffsetMismatch(
            f"This upload began as one of {upload.length} bytes, not of {length}. Go on with the "
            "same file, or send the new one from its first byte.",
            offset=arrived,
            limit=upload.length,
        )
    if offset != arrived:
        raise OffsetMismatch(
            f"{arrived} bytes have arrived: go on from there (curl -C {arrived} -T FILE URL), or "
            "send the file from its first byte.",
            offset=arrived,
        )


def arrived(store: Store, upload: Upload) -> int | None:
    """Return how many bytes can be gone on from, None where the upload has no file any more.

    Never the whole file's: the last byte has to be sent, and the end of the upload tried with it.
    """
    size = store.arrived(upload.uuid)
    return None if size is None else _before_end(size, upload.length)


def _before_end(size: int, length: int | None) -> int:
    return size - 1 if size == length else size


def find_put(
    session: Session, caller: Identity, image: Image, hypervisor: str, *, lock: bool = True
) -> Upload | None:
    """Return what the caller has begun to PUT there and not ended, or None.

    With ``lock``, nobody ends it meanwhile, not even the collector.
    """
    own = select(Upload).where(
        Upload.user_id == caller.user_id,
        Upload.image_id == image.id,
        Upload.hypervisor == hypervisor,
        Upload.protocol == Protocol.PUT,
    )
    return session.scalar(own.with_for_update() if lock else own)


def end(session: Session, store: Store, upload: Upload) -> None:
    """End an upload before its time, and remove what has arrived. Raises `UploadInProgress`."""
    partial = store.take(upload.uuid)
    if partial is not None:
        partial.discard()
    session.delete(upload)
    session.flush()


def kept(running: Running, failure: BaseException) -> int | None:
    """Say how many bytes are kept, for the person to go on from, when a request fails so.

    None where the upload ends: of a form, which cannot be gone on with, when it was refused, and on
    a full disk, whose room others need. Of a part that came in wrong, what was there before. Never
    the whole file (`arrived`). By tus, an upload without a byte is one too.
    """
    if running.protocol is Protocol.FORM or isinstance(failure, StoreFull):
        return None
    if isinstance(failure, ContentMismatch):
        return running.start
    is_refusal = isinstance(failure, RepomanError) and failure.status < 500
    if is_refusal and not isinstance(failure, IncompleteBody):
        return None
    size = running.partial.size
    if size == 0 and running.protocol is not Protocol.TUS:
        return None
    return _before_end(size, running.length)


def leave(running: Running, size: int | None) -> bool:
    """Have the partial file be of ``size`` bytes, or go; False where another has taken it over.

    Raises `StoreUnavailable`.
    """
    if size is None:
        return running.partial.discard()
    try:
        running.partial.keep(size)
    except UploadTakenOver:
        return False
    return True


def settle(
    session: Session, settings: Settings, running: Running, size: int | None
) -> Upload | None:
    """Have the row say what was kept, or go; return it where it stays.

    Where it has gone, as with its image, so does the file.
    """
    upload = session.scalar(select(Upload).where(Upload.uuid == running.uuid).with_for_update())
    if upload is None:
        running.partial.discard()
        return None
    if size is not None:
        upload.expires = _expiry(settings)
        if running.protocol is not Protocol.PUT or quotas.keep(session, upload, size, settings):
            return upload
        # Of unknown length, and beside others that came at the same time.
        running.partial.discard()
    session.delete(upload)
    return None

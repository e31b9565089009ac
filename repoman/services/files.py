"""Image files: taking one in, so that it is there wholly or not at all.

An upload is `begin`, a stream of bytes, and `finish`, each of the two in a transaction of its own:
no database connection is held while bytes come in. `abandon` undoes a `begin`.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from repoman import names
from repoman.digests import Hasher, verify
from repoman.errors import EmptyFile, PreconditionFailed, StoreFull
from repoman.identity import Identity
from repoman.models import Blob, Image, ImageFile, Protocol, Upload, now
from repoman.security import Action, require
from repoman.services import identities, images, versions
from repoman.settings import Settings
from repoman.storage import Partial, Store

Precondition = Callable[[ImageFile | None], None]
"""Raises `PreconditionFailed` unless the current file (or None) is what the client expects."""


@dataclass(frozen=True)
class Running:
    """An upload under way: its row, where it goes, and the partial file."""

    uuid: str
    image_id: int
    hypervisor: str
    partial: Partial


@dataclass(frozen=True)
class Received:
    """What came in: size in bytes, and SHA-256."""

    size: int
    sha256: bytes


def etag(image: Image, file: ImageFile) -> str:
    """Return the strong validator of a file, without quotes: this image's record and the digest.

    A copy of the image has another one, so that no validator tells what others keep.
    """
    record = f"{image.uuid}:{file.hypervisor}:{file.version}:{file.blob.sha256}"
    return hashlib.sha256(record.encode()).hexdigest()[:32]


def begin(
    session: Session,
    store: Store,
    caller: Identity,
    image: Image,
    hypervisor: str,
    length: int | None,
) -> Running:
    """Record an upload and open its partial file, held by a lock.

    ``length`` is the most bytes that will come, where announced.
    Raises `ImageReadOnly`, `StoreFull`, `StoreUnavailable`.
    """
    images.check_writable(image)
    if length is not None and length > store.free():
        raise StoreFull(
            f"The image store has no room for {length} bytes. Tell an administrator.", limit=length
        )
    uuid = names.new_uuid()
    partial = store.create(uuid)
    try:
        session.add(
            Upload(
                uuid=uuid,
                image_id=image.id,
                user_id=caller.user_id,
                hypervisor=hypervisor,
                protocol=Protocol.FORM,
                length=length,
                expires=now(),
            )
        )
        session.flush()
    except BaseException:
        partial.discard()
        raise
    return Running(uuid, image.id, hypervisor, partial)


def finish(
    session: Session,
    caller: Identity,
    running: Running,
    received: Received,
    precondition: Precondition,
    settings: Settings,
) -> tuple[Image, bool]:
    """Make a committed file the image's, and say whether it is its first for the hypervisor.

    Who the caller is, the right, ``read_only`` and the precondition are asked once more: someone
    suspended or unshared half-way through changes nothing. Raises what these raise.
    """
    caller = identities.reidentify(session, caller)
    image = images.reload(session, running.image_id)
    require(caller, Action.EDIT_IMAGE, image)
    images.check_writable(image)
    current = image.current_file(running.hypervisor)
    precondition(current)
    ended = session.execute(sql_delete(Upload).where(Upload.uuid == running.uuid))
    if ended.rowcount == 0:  # type: ignore[attr-defined]
        raise PreconditionFailed("The upload was ended meanwhile, as by a change of owner.")
    blob = Blob(uuid=running.uuid, size=received.size, sha256=received.sha256.hex())
    versions.put(session, image, running.hypervisor, blob, settings)
    return image, current is None


def abandon(session: Session, running: Running) -> None:
    """Forget an upload that failed; the image is as it was."""
    session.execute(sql_delete(Upload).where(Upload.uuid == running.uuid))


def receive(chunks: Iterable[bytes], partial: Partial, expected: Mapping[str, bytes]) -> Received:
    """Write a stream to ``partial``, check it against the client's digests, and make it durable.

    ``expected`` holds digests by hashlib's names. Raises `EmptyFile`, `DigestMismatch`,
    `StoreFull`, `StoreUnavailable`, and whatever the stream raises; the file is not there then.
    """
    hasher, size = Hasher({"sha256", *expected}), 0
    try:
        for chunk in chunks:
            hasher.update(chunk)
            partial.write(chunk)
            size += len(chunk)
    finally:
        digests = hasher.close()
    if size == 0:
        raise empty_file()
    verify(expected, digests, "the file received")
    partial.commit()
    return Received(size, digests["sha256"])


def empty_file() -> EmptyFile:
    """Make the refusal of a file without a byte, which is a slip: ``curl -X PUT`` sends one."""
    return EmptyFile("The file is empty; send one with curl -T FILE URL. The image is as it was.")

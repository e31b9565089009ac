"""Image files: taking one in, so that it is there wholly or not at all."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from repoman.digests import Hasher, verify
from repoman.errors import EmptyFile, PreconditionFailed
from repoman.identity import Identity
from repoman.inspection import Inspector, Label
from repoman.models import Blob, Image, ImageFile, Upload
from repoman.security import Action, require
from repoman.services import identities, images, labels, quotas, versions
from repoman.services.uploads import Running
from repoman.settings import Settings
from repoman.storage import Partial

Precondition = Callable[[ImageFile | None], None]
"""Raises `PreconditionFailed` unless the current file (or None) is what the client expects."""


@dataclass(frozen=True)
class Received:
    """What came in: size in bytes, SHA-256, and what it was found to be."""

    size: int
    sha256: bytes
    label: Label


def etag(image: Image, file: ImageFile) -> str:
    """Return the strong validator of a file, without quotes: this image's record and the digest.

    A copy of the image has another one, so that no validator tells what others keep.
    """
    record = f"{image.uuid}:{file.hypervisor}:{file.version}:{file.blob.sha256}"
    return hashlib.sha256(record.encode()).hexdigest()[:32]


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
    suspended or unshared half-way through changes nothing. Raises what these raise, and
    `UnsafeImage`, `FormatMismatch`, `QuotaExceeded`.
    """
    caller = identities.reidentify(session, caller)
    image = images.reload(session, running.image_id)
    require(caller, Action.EDIT_IMAGE, image)
    images.check_writable(image)
    current = image.current_file(running.hypervisor)
    precondition(current)
    labels.check_taken(image, received.label, settings)
    released = session.scalar(
        sql_delete(Upload).where(Upload.uuid == running.uuid).returning(Upload.reserved)
    )
    if released is None:
        raise PreconditionFailed("The upload was ended meanwhile, as by a change of owner.")
    blob = Blob(uuid=running.uuid, size=received.size, sha256=received.sha256.hex())
    labels.label(blob, received.label)
    file = versions.put(session, image, running.hypervisor, blob, settings)
    quotas.check_version(session, caller, image, file.version, settings, released=released)
    return image, current is None


def receive(chunks: Iterable[bytes], partial: Partial, expected: Mapping[str, bytes]) -> Received:
    """Append a stream to ``partial``, check the whole against digests, and make it durable.

    ``expected`` holds digests by hashlib's names. What had arrived before is read once more, for
    digests and label are of all. Raises `EmptyFile`, `DigestMismatch`, `StoreFull`,
    `StoreUnavailable`, `UploadTakenOver`, and whatever the stream raises; nothing is committed
    then.
    """
    inspector = Inspector()
    hasher = Hasher({"sha256", *expected}, inspector)
    try:
        for chunk in partial.read():
            hasher.update(chunk)
        for chunk in chunks:
            hasher.update(chunk)
            partial.write(chunk)
    finally:
        digests = hasher.close()
    size = partial.size
    if size == 0:
        raise empty_file()
    verify(expected, digests)
    partial.commit()
    return Received(size, digests["sha256"], inspector.close())


def empty_file() -> EmptyFile:
    """Make the refusal of a file without a byte, which is a slip: ``curl -X PUT`` sends one."""
    return EmptyFile("The file is empty; send one with curl -T FILE URL. The image is as it was.")

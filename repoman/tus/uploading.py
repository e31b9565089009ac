"""tus's requests that carry bytes: beginning an upload, and going on with it.

As in `repoman.uploading`, everything that can be refused is refused before the first byte is read,
and no database connection is held while bytes come in.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from pyramid.request import Request
from pyramid.response import Response

from repoman import conditions, digests, streams, transactions, uploading
from repoman.errors import (
    ChecksumMismatch,
    InvalidParameter,
    MethodNotAllowed,
    UnsupportedMediaType,
    UploadInProgress,
    UploadLocked,
)
from repoman.file_bodies import Body
from repoman.models import Protocol
from repoman.resources import Target, UploadContext
from repoman.services import files, own_uploads, room, uploads
from repoman.services.files import Precondition
from repoman.services.room import Coming
from repoman.services.uploads import Running
from repoman.streams import Chunks
from repoman.tus import headers
from repoman.tus.answers import answer, progress


@contextmanager
def locking() -> Iterator[None]:
    """Say in tus's way that another request is at work on the upload. Raises `UploadLocked`."""
    try:
        yield
    except UploadInProgress as busy:
        raise UploadLocked(busy.detail) from busy


@dataclass(frozen=True)
class Part:
    """Bytes that a request brings: ``size``, None where chunked, and what must hold.

    ``expected`` are digests of the whole file, by hashlib's names.
    """

    chunks: Chunks
    size: int | None
    expected: Mapping[str, bytes]
    precondition: Precondition


@locking()
def create(request: Request, target: Target) -> Response:
    """Begin an upload to ``target``, perhaps with its first bytes: 201."""
    image, hypervisor = target.image, target.hypervisor
    precondition = conditions.precondition(request, image)
    precondition(image.current_file(hypervisor))
    sent = request.headers.get(headers.METADATA)
    expected = _whole(request, sent)
    length = headers.new_length(request.headers)
    if length == 0:
        raise files.empty_file()
    if streams.announced_length(request.environ) == 0:
        part = Part(_nothing(), 0, expected, precondition)
    else:
        part = _part(request, expected, precondition, length)
    running = uploads.begin(
        request.db,
        request.store,
        request.settings,
        request.identity,
        image,
        hypervisor,
        Protocol.TUS,
        Coming(length, length),
        sent,
    )
    told = _receive(request, target, running, part)
    return answer(201, told | {"Location": request.urls.upload(running.uuid)})


@locking()
def append(request: Request, context: UploadContext) -> Response:
    """Go on with an upload; with its last byte the file becomes the image's: 204."""
    image, upload = context.image, context.upload
    precondition = conditions.precondition(request, image)
    precondition(image.current_file(upload.hypervisor))
    length = upload.file_length
    if length is None:
        raise MethodNotAllowed(
            "How long the file of this upload is, nobody knows: send it to the image's URL.",
            allow=["DELETE", "GET", "HEAD", "OPTIONS"],
        )
    expected = _whole(request, upload.tus_metadata)
    offset = headers.number(request.headers, headers.OFFSET)
    part = _part(request, expected, precondition, length - offset)
    own_uploads.arrived(request.store, upload)
    running = uploads.resume(
        request.db,
        request.store,
        request.settings,
        request.identity,
        upload,
        image,
        offset,
        length,
    )
    return answer(204, _receive(request, context, running, part))


def _whole(request: Request, metadata: str | None) -> dict[str, bytes]:
    """Return what the client says of the whole file, now and when the upload began."""
    begun = headers.file_checksum(headers.parse_metadata(metadata))
    now = digests.file_digests(request.headers)
    return digests.united(begun, now, "This request and Upload-Metadata", headers.METADATA)


def _nothing() -> Chunks:
    yield from ()


def _part(
    request: Request, expected: Mapping[str, bytes], precondition: Precondition, left: int
) -> Part:
    """Read the headers of a request that brings bytes, of which ``left`` are missing.

    Raises `UnsupportedMediaType`, `InvalidParameter`, `LengthRequired`.
    """
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != headers.CHUNK_TYPE:
        raise UnsupportedMediaType(f"Send the file's bytes as Content-Type: {headers.CHUNK_TYPE}.")
    uploading.check_encoding(request)
    checksum = headers.chunk_checksum(request.headers)
    content = digests.content_digests(request.headers)
    size = streams.announced_length(request.environ)
    # Of an offset beyond the end, `uploads.resume` says the right one.
    if size is not None and 0 <= left < size:
        raise _too_many(left)
    chunks = _bounded(streams.body_chunks(request.environ), left)
    chunks = digests.verified(digests.verified(chunks, content), checksum, ChecksumMismatch)
    return Part(chunks, size, expected, precondition)


def _bounded(chunks: Chunks, left: int) -> Chunks:
    """Pass chunks through. Raises `InvalidParameter` where they are more than ``left`` bytes."""
    rest = left
    for chunk in chunks:
        rest -= len(chunk)
        if rest < 0:
            raise _too_many(left)
        yield chunk


def _too_many(left: int) -> InvalidParameter:
    return InvalidParameter(
        f"Of the file as long as {headers.LENGTH} said, {left} bytes are missing, and this "
        "request brings more. A file that has grown is another: begin an upload of it.",
        field=headers.LENGTH,
    )


def _receive(request: Request, target: Target, running: Running, part: Part) -> dict[str, str]:
    """Take in a part, and what the answer's headers say: how far it came, or the new version."""
    assert running.length is not None  # noqa: S101 - tus's has one, and of others it was asked
    if part.size != running.length - (running.start or 0):
        if part.size == 0:
            # The database is not to wait for the disk.
            transactions.end(request)
        else:
            _extend(request, running, part)
        if running.partial.size < running.length:
            return _pause(request, running)
        part = Part(_nothing(), 0, part.expected, part.precondition)
    body = Body(Protocol.TUS, part.chunks, Coming(running.length, running.length))
    shown = uploading.take_in(request, target, running, body, part.expected, part.precondition)
    return progress(running.length) | {
        "X-Repoman-Uuid": shown["uuid"],
        "X-Repoman-Version": str(shown["files"][running.hypervisor]["version"]),
    }


def _extend(request: Request, running: Running, part: Part) -> None:
    """Append to the partial file. Nothing is hashed: more will come, and then all is read."""
    try:
        transactions.end(request)
        with closing(part.chunks):
            chunks = room.bounded(
                part.chunks,
                running.limits,
                request.store,
                request.settings,
                running.start or 0,
            )
            for chunk in chunks:
                running.partial.write(chunk)
    except BaseException as failure:
        uploading.break_off(request, running, failure)
        raise


def _pause(request: Request, running: Running) -> dict[str, str]:
    """Keep what has arrived until the next request. Raises `UploadNotFound` where it has ended."""
    size = running.partial.size
    try:
        running.partial.keep(size)
        upload = uploads.settle(request.db, request.settings, running, size)
        if upload is None:
            raise own_uploads.no_such_upload()
        # An upload is no change of anything yet.
        request.audit_action = None
        expires = upload.expires
        transactions.end(request)
    finally:
        running.partial.release()
    return progress(size, expires)

"""The answer to a GET of a file: whole, in ranges, or not modified."""

import base64
import secrets
from collections.abc import Iterator
from typing import BinaryIO

from pyramid.request import Request
from pyramid.response import Response

from repoman import sendfile
from repoman.conditions import check_match, is_not_modified, range_applies
from repoman.errors import StoreUnavailable
from repoman.models import Image, ImageFile
from repoman.ranges import ByteRange, parse_ranges
from repoman.services import damage, labels
from repoman.services.files import etag

CHUNK = 64 * 1024
"""Bytes a read: measured faster under TLS than wsgi.file_wrapper and than larger reads."""


class FileParts:
    """Yields parts of an open file, each after its heading, and closes the file at the end."""

    def __init__(self, file: BinaryIO, parts: list[tuple[bytes, ByteRange]], tail: bytes) -> None:
        self.file, self.parts, self.tail = file, parts, tail

    def __iter__(self) -> Iterator[bytes]:
        for heading, wanted in self.parts:
            if heading:
                yield heading
            self.file.seek(wanted.start)
            left = wanted.length
            while left:
                chunk = self.file.read(min(CHUNK, left))
                if not chunk:
                    # Ending early breaks the connection, which is the only honest answer left.
                    raise StoreUnavailable("The stored file is shorter than it was.")
                left -= len(chunk)
                yield chunk
        if self.tail:
            yield self.tail

    def close(self) -> None:
        """Close the file; WSGI servers call this in every case (PEP 3333)."""
        self.file.close()


def file_response(request: Request, image: Image, file: ImageFile) -> Response:
    """Answer with a file, with its validators, digest, and what keeps a browser from running it.

    Raises `ImageQuarantined`, `PreconditionFailed`, `RangeNotSatisfiable`, `FileDamaged`,
    `StoreUnavailable`.
    """
    labels.check_readable(request.identity, image, file)
    tag, size = etag(image, file), file.blob.size
    check_match(request, image, file)
    response = Response(content_type="application/octet-stream")
    response.headers.update(
        {
            "ETag": f'"{tag}"',
            "Accept-Ranges": "bytes",
            "Repr-Digest": f"sha-256=:{_base64(file.blob.sha256)}:",
            "X-Repoman-Uuid": image.uuid,
            "X-Repoman-Version": str(file.version),
            "Content-Disposition": f'attachment; filename="{image.name}"',
            "Cache-Control": "private, no-cache",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        }
    )
    response.last_modified = file.uploaded
    if is_not_modified(request, tag, file.uploaded):
        response.status_int = 304
        response.content_type = None
        return response
    wanted = None
    if request.method == "GET" and range_applies(request, tag):
        wanted = parse_ranges(request.headers.get("Range"), size)
    damage.check_whole(image, file)
    opened = request.store.open(file.blob.uuid)
    path = request.store.path(file.blob.uuid)
    if path is not None and sendfile.is_understood(request, wanted):
        sendfile.hand_over(response, opened, path, size)
        return response
    _fill(response, opened, wanted, size)
    return response


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def _fill(response: Response, opened: BinaryIO, wanted: list[ByteRange] | None, size: int) -> None:
    """Set body, length and status for the whole file, one range, or several."""
    if wanted is None or len(wanted) == 1:
        part = wanted[0] if wanted else ByteRange(0, size)
        response.app_iter = FileParts(opened, [(b"", part)], b"")
        response.content_length = part.length
        if wanted:
            response.status_int = 206
            response.headers["Content-Range"] = part.content_range(size)
        return
    boundary = secrets.token_hex(16)
    parts = [
        (
            f"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Range: {part.content_range(size)}\r\n\r\n".encode(),
            part,
        )
        for part in wanted
    ]
    tail = f"\r\n--{boundary}--\r\n".encode()
    response.status_int = 206
    response.content_type = f"multipart/byteranges; boundary={boundary}"
    response.app_iter = FileParts(opened, parts, tail)
    response.content_length = len(tail) + sum(len(head) + part.length for head, part in parts)

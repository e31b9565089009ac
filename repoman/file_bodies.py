"""The bytes of a file in a request's body: all of it by PUT or by a form, or its rest by PUT."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from multipart import parse_options_header
from pyramid.request import Request

from repoman import digests, streams
from repoman.errors import InvalidParameter, UnsupportedMediaType
from repoman.models import Protocol
from repoman.multiparts import FORM_ITSELF, Checks, file_part
from repoman.services import files
from repoman.services.room import Coming
from repoman.streams import Chunks

_content_range = re.compile(r"bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Body:
    """A stream of a file's bytes from ``start`` on; ``coming`` is of the whole file."""

    protocol: Protocol
    chunks: Chunks
    coming: Coming
    start: int = 0


ReadBody = Callable[[Request], Body]


def can_go_without(request: Request) -> bool:
    """Say whether a PUT of a whole file may be answered before its bytes are on their way.

    That is where there are none, or where the client waits for ``100 Continue``: one that is
    sending already would have its connection closed under it. What is said of the message's content
    can be checked by nothing but that.
    """
    if request.method != "PUT" or {"Content-Range", "Content-Digest"} & {*request.headers}:
        return False
    waits = request.headers.get("Expect", "").strip().lower() == "100-continue"
    return waits or streams.announced_length(request.environ) == 0


def plain_body(request: Request) -> Body:
    """Read a PUT's headers: of a whole file, or of the rest of one (``curl -C N -T``).

    Raises `EmptyFile`, `InvalidParameter`, `LengthRequired`.
    """
    length, part = streams.announced_length(request.environ), _part(request)
    if part is None:
        if length == 0:
            raise files.empty_file()
        coming = Coming() if length is None else Coming(length, length)
        return Body(Protocol.PUT, _checked_chunks(request), coming)
    start, whole = part
    if length not in {None, whole - start}:
        raise _wrong_range(f"the body has {length} bytes")
    chunks = _checked_chunks(request)
    if length is None:
        chunks = _counted(chunks, whole - start)
    return Body(Protocol.PUT, chunks, Coming(whole, whole), start)


def _part(request: Request) -> tuple[int, int] | None:
    """Return the first byte and the file's length by Content-Range (RFC 9110 section 14.4)."""
    content_range = request.headers.get("Content-Range")
    if content_range is None:
        return None
    match = _content_range.fullmatch(content_range.strip())
    if match is None:
        raise _wrong_range("it is none")
    start, last, whole = map(int, match.groups())
    if last + 1 != whole or start > last:
        raise _wrong_range("it does not end with the file's last byte")
    return start, whole


def _wrong_range(problem: str) -> InvalidParameter:
    return InvalidParameter(
        "Content-Range must look like bytes 1000-2999/3000 and reach from where you go on to the "
        f"file's last byte, as with curl -C 1000 -T FILE; {problem}.",
        field="Content-Range",
    )


def _counted(chunks: Iterable[bytes], length: int) -> Chunks:
    """Pass chunks through; raise `InvalidParameter` where they are not ``length`` bytes in all."""
    left = length
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            break
        yield chunk
    if left != 0:
        raise _wrong_range("the body has another length")


def form_body(request: Request, checks: Checks | None = None) -> Body:
    """Read the headers of a POST with the part ``file``, behind the fields of ``checks``.

    Raises `UnsupportedMediaType`, `LengthRequired`.
    """
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise UnsupportedMediaType("POST the file as curl -F file=@FILE does, or PUT it: curl -T.")
    length = streams.announced_length(request.environ)
    chunks = file_part(_checked_chunks(request), options["boundary"], checks)
    coming = Coming() if length is None else Coming(max(length - FORM_ITSELF, 1), length)
    return Body(Protocol.FORM, chunks, coming)


def _checked_chunks(request: Request) -> Chunks:
    expected = digests.content_digests(request.headers)
    return digests.verified(streams.body_chunks(request.environ), expected)

"""An upload from request to answer; the rules are `repoman.services.files`.

Everything that can be refused is refused before the first byte of the body is read. Then the
transaction ends, the bytes stream to the store, and a new transaction makes the file the image's.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import closing

from multipart import parse_options_header
from pyramid.request import Request
from sqlalchemy.exc import SQLAlchemyError

from repoman import auditing, conditions, digests, streams, transactions
from repoman.errors import InvalidParameter, RepomanError, UnsupportedMediaType
from repoman.logs import get_logger
from repoman.multiparts import file_part
from repoman.presenters import Json
from repoman.resources import FileContext
from repoman.services import files
from repoman.streams import Chunks

log = get_logger(__name__)

ReadBody = Callable[[Request], tuple[Chunks, int | None]]
"""Returns the stream of the file's bytes, and where announced how many it has at most."""

_whole = re.compile(r"bytes\s+0-(\d{1,18})/(\d{1,18})", re.ASCII | re.IGNORECASE)


def plain_body(request: Request) -> tuple[Chunks, int | None]:
    """Return the stream of a PUT's bytes, and their number where announced.

    Raises `EmptyFile`, `InvalidParameter` for a part of a file, `LengthRequired`.
    """
    length, whole = streams.announced_length(request.environ), _whole_length(request)
    if whole is not None and length not in {None, whole}:
        raise _not_whole()
    if length == 0:
        raise files.empty_file()
    chunks = _checked_chunks(request)
    if length is None and whole is not None:
        return _counted(chunks, whole), whole
    return chunks, length


def _whole_length(request: Request) -> int | None:
    """Return the file's length by Content-Range, None without one. Raises `InvalidParameter`."""
    content_range = request.headers.get("Content-Range")
    if content_range is None:
        return None
    match = _whole.fullmatch(content_range.strip())
    if match is None or int(match[1]) + 1 != int(match[2]):
        raise _not_whole()
    return int(match[2])


def _not_whole() -> InvalidParameter:
    return InvalidParameter(
        "Content-Range must cover the whole file; send it from its first byte to its last.",
        field="Content-Range",
    )


def _counted(chunks: Iterable[bytes], length: int) -> Chunks:
    """Pass chunks through; raise `InvalidParameter` where they are not ``length`` bytes in all."""
    for chunk in chunks:
        length -= len(chunk)
        yield chunk
    if length != 0:
        raise _not_whole()


def form_body(request: Request) -> tuple[Chunks, int | None]:
    """Return the stream of the part ``file`` of a POST, and the length of all where announced.

    Raises `UnsupportedMediaType`, `LengthRequired`.
    """
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise UnsupportedMediaType("POST the file as curl -F file=@FILE does, or PUT it: curl -T.")
    length = streams.announced_length(request.environ)
    return file_part(_checked_chunks(request), options["boundary"]), length


def _checked_chunks(request: Request) -> Chunks:
    expected = digests.content_digests(request.headers)
    return digests.verified(streams.body_chunks(request.environ), expected)


def upload(request: Request, context: FileContext, read_body: ReadBody) -> Json:
    """Take in a file and return the image: 201 for the first, 200 for an overwrite."""
    image, hypervisor = context.image, context.hypervisor
    precondition = conditions.precondition(request, image)
    precondition(image.current_file(hypervisor))
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the file's bytes as they are, without Content-Encoding.")
    body, length = read_body(request)
    expected = digests.file_digests(request.headers)
    running = files.begin(request.db, request.store, request.identity, image, hypervisor, length)
    try:
        transactions.end(request)
        with closing(body):
            received = files.receive(body, running.partial, expected)
        image, is_first = files.finish(
            request.db, request.identity, running, received, precondition, request.settings
        )
        shown: Json = request.present.image(image)
        context.image = context.thing = image
        auditing.record(request, context)
    except BaseException:
        _abandon(request, running)
        raise
    try:
        transactions.end(request)
    finally:
        # Where a commit fails nobody knows whether it took place: the file must stay, and the
        # collector finds out.
        running.partial.release()
    request.response.status_int = 201 if is_first else 200
    return shown


def _abandon(request: Request, running: files.Running) -> None:
    """Leave no trace of a failed upload; what cannot be removed now is the collector's."""
    request.tm.abort()
    request.tm.begin()
    try:
        running.partial.discard()
        with request.registry.sessions.changing.begin() as session:
            files.abandon(session, running)
    except (RepomanError, SQLAlchemyError) as error:
        log.warning("upload left to the collector", upload=running.uuid, reason=str(error))

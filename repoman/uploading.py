"""An upload from request to answer; the rules are `repoman.services.uploads` and `…files`.

Everything that can be refused is refused before the first byte of the body is read. Then the
transaction ends, the bytes stream to the store, and a new transaction makes the file the image's.
"""

from collections.abc import Mapping
from contextlib import closing

from pyramid.request import Request
from sqlalchemy.exc import SQLAlchemyError

from repoman import auditing, conditions, digests, file_bodies, streams, transactions
from repoman.errors import RepomanError, UnsupportedMediaType
from repoman.file_bodies import Body, ReadBody
from repoman.logs import get_logger
from repoman.presenters import Json
from repoman.resources import FileContext, Target
from repoman.services import files, known_content, merging, room, uploads
from repoman.services.files import Precondition
from repoman.services.uploads import Running

log = get_logger(__name__)


def upload(request: Request, context: FileContext, read_body: ReadBody) -> Json:
    """Take in a file and return the image: 201 for the first, 200 for an overwrite."""
    image, hypervisor = context.image, context.hypervisor
    precondition = conditions.precondition(request, image)
    precondition(image.current_file(hypervisor))
    check_encoding(request)
    expected = digests.file_digests(request.headers)
    if file_bodies.can_go_without(request) and set(expected) == {"sha256"}:
        shown = _put_known(request, context, expected["sha256"])
        if shown is not None:
            return shown
    body = read_body(request)
    running = _start(request, context, body)
    return take_in(request, context, running, body, expected, precondition)


def _put_known(request: Request, context: FileContext, sha256: bytes) -> Json | None:
    """Make a file the image's that is here already, None where the caller has to send it."""
    session, store, settings = request.db, request.store, request.settings
    caller, image, hypervisor = request.identity, context.image, context.hypervisor
    size = streams.announced_length(request.environ) or None
    blob = known_content.find(session, store, caller, image, sha256, size)
    if blob is None:
        return None
    is_first = known_content.put(session, store, caller, image, hypervisor, blob, settings)
    request.response.status_int = 201 if is_first else 200
    request.response.headers["X-Repoman-Deduplicated"] = "true"
    shown: Json = request.present.image(image)
    return shown


def check_encoding(request: Request) -> None:
    """Raise `UnsupportedMediaType` for bytes that are not the file's own."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the file's bytes as they are, without Content-Encoding.")


def _start(request: Request, context: FileContext, body: Body) -> Running:
    session, store, settings = request.db, request.store, request.settings
    caller, image, hypervisor = request.identity, context.image, context.hypervisor
    if body.start:
        begun = uploads.find_put(session, caller, image, hypervisor)
        return uploads.resume(
            session, store, settings, caller, begun, image, body.start, body.coming.least
        )
    return uploads.begin(
        session, store, settings, caller, image, hypervisor, body.protocol, body.coming
    )


def take_in(
    request: Request,
    context: Target,
    running: Running,
    body: Body,
    expected: Mapping[str, bytes],
    precondition: Precondition,
) -> Json:
    """Stream the body to the store, make the file the image's, and return the image."""
    settings = request.settings
    try:
        transactions.end(request)
        if running.former is not None:
            running.former.discard()
        with closing(body.chunks):
            chunks = room.bounded(
                body.chunks, running.limits, request.store, settings, running.start or 0
            )
            received = files.receive(chunks, running.partial, expected)
        image, is_first = files.finish(
            request.db, request.identity, running, received, precondition, settings
        )
        shown: Json = request.present.image(image)
        context.image = context.thing = image
        auditing.record(request, context)
    except BaseException as failure:
        break_off(request, running, failure)
        raise
    try:
        transactions.end(request)
    finally:
        # Where a commit fails nobody knows whether it took place: the file must stay, and the
        # collector finds out.
        running.partial.release()
    _heal(request, running)
    request.response.status_int = 201 if is_first else 200
    return shown


def _heal(request: Request, running: Running) -> None:
    """Let the new blob take the place of damaged ones; what fails is the collector's to do."""
    try:
        merging.heal(request.registry.sessions, running.uuid)
    except SQLAlchemyError as error:
        log.warning("damaged files not replaced yet", upload=running.uuid, reason=str(error))


def break_off(request: Request, running: Running, failure: BaseException) -> None:
    """Keep of a failed upload what can be gone on with (`uploads.kept`).

    The file is first: what was refused must not be gone on with, even where the database does not
    answer. What cannot be removed now is the collector's.
    """
    try:
        request.tm.abort()
        request.tm.begin()
        size = uploads.kept(running, failure)
        if _leave(running, size):
            with request.registry.sessions.changing.begin() as session:
                uploads.settle(session, request.settings, running, size)
    except (RepomanError, SQLAlchemyError) as error:
        _log(running, error)
    finally:
        running.partial.release()
        if running.former is not None:
            running.former.release()


def _leave(running: Running, size: int | None) -> bool:
    try:
        return uploads.leave(running, size)
    except RepomanError as error:
        _log(running, error)
        return True


def _log(running: Running, error: Exception) -> None:
    log.warning("upload left as it is", upload=running.uuid, reason=str(error))

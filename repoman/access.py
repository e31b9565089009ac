"""The outermost WSGI middleware: a request's id, and one line about it when it is over.

It is wrapped around the `CertificateMiddleware` in `repoman.main`, not in the ini, so that no
request goes without a line. What it sees goes into the log and into the metrics. It counts and
never keeps: bodies stream through it as they are.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from structlog.contextvars import bind_contextvars, unbind_contextvars

from repoman.certificates.middleware import CertificateMiddleware, Environ
from repoman.errors import RepomanError
from repoman.logs import get_logger
from repoman.metrics import Direction, Metrics
from repoman.routing import DOWNLOADS, UPLOADS
from repoman.streams import announced_length

log = get_logger(__name__)

LONGEST_AGENT = 256
"""Characters that are logged of a User-Agent. The server bounds the length of the URL."""

TOLD_BYTES = 4 << 20
"""After so many bytes the metrics are told of them, besides at the end."""


class AccessLog:
    """Gives each request its id, and writes one line when its answer has been sent or cut off.

    The id is Apache's UNIQUE_ID where there is one: a variable of the server's, never a header.
    """

    def __init__(self, application: CertificateMiddleware, metrics: Metrics) -> None:
        self.application, self._metrics = application, metrics
        self.sessions = application.sessions

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Pass on, and count."""
        environ["repoman.request_id"] = environ.get("UNIQUE_ID") or uuid.uuid4().hex
        bind_contextvars(request_id=environ["repoman.request_id"])
        exchange = Exchange(environ, self._metrics)
        try:
            chunks = self.application(environ, exchange.observe(start_response))
        except BaseException as error:
            exchange.end(error)
            raise
        return Answer(chunks, exchange)


class Input:
    """``wsgi.input``, counting the bytes that are read, and telling of each read beforehand."""

    def __init__(self, stream: Any, reading: Callable[[], None] = lambda: None) -> None:
        self._stream, self._reading = stream, reading
        self.received = 0
        self.ended = False
        """Whether a read has come upon the end, which a body without length has no other way."""

    def __getattr__(self, name: str) -> Any:
        """Let a server's own attributes be seen."""
        return getattr(self._stream, name)

    def read(self, *size: int) -> bytes:
        """Read as the server does."""
        self._reading()
        return self._counted(self._stream.read(*size))

    def readline(self, *size: int) -> bytes:
        """Read a line as the server does."""
        return self._counted(self._stream.readline(*size))

    def readlines(self, *hint: int) -> list[bytes]:
        """Read lines as the server does."""
        return [self._counted(line) for line in self._stream.readlines(*hint)]

    def __iter__(self) -> Iterator[bytes]:
        return map(self._counted, self._stream)

    def _counted(self, data: bytes) -> bytes:
        self.received += len(data)
        self.ended = self.ended or not data
        return data


class Exchange:
    """One request and its answer, as the line and the metrics tell of them."""

    def __init__(self, environ: Environ, metrics: Metrics) -> None:
        self._environ, self._began = environ, time.perf_counter()
        self._metrics = metrics
        # Now, for the application changes the path.
        self._target = target(environ)
        self._input = environ["wsgi.input"] = Input(environ["wsgi.input"], self.receiving)
        self._status: int | None = None
        self._code: str | None = None
        self.sent = 0
        self.complete = False
        self._direction: Direction | None = None
        self._told = (0, 0)

    def observe(self, start_response: Callable[..., Any]) -> Callable[..., Any]:
        """Note the status and the error's code of the answer; close after it where need be."""

        def observed(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            self._status = int(status.split(" ", 1)[0])
            codes = (value for name, value in headers if name.lower() == "x-repoman-error")
            self._code = next(codes, None)
            if self._is_under_httpd and self._leaves_a_body(self._status):
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, *exc_info)

        return observed

    @property
    def _is_under_httpd(self) -> bool:
        """Whether ``Connection: close`` is for us to say.

        To keep a connection, httpd takes in what is left of a body, however much and however
        slowly; where an answer says that it closes, it does not. PEP 3333 leaves that header to
        servers, and mod_wsgi leaves it to applications. Of the embedded server, `repoman.server`
        sees to it.
        """
        return "mod_wsgi.version" in self._environ

    def _leaves_a_body(self, status: int) -> bool:
        """Whether something is left to read of the request's body.

        Of a chunked body, whoever accepts it has read all that counts, if perhaps not its end.
        """
        try:
            length = announced_length(self._environ)
        except RepomanError:
            return True
        received = self._input.received
        if length is not None:
            return received < length
        return not self._input.ended and (status >= 400 or received == 0)

    @property
    def route(self) -> str:
        """The name of the URL's route, once the gate has found it."""
        return self._environ.get("repoman.route") or "none"

    @property
    def cut_off(self) -> bool:
        """Whether the answer was not sent to its end."""
        # To HEAD a server may leave the answer's body alone.
        return not self.complete and self._environ["REQUEST_METHOD"] != "HEAD"

    def receiving(self) -> None:
        """Begin an upload, or go on with it: more of the body is about to be read."""
        if self._direction is None and self.route in UPLOADS:
            self._begin(Direction.UPLOAD)
        self._tell()

    def sending(self) -> None:
        """Begin a download, if it is one."""
        is_get = self._environ["REQUEST_METHOD"] == "GET"
        if is_get and self.route in DOWNLOADS and self._status in {200, 206}:
            self._begin(Direction.DOWNLOAD)

    def has_sent(self, size: int) -> None:
        """Count a chunk."""
        self.sent += size
        self._tell()

    def _begin(self, direction: Direction) -> None:
        self._direction = direction
        self._metrics.begin_transfer(direction)

    def _tell(self) -> None:
        """Tell the metrics of the bytes so far, now and then: a transfer may take hours."""
        received, sent = self._new_bytes()
        if received + sent >= TOLD_BYTES:
            self._metrics.move(self.route, received, sent)
            self._told = (self._input.received, self.sent)

    def _new_bytes(self) -> tuple[int, int]:
        return self._input.received - self._told[0], self.sent - self._told[1]

    def end(self, error: BaseException | None) -> None:
        """Count the request and write the line, with the traceback of what ended it early."""
        seconds = time.perf_counter() - self._began
        if self._direction is not None:
            self._metrics.end_transfer(self._direction)
        received, sent = self._new_bytes()
        self._metrics.answer(
            self._environ["REQUEST_METHOD"],
            self.route,
            self._status or 500,
            self._code,
            direction=self._direction,
            seconds=seconds,
            cut_off=self.cut_off,
            received=received,
            sent=sent,
        )
        self._log(seconds, error)

    def _log(self, seconds: float, error: BaseException | None) -> None:
        environ = self._environ
        identity = environ.get("repoman.identity")
        log.info(
            "request",
            request_id=environ["repoman.request_id"],
            method=environ["REQUEST_METHOD"],
            path=self._target,
            status=self._status,
            code=self._code,
            user=identity and identity.user_name,
            dn=environ.get("repoman.dn"),
            client=environ.get("REMOTE_ADDR"),
            bytes_received=self._input.received,
            bytes_sent=self.sent,
            seconds=round(seconds, 6),
            cut_off=self.cut_off,
            user_agent=environ.get("HTTP_USER_AGENT", "")[:LONGEST_AGENT],
            **({"exc_info": error} if error else {}),
        )
        unbind_contextvars("request_id")


def target(environ: Environ) -> str:
    """Return the path, percent-encoded, and the query as the client sent it."""
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING")
    return quote(path, safe="/:@!$&'()*+,;=~", encoding="latin-1") + (f"?{query}" if query else "")


class Answer:
    """The answer's chunks, counted when the server comes back for more: so they were sent."""

    def __init__(self, chunks: Iterable[bytes], exchange: Exchange) -> None:
        self.chunks, self._exchange = chunks, exchange
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        exchange = self._exchange
        exchange.sending()
        try:
            for chunk in self.chunks:
                yield chunk
                exchange.has_sent(len(chunk))
        except Exception as error:
            self._error = error
            raise
        exchange.complete = True

    def close(self) -> None:
        """Close the application's answer, then write the line; servers call this in any case."""
        try:
            close = getattr(self.chunks, "close", None)
            if close is not None:
                close()
        finally:
            self._exchange.end(self._error)

"""A WSGI application that is in another process: calls become requests over TLS.

Bodies are sent as curl sends them: announced with ``Expect: 100-continue``, and not at all where
the answer comes first.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from select import select
from threading import Lock
from typing import Any
from urllib.parse import quote

import h11

from tests.pki import Holder

NOT_THE_APPLICATIONS = {
    *(b"date", b"server", b"connection", b"keep-alive", b"transfer-encoding"),
    b"strict-transport-security",
}
"""What the server in front puts on an answer."""
CHUNK = 1 << 16


class Remote:
    """The application at ``port`` of localhost, whose certificate is of ``tls``/ca.pem.

    Whoever a call is from (``tests.holder``, see `Holder.environ`) shows the certificate there.
    ``headers`` go with every request.
    """

    _making = Lock()

    def __init__(self, port: int, tls: Path, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.port, self.tls, self.headers = port, tls, headers
        # Both by what a client shows.
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._kept: dict[str, list[Exchange]] = {}
        self.broke_off = False
        """Whether an answer was not read to its end."""

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> list[bytes]:
        """Send the request and return the answer's body."""
        holder = environ.get("tests.holder")
        # Whatever else a test says of a certificate, no client can say.
        assert environ.get("SSL_CLIENT_VERIFY") == ("SUCCESS" if holder else "NONE")
        exchange = self._connect(holder)
        try:
            status, headers, body = exchange.run(environ, self.headers)
        except BaseException:
            self.broke_off = True
            exchange.close()
            raise
        self._keep(holder, exchange)
        start_response(status, headers)
        return [body] if body else []

    def _connect(self, holder: Holder | None) -> "Exchange":
        """Take a connection that was kept and that the server has not closed, or make one."""
        kept = self._kept.setdefault(key_of(holder), [])
        while kept:
            exchange = kept.pop()
            if exchange.is_idle():
                return exchange
            exchange.close()
        with self._making:  # threads that show one certificate write it to one file
            context = self._context(holder)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        # As curl does: else the kernel keeps the end of a body back for 40 ms (RFC 1122, 4.2.3.4).
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Exchange(context.wrap_socket(plain, server_hostname="localhost"))

    def _keep(self, holder: Holder | None, exchange: "Exchange") -> None:
        if exchange.begin_anew():
            self._kept[key_of(holder)].append(exchange)
        else:
            exchange.close()

    def close(self) -> None:
        """Close the connections that are kept."""
        for exchange in chain.from_iterable(self._kept.values()):
            exchange.close()

    def _context(self, holder: Holder | None) -> ssl.SSLContext:
        key = key_of(holder)
        if key not in self._contexts:
            made = ssl.create_default_context(cafile=str(self.tls / "ca.pem"))
            if holder:
                path = holder.write(self.tls)
                made.load_cert_chain(path)
                path.unlink()
            self._contexts[key] = made
        return self._contexts[key]


def key_of(holder: Holder | None) -> str:
    """Tell apart what clients show."""
    return holder.pem + str(len(holder.chain)) if holder else ""


Answer = tuple[str, list[tuple[str, str]], bytes]
"""Status line without version, headers, body."""


class Exchange:
    """One request and its answer on a connection."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self.connection, self.protocol = connection, h11.Connection(h11.CLIENT)

    def is_idle(self) -> bool:
        """Say whether the server waits for a request, and has not closed the connection."""
        return not select([self.connection], [], [], 0)[0]

    def begin_anew(self) -> bool:
        """Make ready for the next request, where the connection can be used again."""
        try:
            self.protocol.start_next_cycle()
        except h11.LocalProtocolError:
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def run(self, environ: dict[str, Any], more: tuple[tuple[str, str], ...]) -> Answer:
        """Send the request of an environ, and return the answer."""
        body, headers = body_of(environ), [*headers_of(environ), *more]
        if body is not None and "HTTP_EXPECT" not in environ:
            headers.append(("Expect", "100-continue"))
        method = environ["REQUEST_METHOD"]
        self.send(h11.Request(method=method, target=target_of(environ), headers=headers))
        if body is None:
            self.send(h11.EndOfMessage())
            return self.answer(self.next())
        first = self.next()
        if isinstance(first, h11.InformationalResponse):
            self.send_body(body)
            first = self.next()
        return self.answer(first)

    def send(self, event: Any) -> None:
        """Send a part of the request."""
        self.connection.sendall(self.protocol.send(event))

    def send_body(self, body: Iterator[bytes]) -> None:
        """Send it to its end, or until the server hangs up: then its answer is there."""
        with suppress(BrokenPipeError, ConnectionResetError):
            for chunk in body:
                self.send(h11.Data(data=chunk))
            self.send(h11.EndOfMessage())

    def next(self) -> Any:
        """Wait for the next part of the answer."""
        while (event := self.protocol.next_event()) is h11.NEED_DATA:
            try:
                self.protocol.receive_data(self.connection.recv(CHUNK))
            except ssl.SSLEOFError:
                self.protocol.receive_data(b"")
        return event

    def answer(self, response: Any) -> Answer:
        """Read the answer that begins with ``response``."""
        while isinstance(response, h11.InformationalResponse):
            response = self.next()
        parts = []
        while isinstance(event := self.next(), h11.Data):
            parts.append(bytes(event.data))
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in response.headers.raw_items()
            if name.lower() not in NOT_THE_APPLICATIONS
        ]
        return f"{response.status_code} {response.reason.decode()}", headers, b"".join(parts)


def target_of(environ: dict[str, Any]) -> str:
    """Write path and query."""
    path = quote(environ["SCRIPT_NAME"] + environ["PATH_INFO"], safe="/", encoding="latin-1")
    query = environ.get("QUERY_STRING", "")
    return path + (f"?{query}" if query else "")


def headers_of(environ: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the request's headers out of an environ, whose strings are bytes (PEP 3333)."""
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield header(key[5:], value)
        elif key in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value:
            yield header(key, value)


def header(key: str, value: str) -> tuple[bytes, bytes]:
    """Write a header as it is sent."""
    return key.replace("_", "-").title().encode("latin-1"), value.encode("latin-1")


def body_of(environ: dict[str, Any]) -> Iterator[bytes] | None:
    """Return the body in pieces, or None where there is none."""
    source, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH")
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return iter(lambda: source.read(CHUNK), b"")
    return read(source, int(length)) if length and int(length) else None


def read(source: Any, left: int) -> Iterator[bytes]:
    """Read what was announced and no more."""
    while left and (chunk := source.read(min(CHUNK, left))):
        left -= len(chunk)
        yield chunk

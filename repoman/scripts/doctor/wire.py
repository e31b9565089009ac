"""Requests to the running server, over a TLS connection of one's own for each."""

import io
import socket
import ssl
import time
import warnings
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, cast

SECONDS = 10.0
"""How long to wait for the server, in each step."""
MOST_BYTES = 1 << 20
OLD = ssl.TLSVersion.TLSv1_1
CONTINUE = b"HTTP/1.1 100"


class Unreachable(Exception):
    """No answer over HTTPS; the message says what happened.

    ``refused`` when the server ended the connection, as it does in a handshake that it refuses.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


@dataclass(frozen=True)
class Answer:
    """What came back at ``time`` (seconds since 1970), and the connection it came over.

    ``status`` is 100 where the server asked for the body. ``certificate`` is the server's, DER.
    """

    status: int
    headers: Message
    body: bytes
    time: float
    certificate: bytes
    context: ssl.SSLContext
    session: ssl.SSLSession | None
    resumed: bool


@dataclass(frozen=True)
class Server:
    """Where to connect, and how the server is called there."""

    address: str
    port: int
    host: str
    host_port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"

    def ask(
        self,
        path: str,
        *headers: str,
        method: str = "GET",
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> Answer:
        """Send a request without body, and read the answer to its end. Raises `Unreachable`."""
        context = context or make_context()
        name = self.host if self.host_port == 443 else f"{self.host}:{self.host_port}"
        lines = [f"{method} {path} HTTP/1.1", f"Host: {name}", "Connection: close", *headers]
        request = "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
        try:
            with (
                socket.create_connection((self.address, self.port), SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=self.host, session=session) as tls,
            ):
                # Asked now, for it cannot be told after a connection that broke off.
                certificate = tls.getpeercert(True) or b""
                tls.sendall(request)
                received = _receive(tls)
                connection = (time.time(), certificate, context, tls.session)
                return _read(received, method, *connection, bool(tls.session_reused))
        except HTTPException as error:
            raise Unreachable(f"what it says is no HTTP ({error})") from None
        except (OSError, UnicodeError) as error:
            raise Unreachable(_reason(error), refused=_is_refusal(error)) from None


def make_context(
    version: ssl.TLSVersion | None = None, certificate: Path | None = None
) -> ssl.SSLContext:
    """Make a context that takes any certificate: that is looked at elsewhere.

    With ``version``, of that alone; `OLD` is that and all before. ``certificate`` has its key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version is not None:
        with warnings.catch_warnings():
            # Python warns of the old versions, which are offered here to see them refused.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1 if version is OLD else version
            context.maximum_version = version
    if version is OLD:
        context.set_ciphers("ALL:@SECLEVEL=0")
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context


def _receive(tls: ssl.SSLSocket) -> bytes:
    received = b""
    while len(received) < MOST_BYTES and (part := tls.recv(65536)):
        received += part
        if received.startswith(CONTINUE):
            break  # it waits for a body that will not come
    if not received:
        raise ConnectionResetError("it closed the connection without an answer")
    return received


class _Received:
    """Bytes in the place of the socket that HTTPResponse reads."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, mode: str) -> io.BytesIO:
        """Return them as a file."""
        return io.BytesIO(self._received)


def _read(received: bytes, method: str, *connection: Any) -> Answer:
    if received.startswith(CONTINUE):
        return Answer(100, Message(), b"", *connection)
    response = HTTPResponse(cast(socket.socket, _Received(received)), method=method)
    response.begin()
    return Answer(response.status, response.headers, response.read(), *connection)


def _is_refusal(error: Exception) -> bool:
    is_alert = isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")
    return is_alert or isinstance(error, ConnectionError | ssl.SSLEOFError)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    if isinstance(error, TimeoutError):
        return f"no answer in {SECONDS:.0f} s"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

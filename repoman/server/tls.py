"""TLS with optional client certificates, and what the application learns of them."""

import contextlib
import errno
import socket
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repoman.server.settings import ServerSettings
from repoman.settings import InvalidSetting

HANDSHAKE_SECONDS = 10.0
"""Within which a handshake must be complete."""
HEAD_SECONDS = 20.0
"""Within which a request's line and headers must have arrived."""
STALL_SECONDS = 120.0
"""How long a transfer may stand still. Its length has no limit."""
LINGER_SECONDS = 5.0
LINGER_BYTES = 64 * 1024 * 1024
"""How long, and how much of it, a body that nobody wants is discarded."""


def tls_context(settings: ServerSettings) -> ssl.SSLContext:
    """Build the context of one connection from the files as they are now.

    gunicorn asks for a new one for each connection. That makes renewed files effective at once,
    and no session can be resumed, which would arrive without the chain of a proxy. Raises
    `InvalidSetting` for a file that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = ClientConnection
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_OPTIONAL
    # Without VERIFY_X509_STRICT, which Python 3.13 sets: it refuses real grid proxies.
    context.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_ALLOW_PROXY_CERTS
    _load("certificate", settings.certificate, _read)
    # A key with a pass phrase is an error instead of a question on the terminal.
    _load(
        "key" if settings.key else "certificate",
        settings.key or settings.certificate,
        lambda key: context.load_cert_chain(settings.certificate, key, password=""),
    )
    _load("ca", settings.ca, context.load_verify_locations)
    if settings.crl and settings.crl.exists():
        _load("crl", settings.crl, context.load_verify_locations)
        # CHECK_CHAIN and not CHECK_LEAF, which lets in the proxy of a revoked certificate.
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    return context


def _load(key: str, path: Path, load: Callable[[Path], None]) -> None:
    try:
        load(path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise InvalidSetting(key, f"{path} cannot be used ({reason})") from None


def _read(path: Path) -> None:
    path.open("rb").close()


class ClientConnection(ssl.SSLSocket):
    """A client's connection as gunicorn uses it, with an end to every wait.

    gunicorn calls ``setblocking(True)`` when one of its threads takes the connection up and
    ``setblocking(False)`` when it goes back to wait for the next request. A client that stalls
    appears as ConnectionResetError, like one that went away.
    """

    answering = False
    """Whether anything has been sent since the head of the current request."""
    _closing = False
    _deadline: float | None = None
    _environ: dict[str, str] | None = None

    def setblocking(self, flag: bool) -> None:
        """Begin to read a request's head, or with False stop waiting altogether."""
        if self.fileno() == -1:  # gunicorn miscounts its connections where this raises
            return
        self.settimeout(HEAD_SECONDS if flag else 0)
        self._deadline = time.monotonic() + HEAD_SECONDS if flag else None

    def head_complete(self) -> None:
        """Let the body take as long as it keeps moving."""
        self._deadline = None
        self.answering = False
        self.settimeout(STALL_SECONDS)

    def limit_body(self, seconds: float) -> None:
        """Demand that what is still to come of the request arrives within so many seconds."""
        self._deadline = time.monotonic() + seconds

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands; raises ssl.SSLError for a certificate that is refused."""
        self.settimeout(HANDSHAKE_SECONDS)
        try:
            super().do_handshake(block)
        except TimeoutError:
            raise _stalled() from None
        self.setblocking(True)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Read what is there; b"" at the end."""
        if self._closing:
            # gunicorn closes in the thread that accepts connections: that one must not wait.
            self.settimeout(0)
        elif self._deadline is not None:
            remaining = self._deadline - time.monotonic()
            if remaining <= 0:
                raise _stalled()
            self.settimeout(remaining)
        try:
            return super().recv(buflen, flags)
        except TimeoutError:
            raise _stalled() from None

    def send(self, data: Any, flags: int = 0) -> int:
        """Write a part of the data and return its size."""
        self.answering = True
        try:
            return super().send(data, flags)
        except TimeoutError:
            raise _stalled() from None

    def shutdown(self, how: int) -> None:
        """Say that nothing more will be sent."""
        super().shutdown(how)
        self._closing = True

    def linger(self) -> None:
        """Discard what still arrives until the client closes, so that it can read our answer.

        Closing with unread data makes the kernel send a reset, and a client that is still sending
        then reports that instead of the answer (RFC 9112, section 9.6).
        """
        deadline = time.monotonic() + LINGER_SECONDS
        left = LINGER_BYTES
        with contextlib.suppress(OSError, ValueError):
            self.settimeout(0)
            self.unwrap()  # sends TLS's own good-bye, and does not wait for the client's
        try:
            self.shutdown(socket.SHUT_WR)
            while left > 0 and (remaining := deadline - time.monotonic()) > 0:
                self.settimeout(remaining)
                data = socket.socket.recv(self, 65536)
                if not data:
                    return
                left -= len(data)
        except OSError:
            return

    def client_environ(self) -> dict[str, str]:
        """Say who the client is in the variables of Apache's mod_ssl, found out once.

        ``SSL_CLIENT_VERIFY`` is ``SUCCESS`` or ``NONE``; ``SSL_CLIENT_CERT`` and, issuers first to
        last, ``SSL_CLIENT_CERT_CHAIN_0`` and so on are PEM. The chain is the verified one.
        """
        if self._environ is None:
            chain = self._verified_chain()
            self._environ = {"HTTPS": "on", "SSL_CLIENT_VERIFY": "SUCCESS" if chain else "NONE"}
            if chain:
                self._environ["SSL_CLIENT_CERT"] = chain[0]
            for number, pem in enumerate(chain[1:]):
                self._environ[f"SSL_CLIENT_CERT_CHAIN_{number}"] = pem
        return self._environ

    def _verified_chain(self) -> list[str]:
        """Return the client's certificate and its issuers up to the authority, PEM."""
        if not self.getpeercert(True):
            return []
        if sys.version_info >= (3, 13):
            return [ssl.DER_cert_to_PEM_cert(der) for der in self.get_verified_chain()]
        # Public from Python 3.13 on; the same method has been beneath since 3.10.
        verified = self._sslobj.get_verified_chain()  # type: ignore[attr-defined]
        return [certificate.public_bytes() for certificate in verified]


def _stalled() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the client stalled")

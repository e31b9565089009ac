"""The addresses the server listens on, opened before gunicorn starts: it retries for 5 seconds."""

import errno
import os
import socket
from typing import Any

from repoman.server.settings import ServerSettings
from repoman.settings import InvalidSetting

DEFER_SECONDS = 30
"""How long the kernel keeps a connection to itself on which nothing was sent yet."""


def listen(settings: ServerSettings) -> list[socket.socket]:
    """Open a listening socket on each address of the host.

    Raises `InvalidSetting` for a host or port that cannot be used.
    """
    host = None if settings.host == "*" else settings.host
    try:
        found = socket.getaddrinfo(
            host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidSetting("host", f"{settings.host} is no address ({reason})") from None
    addresses = list(dict.fromkeys((entry[0], entry[4]) for entry in found))
    sockets = []
    for family, address in addresses:
        try:
            sockets.append(_open(family, address, alone=len(addresses) == 1))
        except OSError as error:
            if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT} and len(addresses) > 1:
                continue  # "localhost" is ::1 too where IPv6 is switched off
            raise _refusal(settings, error) from None
    if not sockets:
        raise InvalidSetting("host", f"{settings.host} has no address on this machine")
    return sockets


def _open(family: int, address: Any, *, alone: bool) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6 and not alone:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if hasattr(socket, "TCP_DEFER_ACCEPT"):
            # In TLS the client speaks first: one that does not must not occupy a thread.
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, DEFER_SECONDS)
        opened.bind(address)
        opened.listen(1024)
    except OSError:
        opened.close()
        raise
    return opened


def _refusal(settings: ServerSettings, error: OSError) -> InvalidSetting:
    if error.errno == errno.EADDRINUSE:
        return InvalidSetting(
            "port", f"{settings.port} is taken on {settings.host}: stop what listens there"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return InvalidSetting("port", f"only root may listen on {settings.port}")
    reason = os.strerror(error.errno) if error.errno else str(error)
    return InvalidSetting("host", f"cannot listen on {settings.host} ({reason})")

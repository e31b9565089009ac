"""Whether a request comes from the server itself."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

_FORWARDING = frozenset({"HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP"})


def speaks_for_another(name: str) -> bool:
    """Say whether a variable of the environ is a header by which a proxy names its client."""
    return name in _FORWARDING or name.startswith("HTTP_X_FORWARDED")


def is_local(environ: Mapping[str, Any]) -> bool:
    """Say whether the peer is a loopback address, and speaks for nobody else.

    A proxy on this machine says by one of these headers that somebody else asks (RFC 7239, and
    those that were there before). The peer is ``REMOTE_ADDR``: the server's word, never a header.
    """
    if any(map(speaks_for_another, environ)):
        return False
    try:
        address = ip_address(environ.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback

"""The ``[server:main]`` section as one frozen, typed object; a bad value stops the start."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repoman.settings import parse_text, read_section


def _path(text: str) -> Path:
    return Path(parse_text(text))


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII) and least <= int(text) <= most:
            return int(text)
        raise ValueError(f"it must be a number from {least} to {most}, not {text.strip()!r}")

    return parse


def _by(parse: Callable[[str], Any]) -> dict[str, Callable[[str], Any]]:
    return {"parse": parse}


@dataclass(frozen=True)
class ServerSettings:
    """Where and how the embedded server listens. The keys of the ini section are these names."""

    certificate: Path = field(metadata=_by(_path))
    """The server's certificate with its chain, PEM; its key too, unless ``key`` names another."""
    ca: Path = field(metadata=_by(_path))
    """The authorities whose certificates, and their proxies, are let in, PEM."""
    key: Path | None = field(default=None, metadata=_by(_path))
    crl: Path | None = field(default=None, metadata=_by(_path))
    """Revocation lists, PEM, one for each authority; none are checked while there is no such file.

    It is read anew for each connection, so a new list holds from the next handshake on. An
    expired list refuses every certificate of its authority, and so does its lack.
    """
    host: str = field(default="localhost", metadata=_by(parse_text))
    """A name or an address, IPv6 without brackets; every address of a name; ``*`` for all."""
    port: int = field(default=8443, metadata=_by(_number(0, 65535)))
    workers: int = field(default=2, metadata=_by(_number(1, 64)))
    threads: int = field(default=64, metadata=_by(_number(1, 1000)))
    """Of each worker: one transfer keeps one of them busy from its beginning to its end."""
    timeout: int = field(default=30, metadata=_by(_number(2, 3600)))
    """Seconds after which a worker that hangs as a whole is replaced. No limit to a transfer."""
    graceful_timeout: int = field(default=8, metadata=_by(_number(1, 86400)))
    """Seconds that running transfers get to finish in when the server is told to stop."""


def read_server_settings(ini: Mapping[str, str]) -> ServerSettings:
    """Read `ServerSettings` from an ini section.

    Raises `repoman.settings.InvalidSetting`, which names the key, for a missing, unusable or
    unknown one.
    """
    return read_section(ServerSettings, ini, lambda key: True)

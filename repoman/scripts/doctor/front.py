"""What serves HTTPS, Apache or the embedded server, and the files that it is set up with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from repoman.server.settings import ServerSettings
from repoman.settings import Settings

DEFINE = re.compile(
    r'^\s*Define\s+(\w+)(?:[ \t]+"?([^"\n]*?)"?)?\s*$', re.MULTILINE | re.IGNORECASE
)
VARIABLE = re.compile(r"\$\{(\w+)\}")


class Incomplete(ValueError):
    """A configuration that lacks a line; the message says which."""


@dataclass(frozen=True)
class Front:
    """A server's configuration; ``source`` says where it stands.

    ``host`` is the name that clients call it by, None where nothing tells. ``revocations`` is None
    where none are configured. ``reload`` is the end of a sentence on how a changed file becomes
    effective, ``restart`` a command. Only under Apache there is a ``venv``.
    """

    source: str
    host: str | None
    address: str
    port: int
    certificate: Path
    key: Path
    authorities: Path
    revocations: Path | None
    reload: str
    restart: str
    venv: Path | None = None
    daemon_only: bool = False

    @property
    def is_apache(self) -> bool:
        """Whether Apache it is."""
        return self.venv is not None


def read_defines(text: str) -> dict[str, str]:
    """Return name and value of each ``Define`` line, with variables of earlier lines put in."""
    found: dict[str, str] = {}
    for name, value in DEFINE.findall(text):
        found[name] = VARIABLE.sub(lambda match: found.get(match[1], match[0]), value)
    return found


def of_apache(conf: Path) -> Front:
    """Read our virtual host's configuration. Raises OSError, `Incomplete`."""
    defines = read_defines(conf.read_text(encoding="utf-8", errors="replace"))

    def value(name: str) -> str:
        if not (found := defines.get(f"REPOMAN_{name}")):
            raise Incomplete(f"{conf} has no line: Define REPOMAN_{name} …")
        return found

    if not (port := value("PORT")).isdecimal():
        raise Incomplete(f"{conf}: REPOMAN_PORT is no number")
    revocations = defines.get("REPOMAN_REVOCATIONS")
    return Front(
        source=str(conf),
        host=value("HOST"),
        address=value("HOST"),
        port=int(port),
        certificate=Path(value("CERTIFICATE")),
        key=Path(value("KEY")),
        authorities=Path(value("AUTHORITIES")),
        revocations=Path(revocations) if revocations else None,
        reload="then: systemctl reload apache2",
        restart="systemctl restart apache2",
        venv=Path(value("VENV")),
        daemon_only="REPOMAN_DAEMON_ONLY" in defines,
    )


def of_embedded(source: str, server: ServerSettings, settings: Settings | None) -> Front:
    """Take what the embedded server's settings say."""
    listening = server.host not in {"*", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    called = _called(settings) or (server.host if listening else None)
    return Front(
        source=source,
        host=called,
        address=server.host if listening else "localhost",
        port=server.port,
        certificate=server.certificate,
        key=server.key or server.certificate,
        authorities=server.ca,
        revocations=server.crl,
        reload="which it reads anew for each connection",
        restart="systemctl restart repoman",
    )


def _called(settings: Settings | None) -> str | None:
    if settings is None:
        return None
    if settings.base_url and (host := urlsplit(settings.base_url).hostname):
        return host
    return settings.hosts[0].rsplit(":", 1)[0] if settings.hosts else None


def is_ours(section: Mapping[str, str]) -> bool:
    """Whether a ``[server:main]`` is of the embedded server."""
    return section.get("use", "").strip() == "egg:repoman#https"

"""The ini file's strings as one frozen, typed object; a bad value stops the start.

Every key that begins with ``repoman.`` must be known here, so that a misspelt one is found at the
start and not in production.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from repoman.names import fold_account
from repoman.times import TimeFormat

TRASH_TTL = 7 * 24 * 3600
HYPERVISORS = ("kvm", "xen", "qemu", "vmware", "hyperv", "virtualbox", "lxc")
RESERVED_HYPERVISORS = frozenset({"raw", "share", "user", "group"})
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


class InvalidSetting(ValueError):
    """A setting that cannot be used; the message names its key and says what it may be."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key


def parse_boolean(text: str) -> bool:
    """``true yes on 1`` or ``false no off 0``, any case; ValueError otherwise."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("it must be true, yes, on, 1, false, no, off or 0")


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII):
        raise ValueError("it must be a number of seconds, such as 3600")
    return int(text)


def _amount(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII):
        raise ValueError("it must be a number from 0 on, such as 3")
    return int(text)


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII) or not int(text):
        raise ValueError("it must be a number from 1 on, such as 10000")
    return int(text)


_SIZE_UNITS = {unit: 1 << 10 * power for power, unit in enumerate(("", "K", "M", "G", "T"))}
MOST_BYTES = (1 << 63) - 1
"""Of a size: what the database's columns hold."""


def parse_size(text: str) -> int:
    """Bytes, or with K, M, G or T (any case) so many KiB, MiB, GiB or TiB; ValueError otherwise."""
    match = re.fullmatch(r"([0-9]{1,19})([KMGT]?)", text.strip().upper(), re.ASCII)
    if match is None or (size := int(match[1]) * _SIZE_UNITS[match[2]]) > MOST_BYTES:
        raise ValueError("it must be a number of bytes, or of KiB, MiB, GiB, TiB such as 500G")
    return size


def parse_text(text: str) -> str:
    """Any text but an empty one, without blanks at its edges; ValueError otherwise."""
    if not text.strip():
        raise ValueError("it must not be empty")
    return text.strip()


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").lower().split())


def _hypervisors(text: str) -> tuple[str, ...]:
    names = _words(text)
    if not names or len(set(names)) != len(names):
        raise ValueError("it must list at least one hypervisor, each once")
    for name in names:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,31}", name, re.ASCII):
            raise ValueError(f"{name!r} is not a name of 1 to 32 of a-z 0-9 _ . -")
        if name in RESERVED_HYPERVISORS:
            raise ValueError(f"{name!r} is reserved for URLs")
    return names


def _account(text: str) -> str:
    folded = fold_account(text.strip())
    if folded is None:
        raise ValueError("it must be the name of a group, of a-z 0-9 _ . -")
    return folded


def _time_format(text: str) -> TimeFormat:
    match text.strip().lower():
        case "rfc3339" | "ctime" as known:
            return known
    raise ValueError("it must be rfc3339 or ctime")


Sendfile = Literal["none", "x-sendfile"]
"""Whether a web server in front may be asked to send a file in Repoman's place, and how."""


def _sendfile(text: str) -> Sendfile:
    match text.strip().lower():
        case "none" | "x-sendfile" as known:
            return known
    raise ValueError("it must be none or x-sendfile")


UnsafeImages = Literal["refuse", "quarantine"]
"""What becomes of an upload that is unsafe: nothing is kept of it, or its owner alone reads it."""


def _unsafe_images(text: str) -> UnsafeImages:
    match text.strip().lower():
        case "refuse" | "quarantine" as known:
            return known
    raise ValueError("it must be refuse or quarantine")


def _url(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("it must be a URL such as https://images.example.org")
    return text.strip().rstrip("/")


def _setting(key: str, parse: Callable[[str], Any], default: Any = MISSING) -> Any:
    return field(default=default, metadata={"key": key, "parse": parse})


@dataclass(frozen=True)
class Settings:
    """What an ini file can say. Times are in seconds, sizes in bytes."""

    database_url: str = _setting("sqlalchemy.url", parse_text)
    store: Path = _setting("repoman.store", lambda text: Path(parse_text(text)))
    base_url: str | None = _setting("repoman.base_url", _url, None)
    hosts: tuple[str, ...] = _setting("repoman.hosts", _words, ())
    hypervisors: tuple[str, ...] = _setting("repoman.hypervisors", _hypervisors, HYPERVISORS)
    # None: what the web server says of itself, by a variable in the environ.
    accept_proxies: bool | None = _setting("repoman.accept_proxies", parse_boolean, None)
    require_issuer: bool = _setting("repoman.require_issuer", parse_boolean, False)
    allow_unauthenticated: bool = _setting("repoman.allow_unauthenticated", parse_boolean, False)
    http_url: str | None = _setting("repoman.http_url", _url, None)
    default_group: str = _setting("repoman.default_group", _account, "users")
    time_format: TimeFormat = _setting("repoman.time_format", _time_format, "rfc3339")
    gc_grace: int = _setting("repoman.gc_grace", _seconds, 3600)
    upload_ttl: int = _setting("repoman.upload_ttl", _seconds, 24 * 3600)
    keep_versions: int = _setting("repoman.keep_versions", _amount, 3)
    trash_ttl: int = _setting("repoman.trash_ttl", _seconds, TRASH_TTL)
    unsafe_images: UnsafeImages = _setting("repoman.unsafe_images", _unsafe_images, "refuse")
    sendfile: Sendfile = _setting("repoman.sendfile", _sendfile, "none")
    max_image_size: int | None = _setting("repoman.max_image_size", parse_size, None)
    min_free: int = _setting("repoman.min_free", parse_size, 0)
    user_quota: int | None = _setting("repoman.user_quota", parse_size, None)
    group_quota: int | None = _setting("repoman.group_quota", parse_size, None)
    list_max: int = _setting("repoman.list_max", _count, 10_000)
    metrics: Path | None = _setting("repoman.metrics", lambda text: Path(parse_text(text)), None)
    # Whom people without access write to: a sentence, an e-mail address, a URL.
    contact: str | None = _setting("repoman.contact", parse_text, None)
    database_timeout: int = _setting("repoman.database_timeout", _seconds, 10)


def read_settings(ini: Mapping[str, str]) -> Settings:
    """Read `Settings` from an ini section.

    Raises `InvalidSetting`, which names the key, for a missing, unusable or unknown one.
    """
    return read_section(Settings, ini, lambda key: key.startswith("repoman."))


Section = TypeVar("Section")


def read_section(
    kind: type[Section], ini: Mapping[str, str], is_ours: Callable[[str], bool]
) -> Section:
    """Make a dataclass whose fields say in their metadata how to ``parse`` an ini value.

    The key is the field's name unless its metadata has another. A key that ``is_ours`` and that
    no field has is an error. Raises `InvalidSetting`.
    """
    known = {entry.metadata.get("key", entry.name): entry for entry in fields(kind)}  # type: ignore[arg-type]
    for key in ini:
        if is_ours(key) and key not in known:
            raise InvalidSetting(key, f"unknown setting; known are {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for key, entry in known.items():
        if key in ini:
            try:
                values[entry.name] = entry.metadata["parse"](str(ini[key]))
            except ValueError as error:
                raise InvalidSetting(key, str(error)) from None
        elif entry.default is MISSING:
            raise InvalidSetting(key, "this setting is missing")
    return kind(**values)

"""How pages write sizes and times."""

from datetime import UTC, datetime

from repoman import times

GIB = 1 << 30
_WORDS_OF_STATES = {"empty": "no file", "deleted": "in the trash"}
_STEPS = ((365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"))


def gib(size: int) -> str:
    """Write bytes in GiB, to three digits: ``0.293 GiB``, ``12.5 GiB``."""
    amount = size / GIB
    if 0 < amount < 0.001:
        return "< 0.001 GiB"
    digits = next((d for d, least in ((0, 99.95), (1, 9.995), (2, 0.9995)) if amount >= least), 3)
    return f"{amount:,.{digits}f} GiB" if size else "0 GiB"


def exact(size: int) -> str:
    """Write all digits: ``1,048,576 bytes``."""
    return f"{size:,} bytes"


def typed_size(size: int | None) -> str:
    """Write bytes as people type them into a form, exactly: ``500G``; '' for None."""
    for unit, length in (("T", GIB << 10), ("G", GIB), ("M", GIB >> 10), ("K", GIB >> 20)):
        if size and size % length == 0:
            return f"{size // length}{unit}"
    return "" if size is None else str(size)


def moment(shown: str) -> datetime:
    """Read a time that the API shows, in either of its forms."""
    return times.read(shown)


def utc(time: datetime) -> str:
    """Write ``2026-11-24 05:37 UTC``."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def machine(time: datetime) -> str:
    """Write a time as HTML's ``<time datetime>`` has it."""
    return times.show(time, "rfc3339") or ""


def age(time: datetime, now: datetime | None = None) -> str:
    """Write how long ago, or in how long: ``3 days ago``, ``in 2 hours``."""
    seconds = ((now or datetime.now(UTC)) - time).total_seconds()
    if abs(seconds) < 60:
        return "just now"
    count, unit = _largest(abs(seconds))
    text = f"{count} {unit}{'s' if count != 1 else ''}"
    return f"in {text}" if seconds < 0 else f"{text} ago"


def _largest(seconds: float) -> tuple[int, str]:
    for length, unit in _STEPS:
        if seconds >= length:
            return int(seconds // length), unit
    return int(seconds // 60), "minute"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Write ``1 file``, ``3 files``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def state(name: str) -> str:
    """Write an image's state for people: ``no file`` for the API's ``empty``."""
    return _WORDS_OF_STATES.get(name, name)


def first_words(text: str, most: int = 120) -> str:
    """Return the first line, cut behind a word where it is longer than ``most`` characters."""
    line = text.partition("\n")[0]
    if len(line) <= most:
        return line
    return (line[:most].rpartition(" ")[0] or line[:most]) + " …"

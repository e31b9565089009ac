"""Range requests (RFC 9110 section 14): which bytes of a file are wanted."""

import re
from dataclasses import dataclass
from itertools import pairwise

from repoman.errors import RangeNotSatisfiable

MOST = 16
"""More ranges than this, or overlapping ones, get the whole file (RFC 9110 section 14.2)."""

_header = re.compile(r"bytes\s*=(.*)", re.IGNORECASE | re.DOTALL)
_spec = re.compile(r"(\d*)-(\d*)", re.ASCII)


@dataclass(frozen=True)
class ByteRange:
    """Bytes ``start`` to ``stop``, the latter not included."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """In bytes."""
        return self.stop - self.start

    def content_range(self, size: int) -> str:
        """Write the Content-Range of this part of a file of ``size`` bytes."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def parse_ranges(header: str | None, size: int) -> list[ByteRange] | None:
    """Return the wanted ranges of a file of ``size`` bytes, or None for the whole file.

    A header that is no valid ``bytes`` range is ignored, as RFC 9110 says. Raises
    `RangeNotSatisfiable` where no range has a byte.
    """
    match = _header.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    found: list[ByteRange] = []
    parts = [part.strip() for part in match[1].split(",")]
    specs = [part for part in parts if part]
    if not specs or len(specs) > MOST:
        return None
    for spec in specs:
        try:
            wanted = _parse(spec, size)
        except ValueError:
            return None
        if wanted.length > 0:
            found.append(wanted)
    if not found:
        raise RangeNotSatisfiable(f"The file has {size} bytes; ask for some of them.", size=size)
    return None if _overlap(found) else found


def _parse(spec: str, size: int) -> ByteRange:
    """Read ``a-b``, ``a-`` or ``-n``; ValueError where it is none. May be empty."""
    match = _spec.fullmatch(spec)
    if match is None or spec == "-" or max(len(match[1]), len(match[2])) > 19:
        raise ValueError(spec)
    if not match[1]:
        return ByteRange(max(size - int(match[2]), 0), size)
    first = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < first:
        raise ValueError(spec)
    start = min(first, size)
    return ByteRange(start, max(start, min(last + 1, size)))


def _overlap(ranges: list[ByteRange]) -> bool:
    ordered = sorted(ranges, key=lambda one: one.start)
    return any(second.start < first.stop for first, second in pairwise(ordered))

"""A file of one process's values, written by that process and read by others.

prometheus_client has such a file, `MmapedDict`, and it is not used: memory mapped from a file on
a full filesystem ends the process that writes to it with SIGBUS, while write(2) only fails. Here
the lock of the file tells that its process lives, as process ids do not: they come again, and
mean nothing in another container. flock(2) ends with the process, however it ends.

The file is a row of records: two numbers of 8 bytes, the length of the key and the value, then the
key as JSON, filled up to 8 bytes. So a value is aligned, and whoever reads it meanwhile sees the
old one or the new one.
"""

import json
import math
import os
import struct
from functools import lru_cache

from repoman.metrics.families import Key

_head, _value = struct.Struct("<Qd"), struct.Struct("<d")
_READ = 1 << 20


class ValueFile:
    """An open, locked file; the lock ends with the descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._places: dict[Key, int] = {}
        self._end = 0

    def write(self, key: Key, value: float) -> None:
        """Write a value, at its place or as a new record. Raises OSError; harmless to repeat."""
        place = self._places.get(key)
        if place is not None:
            self._write(_value.pack(value), place)
            return
        text = json.dumps(key).encode()
        text += b" " * (-len(text) % 8)
        record = _head.pack(len(text), value) + text
        self._write(record, self._end)
        self._places[key] = self._end + 8
        self._end += len(record)

    def _write(self, data: bytes, place: int) -> None:
        if os.pwrite(self._descriptor, data, place) != len(data):
            raise OSError(0, "there was no room for all of it")

    @property
    def is_there(self) -> bool:
        """Whether the file still has a name; somebody may have emptied the folder."""
        return os.fstat(self._descriptor).st_nlink > 0

    def close(self) -> None:
        """End the lock; what was written stays."""
        os.close(self._descriptor)


def read_values(descriptor: int) -> dict[Key, float]:
    """Read the values of a file that may be written to meanwhile, or whose end is missing."""
    data = b""
    while chunk := os.pread(descriptor, _READ, len(data)):
        data += chunk
    found: dict[Key, float] = {}
    place = 0
    while place + _head.size <= len(data):
        length, value = _head.unpack_from(data, place)
        place += _head.size + length
        key = read_key(data[place - length : place])
        if key is None or place > len(data):
            break
        if math.isfinite(value):
            found[key] = value
    return found


@lru_cache(16_384)
def read_key(text: bytes) -> Key | None:
    """Read a key; None where it is none, as after a loss of power."""
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_key = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return tuple(words) if is_key else None

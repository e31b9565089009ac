"""Unpacking the beginning of a packed file, in bounded memory and time."""

import bz2
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from repoman.inspection.blocks import BLOCK
from repoman.inspection.label import Danger

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

UNPACKED = 1024 * 1024
"""Bytes of the inside that are looked at."""
PACKED = 2 * UNPACKED
"""Bytes in which they must be found: no program packs a disk to more than it was."""
MEMBERS = 256
"""How many streams in a row they may be made of: some programs pack block by block."""
DICTIONARY = 256 * 1024 * 1024
"""Bytes that an xz file may ask for. Its largest preset asks for 65 MiB; few get used."""

MARK = 10
"""Bytes in which every mark can be told."""

_marks = {
    "gzip": re.compile(rb"\x1f\x8b\x08[\x00-\x1f]"),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    # A frame, or one that is to be passed over, as pzstd puts first.
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    "bzip2": re.compile(rb"BZh[1-9](?:\x31\x41\x59\x26\x53\x59|\x17\x72\x45\x38\x50\x90)"),
}


def compression_of(head: bytes) -> str | None:
    """Tell a compression by a stream's first bytes: gzip, xz, zstd, bzip2 or None."""
    return next((name for name, mark in _marks.items() if mark.match(head)), None)


class Decompressor(Protocol):
    """Python's own interface of these, for one stream. Raises what it likes."""

    @property
    def eof(self) -> bool:
        """The stream's end was reached."""

    @property
    def needs_input(self) -> bool:
        """There is nothing to be had without more bytes."""

    @property
    def unused_data(self) -> bytes:
        """What came behind the stream's end."""

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """Unpack some bytes, and keep what would give more than ``max_length``."""


class _Gzip:
    """zlib's decompressor in the form of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        found = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self.needs_input = not self._zlib.unconsumed_tail
        return found


_decompressors: dict[str, Callable[[], Decompressor]] = {
    "gzip": _Gzip,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=DICTIONARY),
    "zstd": zstd.ZstdDecompressor,
    "bzip2": bz2.BZ2Decompressor,
}


class Unpacker:
    """Unpacks the first `UNPACKED` bytes of a file packed by ``name``, over several streams."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._stream = _decompressors[name]()
        self._is_between = False
        self._rest = b""
        self._packed, self._unpacked, self._members = 0, 0, 1
        self._fault: Danger | None = None
        self.has_ended = False
        """The inside was seen to its end."""

    @property
    def is_done(self) -> bool:
        """No more bytes are wanted."""
        return self._unpacked >= UNPACKED or self._fault is not None or self.has_ended

    def unpack(self, block: bytes) -> Iterator[bytes]:
        """Yield what a block of at most `BLOCK` bytes unpacks to. Never raises."""
        self._packed += len(block)
        data = self._rest + block
        self._rest = b""
        try:
            while not self.is_done:
                if self._is_between and not (data := self._begin(data)):
                    break
                piece = self._stream.decompress(data, min(BLOCK, UNPACKED - self._unpacked))
                self._unpacked += len(piece)
                yield piece
                data = b""
                if self._stream.eof:
                    data, self._is_between = self._stream.unused_data, True
                elif self._stream.needs_input:
                    break
        # The four raise six kinds of errors, MemoryError among them.
        except Exception:
            self._fault = Danger.MALFORMED
        if self._packed >= PACKED and not self.is_done:
            self._fault = Danger.UNPACK_LIMIT

    def _begin(self, data: bytes) -> bytes:
        """Begin the next stream, and return what it is to unpack: nothing if there is none yet."""
        data = data.lstrip(b"\0")
        if compression_of(data) == self.name:
            self._stream, self._is_between = _decompressors[self.name](), False
            self._members += 1
            if self._members > MEMBERS:
                self._fault = Danger.UNPACK_LIMIT
            return data
        if len(data) < MARK:
            self._rest = data
        else:
            self.has_ended = True
        return b""

    def close(self) -> Danger | None:
        """Say what was wrong with the packing, at the file's end."""
        if not self.is_done:
            if self._is_between:
                self.has_ended = True
            else:
                self._fault = Danger.TRUNCATED
        return self._fault

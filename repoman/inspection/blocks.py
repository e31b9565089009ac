"""Cutting a stream into equal blocks, so that how it was sent changes nothing in what is found."""

from collections.abc import Iterator

BLOCK = 64 * 1024
"""Bytes a block. The first one holds every mark by which a format is known."""


class Blocks:
    """Takes chunks of any size and yields blocks of `BLOCK` bytes; holds less than one."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def cut(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the blocks that a chunk fills."""
        start = 0
        if self._rest:
            start = BLOCK - len(self._rest)
            self._rest += chunk[:start]
            if len(self._rest) < BLOCK:
                return
            yield bytes(self._rest)
            self._rest.clear()
        while start + BLOCK <= len(chunk):
            yield chunk[start : start + BLOCK]
            start += BLOCK
        self._rest += chunk[start:]

    def rest(self) -> bytes:
        """Return what is left at the stream's end, less than a block."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

"""A qcow2's reference counts: they tell the last cluster in use, and so how long the file is."""

from oslo_utils.imageutils.format_inspector import CaptureRegion

LARGEST_TABLE = 512 * 1024
"""Bytes: 64 Ki blocks of counts, for 128 TiB in clusters of 64 KiB. The rest is not looked at."""


class Refcounts:
    """Finds the last count that is not zero, in one pass, without holding the block it is in.

    Offsets and lengths are in bytes. A table or block that lies before the place that names it is
    not seen, and `least_length` then stays low; QEMU does not write them so.
    """

    def __init__(self, table: int, table_length: int, cluster: int, count_bits: int) -> None:
        self._table: CaptureRegion | None = CaptureRegion(table, min(table_length, LARGEST_TABLE))
        self._cluster = cluster
        self._per_block = cluster * 8 // count_bits
        self._count_bits = count_bits
        self._block: int | None = None
        self._first_count = 0
        self._last = -1

    @property
    def is_watching(self) -> bool:
        """There is more to see in the blocks to come."""
        return self._table is not None or self._block is not None

    @property
    def least_length(self) -> int:
        """The file must be longer than this, where it is whole: where its last cluster begins."""
        return self._last * self._cluster + 1 if self._last >= 0 else 0

    def eat(self, chunk: bytes, end: int) -> None:
        """Take a chunk that ends at an offset in the file."""
        if self._table is not None:
            self._table.capture(chunk, end)
            if self._table.complete:
                self._find_block(bytes(self._table.data))
                self._table = None
            elif end > self._table.offset + self._table.length:
                self._table = None
        if self._block is not None:
            self._count(chunk, end - len(chunk), self._block)
            if end >= self._block + self._cluster:
                self._block = None

    def _find_block(self, table: bytes) -> None:
        used = len(table.rstrip(b"\0"))
        if used:
            index = (used - 1) // 8
            # The low bits are reserved.
            self._block = int.from_bytes(table[8 * index : 8 * index + 8], "big") & ~0x1FF
            self._first_count = index * self._per_block
            self._last = self._block // self._cluster

    def _count(self, chunk: bytes, start: int, block: int) -> None:
        first = max(block - start, 0)
        used = chunk[first : max(block + self._cluster - start, 0)].rstrip(b"\0")
        if used:
            # Counts of less than a byte begin at its lowest bit.
            byte = start + first + len(used) - 1 - block
            last_bit = 8 * byte + used[-1].bit_length() - 1
            self._last = max(self._last, self._first_count + last_bit // self._count_bits)

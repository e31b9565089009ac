"""qcow2, as in docs/interop/qcow2.rst of QEMU. oslo.utils has its header and size."""

import struct
from collections.abc import Iterator

from oslo_utils.imageutils.format_inspector import QcowInspector

from repoman.inspection.formats.base import Ending, Format
from repoman.inspection.formats.refcounts import Refcounts
from repoman.inspection.label import Danger

DIRTY, DATA_FILE = 1 << 0, 1 << 2
KNOWN = 0b11111
"""Incompatible features: also corrupt, compression type and extended L2 entries."""


class Qcow2(Format, QcowInspector):
    """Adds that all clusters in use must be there, and that extended L2 entries are no danger."""

    def _initialize(self) -> None:
        super()._initialize()
        self._refcounts: Refcounts | None = None

    @classmethod
    def claims(cls, head: bytes) -> bool:
        """``QFI`` and the byte 0xfb; older versions bear it too."""
        return head.startswith(b"QFI\xfb")

    def eat_chunk(self, chunk: bytes) -> None:
        """Look for the reference counts once the header tells where they are."""
        super().eat_chunk(chunk)
        if self._refcounts is None and self.complete:
            self._refcounts = self._begin_refcounts()
        if self._refcounts is not None:
            self._refcounts.eat(chunk, self._total_count)

    @property
    def is_watching(self) -> bool:
        """The header, then the reference counts, are still to come."""
        return not self.complete or (self._refcounts is not None and self._refcounts.is_watching)

    def _number(self, form: str, offset: int) -> int:
        return int(struct.unpack_from(form, self.region("header").data, offset)[0])

    @property
    def _features(self) -> int:
        return self._number(">Q", 72) if self._number(">I", 4) >= 3 else 0

    @property
    def _orders(self) -> tuple[int, int] | None:
        """How large a cluster (bytes) and a count (bits) are, as powers of two; None if absurd."""
        cluster = self._number(">I", 20)
        count = self._number(">I", 96) if self._number(">I", 4) >= 3 else 4
        return (cluster, count) if 9 <= cluster <= 21 and count <= 6 else None

    def _begin_refcounts(self) -> Refcounts | None:
        orders = self._orders
        # The counts of a dirty image are not kept up.
        if orders is None or self._features & DIRTY:
            return None
        cluster, count = orders
        clusters = self._number(">I", 56)
        return Refcounts(self._number(">Q", 48), clusters << cluster, 1 << cluster, 1 << count)

    def dangers(self, ending: Ending) -> Iterator[Danger]:
        """Yield what is wrong with the file."""
        if self._number(">Q", 8):
            yield Danger.BACKING_FILE
        if self._features & DATA_FILE:
            yield Danger.DATA_FILE
        if self._number(">I", 4) not in {2, 3} or self._features & ~KNOWN:
            yield Danger.UNKNOWN_FEATURE
            return
        if self._orders is None:
            yield Danger.MALFORMED
            return
        tables = (
            self._number(">Q", 40) + 8 * self._number(">I", 36),
            self._number(">Q", 48) + (self._number(">I", 56) << self._orders[0]),
            self._refcounts.least_length if self._refcounts else 0,
        )
        if ending.is_before(max(tables)):
            yield Danger.TRUNCATED

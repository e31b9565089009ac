"""QED, as in docs/interop/qed_spec.rst of QEMU. oslo.utils refuses it whatever it holds."""

import struct
from collections.abc import Iterator

from oslo_utils.imageutils.format_inspector import QEDInspector

from repoman.inspection.formats.base import Ending, Format
from repoman.inspection.label import Danger

BACKING_FILE = 1 << 0
KNOWN = 0b111
"""Features: also "check me first" and a backing file that is to be taken as raw."""


class Qed(Format, QEDInspector):
    """Adds the size and the features."""

    @classmethod
    def claims(cls, head: bytes) -> bool:
        """``QED`` and a zero byte."""
        return head.startswith(b"QED\0")

    def size(self, ending: Ending) -> int | None:
        """Return the disk's size in bytes."""
        return int(struct.unpack_from("<Q", self.region("header").data, 48)[0])

    def dangers(self, ending: Ending) -> Iterator[Danger]:
        """Yield what is wrong with the file."""
        cluster, clusters, features, table = struct.unpack_from(
            "<4xII4xQ16xQ", self.region("header").data
        )
        if features & BACKING_FILE:
            yield Danger.BACKING_FILE
        if features & ~KNOWN:
            yield Danger.UNKNOWN_FEATURE
        if ending.is_before(table + cluster * clusters):
            yield Danger.TRUNCATED

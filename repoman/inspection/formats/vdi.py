"""VDI, VirtualBox's format; the fields are those of QEMU's block/vdi.c. oslo.utils has the size."""

import struct
from collections.abc import Iterator

from oslo_utils.imageutils.format_inspector import VDIInspector

from repoman.inspection.formats.base import Ending, Format
from repoman.inspection.label import Danger

DYNAMIC, STATIC, UNDO, DIFFERENCING = 1, 2, 3, 4
NOBODY = bytes(16)


class Vdi(Format, VDIInspector):
    """Adds the check for a parent, which oslo.utils has not, and of the length."""

    @classmethod
    def claims(cls, head: bytes) -> bool:
        """The mark stands behind 64 bytes of text."""
        return head[0x40:0x44] == b"\x7f\x10\xda\xbe"

    def dangers(self, ending: Ending) -> Iterator[Danger]:
        """Yield what is wrong with the file."""
        header = bytes(self.region("header").data)
        version, kind = struct.unpack_from("<I4xI", header, 0x44)
        linked, parent = header[0x1A8:0x1B8], header[0x1B8:0x1C8]
        if kind in {UNDO, DIFFERENCING} or linked != NOBODY or parent != NOBODY:
            yield Danger.BACKING_FILE
        elif kind not in {DYNAMIC, STATIC} or version >> 16 != 1:
            yield Danger.UNKNOWN_FEATURE
        data, block, extra, allocated = struct.unpack_from("<I28xII4xI", header, 0x158)
        # data at 0x158; block size, extra bytes a block and blocks allocated from 0x178 on
        if ending.is_before(data + allocated * (block + extra)):
            yield Danger.TRUNCATED

"""VHD (QEMU: vpc), as in Microsoft's "Virtual Hard Disk Image Format Specification" 1.0."""

import struct
from collections.abc import Iterator

from oslo_utils.imageutils.format_inspector import VHDInspector

from repoman.inspection.formats.base import Ending, Format
from repoman.inspection.label import Danger

COOKIE = b"conectix"
FOOTER = 512
"""Bytes of the footer, which ends every VHD; all but fixed ones begin with a copy of it."""
FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4


class Vhd(Format, VHDInspector):
    """Adds fixed disks, which oslo.utils takes for raw, the kind, and the footer's presence."""

    @classmethod
    def claims(cls, head: bytes) -> bool:
        """The footer's copy."""
        return head.startswith(COOKIE)

    @classmethod
    def at_end(cls, tail: bytes) -> "Vhd | None":
        """Return a disk that is known by its footer, if a file's last bytes are one."""
        footer = tail[-FOOTER:]
        if not footer.startswith(COOKIE):
            return None
        found = cls()
        found.eat_chunk(footer)
        return found

    def size(self, ending: Ending) -> int | None:
        """Return the current size; oslo.utils returns the one at the disk's making."""
        return int(struct.unpack_from(">Q", self.region("header").data, 0x30)[0])

    def dangers(self, ending: Ending) -> Iterator[Danger]:
        """Yield what is wrong with the file."""
        header, footer = bytes(self.region("header").data), ending.tail[-FOOTER:]
        kinds = {_kind(header)}
        if ending.length is not None:
            if not footer.startswith(COOKIE):
                yield Danger.TRUNCATED
            else:
                kinds.add(_kind(footer))
        if DIFFERENCING in kinds:
            yield Danger.BACKING_FILE
        if not kinds <= {FIXED, DYNAMIC, DIFFERENCING}:
            yield Danger.UNKNOWN_FEATURE
        if len(kinds) > 1:
            yield Danger.CONTRADICTORY
        if FIXED in kinds and ending.is_before((self.size(ending) or 0) + FOOTER):
            yield Danger.TRUNCATED


def _kind(footer: bytes) -> int:
    return int(struct.unpack_from(">I", footer, 0x3C)[0])

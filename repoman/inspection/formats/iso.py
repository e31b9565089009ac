"""ISO 9660. oslo.utils has its size; a partition table before it makes it no other format."""

from collections.abc import Iterator

from oslo_utils.imageutils.format_inspector import ISOInspector

from repoman.inspection.formats.base import Ending, Format
from repoman.inspection.label import Danger

VOLUME = 32 * 1024
"""Where the volume descriptors begin."""


class Iso(Format, ISOInspector):
    """Adds the check of the length."""

    @classmethod
    def claims(cls, head: bytes) -> bool:
        """``CD001`` in the first volume descriptor."""
        return head[VOLUME + 1 : VOLUME + 6] == b"CD001"

    def size(self, ending: Ending) -> int | None:
        """Return the file's size, which is the disc's with what was put behind the volume."""
        return self.virtual_size if ending.length is None else ending.length

    def dangers(self, ending: Ending) -> Iterator[Danger]:
        """Yield what is wrong with the file."""
        if ending.is_before(self.virtual_size):
            yield Danger.TRUNCATED

"""VMDK with its data in it, as in VMware's "Virtual Disk Format" 5.0. oslo.utils has its header."""

import struct
from collections.abc import Iterator

from oslo_utils.imageutils.format_inspector import ImageFormatError, SafetyViolation, VMDKInspector

from repoman.inspection.blocks import BLOCK
from repoman.inspection.formats import vmdk_text
from repoman.inspection.formats.base import Ending, Format
from repoman.inspection.label import Danger

SECTOR = 512


class Vmdk(Format, VMDKInspector):
    """Reads the descriptor more strictly than oslo.utils does, and checks the length."""

    @classmethod
    def claims(cls, head: bytes) -> bool:
        """``KDMV``; ``COWD`` of old ESX servers is not judged by oslo.utils, so it is malformed."""
        return head.startswith((b"KDMV", b"COWD"))

    @property
    def complete(self) -> bool:
        """Header and descriptor are there; the footer is looked for in the file's last bytes."""
        return self.region("header").complete and self.region("descriptor").complete

    def post_process(self) -> None:
        """Take no descriptor that is longer than any program writes them: 10 KiB."""
        super().post_process()
        if self.region("header").complete and self.region("descriptor").length > BLOCK:
            raise ImageFormatError("The descriptor is too long to be looked at.")

    def region_complete(self, region_name: str) -> None:
        """Leave the descriptor to `vmdk_text`: oslo.utils gives up one that is not ASCII."""

    def _header(self) -> tuple[int, int, int]:
        """Return the disk's, the grain directory's and the first grain's sectors."""
        capacity, directory, grains = struct.unpack_from("<12xQ36xQQ", self.region("header").data)
        return capacity, directory, grains

    def size(self, ending: Ending) -> int | None:
        """Return the disk's size in bytes."""
        return self._header()[0] * SECTOR

    def dangers(self, ending: Ending) -> Iterator[Danger]:
        """Yield what is wrong with the file."""
        text = vmdk_text.read(bytes(self.region("descriptor").data))
        capacity, directory, grains = self._header()
        if vmdk_text.has_parent(text):
            yield Danger.BACKING_FILE
        # QEMU goes by the descriptor where the header has no capacity.
        if not capacity or not vmdk_text.is_embedded(text):
            yield Danger.EXTERNAL_EXTENT
        if directory == self.GD_AT_END and ending.length is not None:
            yield from self._footer(ending)
        elif ending.is_before(SECTOR * max(directory, grains)):
            yield Danger.TRUNCATED

    def _footer(self, ending: Ending) -> Iterator[Danger]:
        self.region("footer").capture(ending.tail, ending.length or 0)
        if not self.region("footer").data[SECTOR:].startswith(b"KDMV"):
            yield Danger.TRUNCATED
            return
        try:
            self.check_footer()
        except SafetyViolation:
            yield Danger.CONTRADICTORY

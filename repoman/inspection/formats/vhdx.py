"""VHDX, as in [MS-VHDX]. oslo.utils finds the metadata and the size in it."""

import struct
from collections.abc import Iterator

from oslo_utils.imageutils.format_inspector import CaptureRegion, ImageFormatError, VHDXInspector

from repoman.inspection.formats.base import Ending, Format
from repoman.inspection.label import Danger

KIB = 1024
FILE_PARAMETERS = "CAA16737-FA36-4D43-B3B6-33F0AA44E76B"
PARENT_LOCATOR = "A8D35F2D-B30B-454D-ABF7-D3D84834AB0C"
HAS_PARENT = 1 << 1
NO_LOG = bytes(16)


class Vhdx(Format, VHDXInspector):
    """Adds the check for a parent, of the second region table, of the log and of the length."""

    def _initialize(self) -> None:
        super()._initialize()
        self.new_region("first", CaptureRegion(64 * KIB, 64))
        self.new_region("second", CaptureRegion(128 * KIB, 64))
        self.new_region("copy", CaptureRegion(256 * KIB, 64 * KIB))

    @classmethod
    def claims(cls, head: bytes) -> bool:
        """``vhdxfile``."""
        return head.startswith(b"vhdxfile")

    def post_process(self) -> None:
        """Have the file's parameters captured, too, as soon as the metadata tell where they are."""
        super().post_process()
        if self.has_region("vds") and not self.has_region("parameters"):
            region = self._find_meta_entry(FILE_PARAMETERS)
            if region is None:
                raise ImageFormatError("There are no file parameters.")
            self.new_region("parameters", region)

    def dangers(self, ending: Ending) -> Iterator[Danger]:
        """Yield what is wrong with the file. Raises KeyError where it names no size."""
        flags = struct.unpack_from("<4xI", self.region("parameters").data)[0]
        if flags & HAS_PARENT or self._find_meta_entry(PARENT_LOCATOR):
            yield Danger.BACKING_FILE
        table = bytes(self.region("header").data)
        # Readers take the other one where the checksum of this one is wrong.
        if table != self.region("copy").data:
            yield Danger.CONTRADICTORY
        # A log is written over the metadata when the disk is next attached.
        if self._log() != NO_LOG:
            yield Danger.MALFORMED
        count = struct.unpack_from("<I", table, 8)[0]
        regions = [struct.unpack_from("<16xQI", table, 16 + 32 * each) for each in range(count)]
        if ending.is_before(max(offset + length for offset, length in regions)):
            yield Danger.TRUNCATED

    def _log(self) -> bytes:
        """Return the log's id of the header that counts, the one written last."""
        headers = [bytes(self.region(name).data) for name in ("first", "second")]
        newest = max(headers, key=lambda one: int.from_bytes(one[8:16], "little"))
        return newest[48:64]

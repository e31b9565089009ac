"""VMDK that is a descriptor alone: a text that names the files its data lie in."""

from collections.abc import Iterator

from oslo_utils.imageutils.format_inspector import CaptureRegion, RawFileInspector

from repoman.inspection.blocks import BLOCK
from repoman.inspection.formats import vmdk_text
from repoman.inspection.formats.base import Ending, Format
from repoman.inspection.label import Danger


class VmdkDescriptor(Format, RawFileInspector):
    """oslo.utils takes those that QEMU writes for raw."""

    NAME = "vmdk"

    def _initialize(self) -> None:
        super()._initialize()
        self.new_region("descriptor", CaptureRegion(0, BLOCK, min_length=1))

    @classmethod
    def claims(cls, head: bytes) -> bool:
        """It begins like a descriptor."""
        return vmdk_text.is_descriptor(head)

    @property
    def _text(self) -> str:
        return vmdk_text.read(bytes(self.region("descriptor").data))

    def size(self, ending: Ending) -> int | None:
        """Return the sum of the extents in bytes."""
        return sum(sectors for sectors, *_ in vmdk_text.extents(self._text)) * 512 or None

    def dangers(self, ending: Ending) -> Iterator[Danger]:
        """Yield what is wrong with the file: it has no data of its own."""
        yield Danger.EXTERNAL_EXTENT
        if vmdk_text.has_parent(self._text):
            yield Danger.BACKING_FILE

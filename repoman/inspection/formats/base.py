"""What a format here has beyond oslo.utils' inspectors."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from oslo_utils.imageutils.format_inspector import FileInspector

from repoman.inspection.label import Danger


@dataclass(frozen=True)
class Ending:
    """How a file ended: its length in bytes, None where that was not seen, and its last bytes."""

    length: int | None
    tail: bytes

    def is_before(self, offset: int) -> bool:
        """The file is known to end before an offset."""
        return self.length is not None and self.length < offset


class Format(FileInspector):
    """Is fed blocks by `eat_chunk` while it `is_watching`, the first one with its mark.

    What it says counts where it is ``complete``. A format that raises is malformed.
    """

    @classmethod
    @abstractmethod
    def claims(cls, head: bytes) -> bool:
        """The first block of a file bears this format's mark."""

    @abstractmethod
    def dangers(self, ending: Ending) -> Iterator[Danger]:
        """Yield what is wrong with the file."""

    def size(self, ending: Ending) -> int | None:
        """Return the disk's size in bytes."""
        return self.virtual_size

    @property
    def is_watching(self) -> bool:
        """It wants more blocks."""
        return not self.complete

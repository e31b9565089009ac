"""A file's label, from one pass over its bytes: its format, or that of what is packed in it."""

from dataclasses import replace

from repoman.inspection.blocks import Blocks
from repoman.inspection.compression import Unpacker, compression_of
from repoman.inspection.detection import Detector
from repoman.inspection.label import Danger, Label


class Inspector:
    """Is fed a file from its beginning, in chunks of any size, and labels it.

    It holds some blocks, and what unpacks a beginning: about 2 MiB, 4 for bzip2. It seeks nothing,
    and no bytes make it raise.
    """

    def __init__(self) -> None:
        self._outer = Detector()
        self._inner = Detector()
        self._blocks: Blocks | None = Blocks()
        self._unpacker: Unpacker | None = None
        self._is_first = True
        self._label: Label | None = None

    def update(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._outer.update(chunk)
        if self._blocks is not None:
            for block in self._blocks.cut(chunk):
                self._unpack(block)
                if self._blocks is None:
                    break

    def _unpack(self, block: bytes) -> None:
        if self._is_first:
            self._is_first = False
            name = compression_of(block)
            self._unpacker = Unpacker(name) if name else None
        if self._unpacker is not None:
            for piece in self._unpacker.unpack(block):
                self._inner.update(piece)
        if self._unpacker is None or self._unpacker.is_done:
            self._blocks = None

    def close(self) -> Label:
        """Label what came, which may be less than the whole file. May be repeated."""
        if self._label is None:
            if self._blocks is not None:
                self._unpack(self._blocks.rest())
                self._blocks = None
            self._label = self._outer.close()
            if self._unpacker is not None:
                self._label = self._packed(self._label, self._unpacker)
        return self._label

    def _packed(self, outer: Label, unpacker: Unpacker) -> Label:
        """Join the labels of a packed file: that of its own bytes should say nothing."""
        fault = unpacker.close()
        inner = self._inner.close(has_ended=unpacker.has_ended)
        dangers = {*outer.dangers, *inner.dangers, *([fault] if fault else ())}
        if outer.format != "raw":
            dangers.add(Danger.CONTRADICTORY)
        ordered = tuple(one.value for one in Danger if one in dangers)
        return replace(inner, compression=unpacker.name, dangers=ordered)

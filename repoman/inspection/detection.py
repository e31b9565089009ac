"""Which format the bytes of a stream have, and what it says of them. Nothing is unpacked here."""

from repoman.inspection.blocks import Blocks
from repoman.inspection.formats import FORMATS, Ending, Format, Iso, Vhd
from repoman.inspection.label import Danger, Label

TAIL = 1536
"""Bytes kept of the end: the footer of a vmdk; that of a vhd is a part of it."""
BOOT = b"\x55\xaa"
"""Ends the boot sector of a raw disk; of the other formats, only an iso may have one, too."""
LARGEST = 2**63 - 1
"""Bytes of the largest disk: files and databases count no further."""


class Detector:
    """Watches a stream for all formats; after the first block, for those that it may have."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._formats: list[Format] | None = None
        self._watching: list[Format] = []
        self._broken: set[Format] = set()
        self._is_bootable = False
        self._length = 0
        self._tail = b""

    def update(self, chunk: bytes) -> None:
        """Take the next bytes. Never raises."""
        self._length += len(chunk)
        if len(chunk) >= TAIL:
            self._tail = chunk[-TAIL:]
        else:
            self._tail = (self._tail + chunk)[-TAIL:]
        if self._formats is None or self._watching:
            for block in self._blocks.cut(chunk):
                self._take(block)
                if not self._watching:
                    break

    def _take(self, block: bytes) -> None:
        if self._formats is None:
            self._formats = [one() for one in FORMATS if one.claims(block)]
            self._watching = [*self._formats]
            self._is_bootable = block[510:512] == BOOT
        for one in [*self._watching]:
            try:
                one.eat_chunk(block)
            # What a format's reader does not expect may end in any exception.
            except Exception:
                self._broken.add(one)
            if one in self._broken or not one.is_watching:
                self._watching.remove(one)

    def close(self, *, has_ended: bool = True) -> Label:
        """Say what was found; ``has_ended`` is False where there were more bytes to come."""
        if self._formats is None or self._watching:
            self._take(self._blocks.rest())
        found = [*(self._formats or ())]
        others = [one for one in found if not isinstance(one, Iso)]
        ending = Ending(self._length if has_ended else None, self._tail)
        if (
            has_ended
            and (vhd := Vhd.at_end(self._tail))
            and not any(isinstance(one, Vhd) for one in found)
        ):
            found.append(vhd)
        dangers = {danger for one in found for danger in self._dangers(one, ending)}
        if len(found) > 1 or (others and self._is_bootable):
            dangers.add(Danger.CONTRADICTORY)
        size = self._size(found[0], ending) if found else ending.length
        if size is not None and size > LARGEST:
            size, dangers = None, dangers | {Danger.MALFORMED}
        name = found[0].NAME if found else "raw"
        return Label(name, size, None, tuple(one.value for one in Danger if one in dangers))

    def _dangers(self, one: Format, ending: Ending) -> set[Danger]:
        if one in self._broken:
            return {Danger.MALFORMED}
        if not one.complete:
            return {Danger.UNPACK_LIMIT if ending.length is None else Danger.TRUNCATED}
        try:
            return set(one.dangers(ending))
        except Exception:
            return {Danger.MALFORMED}

    def _size(self, one: Format, ending: Ending) -> int | None:
        try:
            return one.size(ending) if one.complete else None
        except Exception:
            return None

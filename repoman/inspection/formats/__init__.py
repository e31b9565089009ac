"""The formats of disks: oslo.utils' inspectors, and what they miss (docs/decisions/008)."""

from repoman.inspection.formats.base import Ending, Format
from repoman.inspection.formats.iso import Iso
from repoman.inspection.formats.qcow2 import Qcow2
from repoman.inspection.formats.qed import Qed
from repoman.inspection.formats.vdi import Vdi
from repoman.inspection.formats.vhd import Vhd
from repoman.inspection.formats.vhdx import Vhdx
from repoman.inspection.formats.vmdk import Vmdk
from repoman.inspection.formats.vmdk_descriptor import VmdkDescriptor

__all__ = ["FORMATS", "FORMAT_NAMES", "Ending", "Format", "Iso", "Vhd"]

FORMATS: tuple[type[Format], ...] = (Qcow2, Vmdk, VmdkDescriptor, Vhdx, Vhd, Vdi, Qed, Iso)
"""Whatever else a file may be, it is raw. Where several are found, the first names the file."""
FORMAT_NAMES = ("raw", *dict.fromkeys(one.NAME for one in FORMATS))
"""What a label's ``format`` may be."""

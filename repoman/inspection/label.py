"""The words in which an inspection is told."""

from dataclasses import dataclass
from enum import StrEnum


class Danger(StrEnum):
    """Why an image is unsafe: the closed list."""

    BACKING_FILE = "backing-file"
    """What it lacks is read from another file, its parent."""
    DATA_FILE = "data-file"
    """A qcow2 whose data are in another file."""
    EXTERNAL_EXTENT = "external-extent"
    """A vmdk whose extents are other files, or may be."""
    UNKNOWN_FEATURE = "unknown-feature"
    """It needs a version, kind or feature of its format that is not known here."""
    MALFORMED = "malformed"
    """It does not hold what its format or compression demands, so it cannot be judged."""
    TRUNCATED = "truncated"
    """It ends before what its headers speak of."""
    CONTRADICTORY = "contradictory"
    """Readers may take it for different disks: two formats, or two headers, in one file."""
    UNPACK_LIMIT = "unpack-limit"
    """What would have to be seen lies behind the part that is unpacked."""


@dataclass(frozen=True)
class Label:
    """What is known of a file. It is safe where it has no dangers.

    ``format`` is raw, qcow2, vmdk, vdi, vhd, vhdx, iso or qed, that of the inside where
    ``compression`` is gzip, xz, zstd or bzip2. ``virtual_size`` is the disk's in bytes, None where
    it is not known; that of a raw disk is the file's own. ``dangers`` are words of `Danger`, each
    once, in its order.
    """

    format: str
    virtual_size: int | None
    compression: str | None = None
    dangers: tuple[str, ...] = ()

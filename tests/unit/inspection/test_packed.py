"""Packed disks: the beginning is unpacked and looked into, in bounded memory and time."""

import bz2
import gzip
import lzma
import random
import sys

import pytest

from repoman.inspection import Label
from tests.disks import MIB, inspect, patched

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK = {"gzip": gzip.compress, "xz": lzma.compress, "zstd": zstd.compress, "bzip2": bz2.compress}
UNSAFE = ("qcow2-backing", "vmdk-flat", "vmdk-backing", "qed-backing")
SAFE = ("qcow2", "qcow2-extended-l2", "vmdk-sparse", "vmdk-stream", "vdi", "vhd", "qed", "iso")

every_compression = pytest.mark.parametrize("name", PACK)


@every_compression
@pytest.mark.parametrize("disk", UNSAFE + SAFE)
def test_label_of_a_packed_disk_is_that_of_the_inside(disks, name, disk):
    inside = inspect(disks.read(disk))
    label = inspect(PACK[name](disks.read(disk)))
    assert label.compression == name
    assert (label.format, label.dangers) == (inside.format, inside.dangers)
    assert label.virtual_size == inside.virtual_size
    assert bool(label.dangers) == (disk in UNSAFE)


@every_compression
def test_size_of_a_raw_disk_is_known_where_its_end_was_seen(name):
    for size in (0, 1, 65535, 65536, 65537, 2 * 65536, MIB - 1):
        assert inspect(PACK[name](bytes(size))) == Label("raw", size, name)
    assert inspect(PACK[name](bytes(MIB + 1))) == Label("raw", None, name)


@every_compression
def test_inside_may_be_packed_in_several_streams(disks, name):
    pack, disk = PACK[name], disks.read("qcow2-backing")
    parts = [disk[:100], b"", disk[100:70000], disk[70000:]]
    label = inspect(b"".join(pack(part) + b"\0" * 512 for part in parts))
    assert label == Label("qcow2", len(disks.read("raw")), name, ("backing-file",))


def test_zstd_frame_that_is_to_be_passed_over_may_come_first(disks):
    skipped = b"\x50\x2a\x4d\x18\4\0\0\0skip"
    label = inspect(skipped + zstd.compress(disks.read("qcow2-backing")))
    assert (label.format, label.compression) == ("qcow2", "zstd")
    assert label.dangers == ("backing-file",)


@every_compression
def test_packed_file_that_breaks_off_is_truncated(name):
    packed = PACK[name](random.Random(1).randbytes(200_000))
    label = inspect(packed[:-20])
    assert (label.compression, label.dangers) == (name, ("truncated",))


@every_compression
def test_packed_file_that_cannot_be_unpacked_is_malformed(name):
    packed = bytearray(PACK[name](random.Random(1).randbytes(100_000).hex().encode()))
    packed[12:400] = b"\xff" * 388
    assert inspect(bytes(packed)).dangers == ("malformed",)


@every_compression
def test_what_lies_behind_the_limit_is_not_called_safe(disks, name):
    label = inspect(PACK[name](disks.read("vhdx")))
    assert label == Label("vhdx", None, name, ("unpack-limit",))


@every_compression
def test_inside_must_begin_soon(name):
    empty = PACK[name](b"") * 300
    assert inspect(empty + PACK[name](b"x")).dangers == ("unpack-limit",)


def test_inside_must_begin_within_two_mebibytes():
    skipped = b"\x50\x2a\x4d\x18" + (3 * MIB).to_bytes(4, "little") + bytes(3 * MIB)
    assert inspect(skipped + zstd.compress(b"x")).dangers == ("unpack-limit",)


def test_packed_file_that_is_a_disk_too_is_contradictory(disks):
    """A gzip may begin with a field that holds whatever is wanted."""
    packed = gzip.compress(b"x")
    field = bytearray(60000)
    field[0x8001 - 12 : 0x8006 - 12] = b"CD001"
    made = b"\x1f\x8b\x08\x04" + packed[4:10] + len(field).to_bytes(2, "little") + field
    label = inspect(made + packed[10:])
    assert (label.format, label.virtual_size, label.compression) == ("raw", 1, "gzip")
    assert label.dangers == ("contradictory",)
    assert inspect(packed + disks.read("vhd-fixed")[-512:]).dangers == (
        "truncated",
        "contradictory",
    )


def test_disk_that_only_begins_like_a_packed_one_is_raw():
    assert inspect(patched(bytes(5000), x0=b"BZh9 and more")).compression is None

"""One pass, chunks of any size, any bytes, little memory."""

import bz2
import gzip
import lzma
import struct
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoman.inspection import Danger, Inspector
from tests.disks import MIB, RECIPES, inspect

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMATS = {"raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso", "qed"}
COMPRESSIONS = {None, "gzip", "xz", "zstd", "bzip2"}
MARKS = {
    0: [
        *(b"QFI\xfb\0\0\0\3", b"KDMV\1\0\0\0", b"COWD", b"vhdxfile", b"conectix", b"QED\0"),
        *(b"# Disk DescriptorFile\nRW 1 FLAT", b"\x1f\x8b\x08\0", b"BZh91AY&SY", b"\xfd7zXZ\0"),
        *(b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18\xff\0\0\0"),
    ],
    0x40: [b"\x7f\x10\xda\xbe\1\0\1\0"],
    0x8001: [b"CD001"],
    0x30000: [b"regi"],
}


@pytest.mark.parametrize("name", RECIPES)
def test_size_of_the_chunks_changes_nothing(disks, name):
    data = disks.read(name)
    assert inspect(data, len(data) + 1) == inspect(data, 64 * 1024) == inspect(data, 10_007)
    ends = data[:70_000] + data[-2000:]
    assert inspect(ends, len(ends)) == inspect(ends, 1) == inspect(ends, 7)


@st.composite
def files(draw):
    """Draw bytes that have marks of formats, noise behind them, and a footer at the end."""
    data = bytearray(draw(st.integers(0, 5)) * 70_000)
    for at, marks in MARKS.items():
        if draw(st.booleans()):
            mark = draw(st.sampled_from(marks)) + draw(st.binary(max_size=600))
            data[at : at + len(mark)] = mark
    return bytes(data) + draw(st.sampled_from([b"", b"conectix" + bytes(504)]))


@given(files() | st.binary(max_size=2000), st.integers(1, 200_000))
def test_no_bytes_make_it_raise(data, chunk):
    label = inspect(data, max(chunk, len(data) // 1000))
    assert label == inspect(data)
    assert label.format in FORMATS
    assert label.compression in COMPRESSIONS
    assert set(label.dangers) <= {*Danger}


@given(data=st.data())
def test_damage_to_a_real_disk_never_makes_it_raise(disks, data):
    disk = bytearray(disks.read(data.draw(st.sampled_from(sorted(RECIPES)))))
    areas = st.sampled_from([0, 512, 0x10000, 0x30000, 0x40000, 3 * MIB, 3 * MIB + 0x10000])
    for area, offset, byte in data.draw(
        st.lists(st.tuples(areas, st.integers(0, 120), st.integers(0, 255)), max_size=8)
    ):
        if area + offset < len(disk):
            disk[area + offset] = byte
    label = inspect(bytes(disk))
    assert label.format in FORMATS
    assert set(label.dangers) <= {*Danger}


def test_label_may_be_asked_for_early_and_again(disks):
    inspector = Inspector()
    inspector.update(disks.read("qcow2")[:1000])
    label = inspector.close()
    assert (label.format, label.dangers) == ("qcow2", ("truncated",))
    assert inspector.close() == label


def qcow2() -> bytes:
    """Return the beginning of one whose counts are in a block of 2 MiB, 64 MiB later."""
    header = bytearray(4 * MIB)
    numbers = {0: 0x514649FB, 4: 3, 20: 21, 52: 2 * MIB, 56: 1, 96: 4, 2 * MIB + 4: 64 * MIB}
    for at, number in numbers.items():
        header[at : at + 4] = number.to_bytes(4, "big")
    return bytes(header)


def vmdk() -> bytes:
    """Return the beginning of one whose descriptor never ends."""
    numbers = (b"KDMV", 1, 0, 8192, 128, 1, 1 << 40, 512, 0, 0, 0)
    return struct.pack("<4sIIQQQQIQQQ", *numbers).ljust(512, b"\0")


HEADS = {
    "raw": lambda: b"",
    "qcow2": qcow2,
    "vmdk": vmdk,
    "text": lambda: b"# Disk DescriptorFile",
    "gzip": lambda: gzip.compress(bytes(16 * MIB)),
    "xz": lambda: lzma.compress(
        bytes(16 * MIB), filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 64 * MIB}]
    ),
    "zstd": lambda: zstd.compress(
        bytes(16 * MIB), options={zstd.CompressionParameter.window_log: 27}
    ),
    "bzip2": lambda: bz2.compress(bytes(16 * MIB)),
}
MEASURE = """
import os, sys
from repoman.inspection import Inspector

def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name)) / 1024

chunk = bytes(1 << 18)
for path in sys.argv[1:]:
    if os.fork():
        os.wait()
        continue
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = status("VmRSS")
    inspector = Inspector()
    with open(path, "rb") as file:
        while head := file.read(1 << 16):
            inspector.update(head)
    for _ in range(320):
        inspector.update(chunk)
    inspector.close()
    print(path, status("VmHWM") - before, flush=True)
    os._exit(0)
"""


def test_memory_stays_flat_whatever_comes(tmp_path):
    for name, make in HEADS.items():
        (tmp_path / name).write_bytes(make())
    command = [sys.executable, "-c", MEASURE, *HEADS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, text=True)
    peaks = {name: float(peak) for name, peak in map(str.split, done.stdout.splitlines())}
    assert peaks.keys() == HEADS.keys()
    assert max(peaks.values()) < 3, peaks

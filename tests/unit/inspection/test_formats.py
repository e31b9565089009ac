"""Formats and sizes are those that qemu-img tells, of files that it made."""

import pytest

from repoman.inspection import Label
from tests.disks import MIB, RECIPES, SIZE, inspect, partitioned, patched

QEMU_NAMES = {"vpc": "vhd"}


@pytest.mark.parametrize("name", RECIPES)
def test_label_of_a_real_disk_is_what_qemu_img_says(disks, name):
    recipe, path = RECIPES[name], disks.path(name)
    told, size = disks.asked(path, recipe.asked)
    expected = "iso" if name == "iso" else QEMU_NAMES.get(told, told)
    label = inspect(path.read_bytes())
    assert label == Label(expected, size, None, recipe.dangers)
    assert label.format == recipe.format


def test_disk_with_a_partition_table_is_raw_and_safe():
    mbr = patched(
        bytes(SIZE), x1be=b"\x80\1\1\0\x83\xfe\xff\xff\0\x08\0\0\0\x10\0\0", x1fe=b"U\xaa"
    )
    assert inspect(mbr) == inspect(partitioned()) == Label("raw", SIZE)


def test_bootable_iso_with_a_partition_table_is_an_iso_and_safe(disks):
    iso = disks.read("iso")
    hybrid = patched(iso, x1be=b"\x80\0\1\0\x17\x3f\xa0\xff\0\0\0\0\0\xf8\x0a\0", x1fe=b"U\xaa")
    assert inspect(hybrid) == Label("iso", len(iso))


def test_size_of_an_iso_is_that_of_the_file(disks):
    iso = disks.read("iso") + bytes(MIB)
    assert inspect(iso) == Label("iso", len(iso))


def test_size_of_a_vhd_is_the_current_one(disks):
    vhd = patched(disks.read("vhd"), x30=(9 * MIB).to_bytes(8, "big"))
    assert inspect(vhd[:-512] + vhd[:512]) == Label("vhd", 9 * MIB)


@pytest.mark.parametrize("data", [b"", b"x", b"\0" * 513, b"version: 1\n", b"conectix"[:7]])
def test_what_is_no_other_format_is_raw_and_safe(data):
    assert inspect(data) == Label("raw", len(data))


def test_extent_of_a_split_vmdk_is_not_a_disk_by_itself(disks):
    extent = disks.path("vmdk-2gb-sparse").with_name("vmdk-2gb-sparse-s001")
    assert inspect(extent.read_bytes()) == Label("vmdk", SIZE, None, ("external-extent",))


def test_stream_optimized_vmdk_of_vmware_ends_with_a_footer(disks, tmp_path):
    stream = disks.read("vmdk-stream")
    marker = b"\1" + bytes(11) + b"\3" + bytes(499)
    made = patched(stream, x38=b"\xff" * 8) + marker + stream[:512] + bytes(512)
    path = tmp_path / "stream.vmdk"
    path.write_bytes(made)
    assert disks.asked(path) == ("vmdk", SIZE)
    assert inspect(made) == Label("vmdk", SIZE)
    assert inspect(made[:-512]).dangers == ("truncated",)
    lying = made[:-1024] + patched(stream[:512], x1c=b"\2") + made[-512:]
    assert inspect(lying).dangers == ("contradictory",)

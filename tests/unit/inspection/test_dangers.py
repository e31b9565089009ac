"""Each danger is seen: those that qemu-img can make are in tests/disks.py, the others here."""

import struct
import uuid

import pytest

from tests.disks import MIB, SIZE, inspect, patched

PARAMETERS = 3 * MIB + 64 * 1024
"""Where qemu-img puts a vhdx's file parameters: block size and flags."""


def dangers(data: bytes) -> tuple[str, ...]:
    return inspect(data).dangers


def descriptor(*lines: str) -> bytes:
    return "\n".join(["# Disk DescriptorFile", "version=1", "CID=1", *lines, ""]).encode()


@pytest.mark.parametrize(
    ("feature", "found"),
    [(0, ()), (1, ()), (2, ("data-file",)), (5, ("unknown-feature",)), (63, ("unknown-feature",))],
)
def test_qcow2_may_need_known_features_only(disks, feature, found):
    bits = struct.pack(">Q", 1 << feature)
    assert dangers(patched(disks.read("qcow2"), x48=bits)) == found


@pytest.mark.parametrize("version", [0, 1, 4])
def test_qcow2_of_another_version_is_unknown(disks, version):
    changed = patched(disks.read("qcow2"), x4=struct.pack(">I", version))
    assert dangers(changed) == ("unknown-feature",)


@pytest.mark.parametrize("field", [{"x14": b"\0\0\0\x08"}, {"x60": b"\0\0\0\7"}])
def test_qcow2_of_absurd_clusters_or_counts_is_malformed(disks, field):
    assert dangers(patched(disks.read("qcow2"), **field)) == ("malformed",)


def test_qcow2_that_was_not_closed_is_not_judged_by_its_counts(disks):
    lazy = disks.read("qcow2-lazy")
    assert dangers(patched(lazy[:-70000], x48=bytes(7) + b"\1")) == ()


def test_qed_may_need_known_features_only(disks):
    assert dangers(patched(disks.read("qed"), x10=b"\x08")) == ("unknown-feature",)


@pytest.mark.parametrize("kind", [3, 4])
def test_vdi_that_is_a_difference_has_a_parent(disks, kind):
    assert dangers(patched(disks.read("vdi"), x4c=bytes([kind]))) == ("backing-file",)


@pytest.mark.parametrize("field", ["x1a8", "x1b8"])
def test_vdi_that_names_a_parent_has_one(disks, field):
    assert dangers(patched(disks.read("vdi"), **{field: b"parent"})) == ("backing-file",)


def test_vdi_of_an_unknown_kind_is_unknown(disks):
    assert dangers(patched(disks.read("vdi"), x4c=b"\5")) == ("unknown-feature",)


def test_vhd_that_is_a_difference_has_a_parent(disks):
    vhd = patched(disks.read("vhd"), x3c=b"\0\0\0\4")
    footer = vhd[:512]
    assert dangers(vhd[:-512] + footer) == ("backing-file",)
    assert dangers(disks.read("vhd")[:-512] + footer) == ("backing-file", "contradictory")


def test_vhd_of_an_unknown_kind_is_unknown(disks):
    vhd = patched(disks.read("vhd"), x3c=b"\0\0\0\5")
    assert dangers(vhd[:-512] + vhd[:512]) == ("unknown-feature",)


def test_vhdx_that_has_a_parent_says_so(disks):
    vhdx = disks.read("vhdx")
    assert struct.unpack_from("<II", vhdx, PARAMETERS) == (MIB, 0)
    flags = f"x{PARAMETERS + 4:x}"
    assert dangers(patched(vhdx, **{flags: b"\1"})) == ()
    assert dangers(patched(vhdx, **{flags: b"\2"})) == ("backing-file",)


def test_vhdx_that_names_a_parent_has_one(disks):
    vhdx = disks.read("vhdx")
    locator = uuid.UUID("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C").bytes_le
    entry = f"x{3 * MIB + 32 + 4 * 32:x}"
    assert dangers(patched(vhdx, **{entry: locator})) == ("backing-file",)


def test_vhdx_with_two_unlike_region_tables_is_contradictory(disks):
    assert dangers(patched(disks.read("vhdx"), x40010=b"other")) == ("contradictory",)


def test_vhdx_whose_log_is_still_to_be_written_cannot_be_judged(disks):
    vhdx = disks.read("vhdx")
    first, second = (int.from_bytes(vhdx[at : at + 8], "little") for at in (0x10008, 0x20008))
    newest, older = ("x10030", "x20030") if first > second else ("x20030", "x10030")
    assert dangers(patched(vhdx, **{newest: b"log"})) == ("malformed",)
    assert dangers(patched(vhdx, **{older: b"log"})) == ()


@pytest.mark.parametrize("at", ["x30000", "x300000", "x300020", "x300040"])
def test_vhdx_without_what_it_must_have_is_malformed(disks, at):
    assert "malformed" in dangers(patched(disks.read("vhdx"), **{at: b"\0" * 128}))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (b"parentCID=ffffffff", b"parentCID=12345678", ("backing-file",)),
        (b"parentCID=ffffffff", b'parentFileNameHint="x"', ("backing-file",)),
        (b"monolithicSparse", b"monolithicFlat", ("external-extent",)),
        (b"monolithicSparse", b"custom", ("external-extent",)),
        (b"createType", b"createTape", ("external-extent",)),
        (b"SPARSE", b"FLAT", ("external-extent",)),
        (b"SPARSE", b"VMFSSPARSE", ("external-extent",)),
        (b'SPARSE "', b'SPARSE "/etc/', ("external-extent",)),
        (b'SPARSE "', b'SPARSE "..\\', ("external-extent",)),
        (b'SPARSE "', 'SPARSE "Zoë'.encode(), ()),
        (b"# The Disk", b'RW 1 SPARSE "b.vmdk"\n# ', ("external-extent",)),
        (b"# The Disk", b"# the disk", ()),
    ],
)
def test_vmdk_must_hold_its_data_itself(disks, old, new, found):
    vmdk = disks.read("vmdk-sparse")
    start, length = 512, 20 * 512
    text = vmdk[start : start + length]
    assert old in text
    text = text.replace(old, new)[:length].ljust(length, b"\0")
    assert dangers(vmdk[:start] + text + vmdk[start + length :]) == found


def test_vmdk_without_a_capacity_is_read_by_its_descriptor(disks):
    assert "external-extent" in dangers(patched(disks.read("vmdk-sparse"), xc=bytes(8)))


@pytest.mark.parametrize("at", [{"x4": b"\4"}, {"x1c": b"\3"}, {"x24": b"\x81"}, {"x0": b"COWD"}])
def test_vmdk_of_a_kind_that_cannot_be_judged_is_malformed(disks, at):
    assert dangers(patched(disks.read("vmdk-sparse"), **at)) == ("malformed",)


@pytest.mark.parametrize(
    "text",
    [
        descriptor('createType="monolithicFlat"', 'RW 8192 FLAT "/dev/sda" 0'),
        descriptor('createType="monolithicSparse"', 'RW 8192 SPARSE "a.vmdk"').upper(),
        descriptor("RW 8192 ZERO").replace(b"\n", b"\r\n"),
        b"# Disk DescriptorFile\nRW 8192 FLAT x",
        b"\n#\n  \nversion=1\nRW 8192 FLAT x",
        'encoding="UTF-8"\nRW 8192 VMFS "Zoë"'.encode(),
    ],
)
def test_vmdk_that_is_a_text_has_its_data_elsewhere(text):
    label = inspect(text)
    assert (label.format, label.virtual_size) == ("vmdk", SIZE)
    assert label.dangers == ("external-extent",)


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("qcow2", 300),
        ("qcow2", 0.5),
        ("qcow2-v2", 0.5),
        ("qcow2-compressed", 0.6),
        ("qcow2-extended-l2", 0.9),
        ("qcow2-2m", 0.7),
        ("qcow2-512", 0.9),
        ("qcow2-lazy", 0.8),
        ("qcow2-metadata", 0.9),
        ("qcow2-empty", 0.9),
        ("vmdk-sparse", 600),
        ("vmdk-sparse", 60000),
        ("vmdk-stream", 12000),
        ("vdi", 300),
        ("vdi", 0.9),
        ("vdi-static", 0.5),
        ("vhd", 300),
        ("vhd", 0.9),
        ("vhdx", 300),
        ("vhdx", 300000),
        ("vhdx", 3.5 * MIB),
        ("qed", 300),
        ("qed", 0.1),
        ("iso", 34000),
        ("iso", 0.9),
    ],
)
def test_file_that_ends_too_early_is_truncated(disks, name, length):
    data = disks.read(name)
    short = inspect(data[: int(length * len(data) if length < 1 else length)])
    assert short.format == inspect(data).format
    assert short.dangers == ("truncated",)


@pytest.mark.parametrize("table", ["x28", "x30"])
def test_qcow2_whose_tables_are_not_there_is_truncated(disks, table):
    assert dangers(patched(disks.read("qcow2"), **{table: b"\0\1"})) == ("truncated",)


def test_fixed_vhd_that_lost_a_part_is_truncated(disks):
    vhd = disks.read("vhd-fixed")
    assert dangers(vhd[:MIB] + vhd[2 * MIB :]) == ("truncated",)


def test_two_formats_in_one_file_are_contradictory(disks):
    qcow2, iso, footer = disks.read("qcow2"), disks.read("iso"), disks.read("vhd-fixed")[-512:]
    volume = iso[32 * 1024 : 40 * 1024]
    assert "contradictory" in dangers(patched(qcow2, x8000=volume))
    assert "contradictory" in dangers(qcow2 + footer)
    assert "contradictory" in dangers(iso + footer)
    assert "contradictory" in dangers(patched(qcow2, x40=disks.read("vdi")[0x40:0x44]))
    assert "contradictory" in dangers(patched(disks.read("vdi"), x0=b"QFI\xfb\0\0\0\3"))


def test_boot_sector_that_is_a_qcow2_too_is_contradictory(disks):
    assert dangers(patched(disks.read("qcow2"), x1fe=b"U\xaa")) == ("contradictory",)


@pytest.mark.parametrize(("name", "at"), [("qcow2", "x18"), ("vdi", "x170"), ("qed", "x30")])
def test_size_that_no_file_can_have_is_not_told(disks, name, at):
    label = inspect(patched(disks.read(name), **{at: b"\xff" * 8}))
    assert (label.virtual_size, label.dangers) == (None, ("malformed",))

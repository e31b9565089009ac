"""Real disks of every format, made by qemu-img and xorriso when the first test asks for them."""

import json
import random
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from repoman.inspection import Inspector, Label

MIB = 1 << 20
SIZE = 4 * MIB
PROGRAMS = {"qemu-img": "qemu-utils", "xorriso": "xorriso"}


class NoPrograms(Exception):
    """A program is missing; the message says how to install it."""


@dataclass(frozen=True)
class Recipe:
    """How a disk is made: qemu-img's words, with ``{file}``, and what the label must say."""

    format: str
    command: str
    dangers: tuple[str, ...] = ()
    asked: str = ""
    """qemu-img's name of the format where it takes the file for raw."""


def _convert(name: str, options: str = "", dangers: str = "", asked: str = "", words: str = ""):
    option = f"-o {options}" if options else ""
    command = f"convert {words} -f raw -O {name} {option} source.raw {{file}}"
    return Recipe({"vpc": "vhd"}.get(name, name), command, tuple(dangers.split()), asked)


RECIPES = {
    "raw": _convert("raw"),
    "qcow2": _convert("qcow2"),
    "qcow2-v2": _convert("qcow2", "compat=0.10"),
    "qcow2-compressed": _convert("qcow2", words="-c"),
    "qcow2-zstd": _convert("qcow2", "compression_type=zstd", words="-c"),
    "qcow2-extended-l2": _convert("qcow2", "extended_l2=on,cluster_size=128k"),
    "qcow2-2m": _convert("qcow2", "cluster_size=2M"),
    "qcow2-512": _convert("qcow2", "cluster_size=512,refcount_bits=1"),
    "qcow2-empty": Recipe("qcow2", "create -f qcow2 {file} 1G"),
    "qcow2-nothing": Recipe("qcow2", "create -f qcow2 {file} 0"),
    "qcow2-lazy": _convert("qcow2", "lazy_refcounts=on,refcount_bits=64"),
    "qcow2-metadata": Recipe("qcow2", "create -f qcow2 -o preallocation=metadata {file} 3M"),
    "qcow2-falloc": Recipe("qcow2", "create -f qcow2 -o preallocation=falloc {file} 3M"),
    "qcow2-encrypted": Recipe(
        "qcow2",
        "create --object secret,id=key,data=secret -f qcow2 "
        "-o encrypt.format=aes,encrypt.key-secret=key {file} 4M",
    ),
    "qcow2-backing": Recipe(
        "qcow2", "create -f qcow2 -b source.raw -F raw {file}", ("backing-file",)
    ),
    "qcow2-data-file": _convert("qcow2", "data_file=data.raw,data_file_raw=on", "data-file"),
    "vmdk-sparse": _convert("vmdk", "subformat=monolithicSparse"),
    "vmdk-stream": _convert("vmdk", "subformat=streamOptimized"),
    "vmdk-flat": _convert("vmdk", "subformat=monolithicFlat", "external-extent"),
    "vmdk-2gb-sparse": _convert("vmdk", "subformat=twoGbMaxExtentSparse", "external-extent"),
    "vmdk-2gb-flat": _convert("vmdk", "subformat=twoGbMaxExtentFlat", "external-extent"),
    "vmdk-backing": Recipe(
        "vmdk", "create -f vmdk -b parent.vmdk -F vmdk {file}", ("backing-file",)
    ),
    "vdi": _convert("vdi"),
    "vdi-static": _convert("vdi", "static=on"),
    "vhd": _convert("vpc"),
    "vhd-forced": _convert("vpc", "force_size=on"),
    "vhd-fixed": _convert("vpc", "subformat=fixed", asked="vpc"),
    "vhd-fixed-forced": _convert("vpc", "subformat=fixed,force_size=on", asked="vpc"),
    "vhdx": _convert("vhdx", "block_size=1M"),
    "vhdx-fixed": _convert("vhdx", "subformat=fixed"),
    "qed": _convert("qed"),
    "qed-backing": Recipe("qed", "create -f qed -b source.raw -F raw {file}", ("backing-file",)),
    "iso": Recipe("iso", ""),
}


class Disks:
    """Makes the disks in a folder of their own. Raises `NoPrograms`."""

    def __init__(self, folder: Path) -> None:
        for program, package in PROGRAMS.items():
            if shutil.which(program) is None:
                raise NoPrograms(f"{program} is missing (Debian: apt-get install {package})")
        self._folder = folder
        (folder / "source.raw").write_bytes(partitioned())
        (folder / "tree").mkdir()
        (folder / "tree" / "file").write_bytes(random.Random(2).randbytes(5000))
        self._run("qemu-img", "create", "-q", "-f", "vmdk", "parent.vmdk", "4M")

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self._folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def path(self, name: str) -> Path:
        """Return the file of a recipe."""
        path = self._folder / name
        if not path.exists():
            command = RECIPES[name].command.format(file=name)
            if name == "iso":
                self._run("xorriso", "-as", "mkisofs", "-quiet", "-o", name, "tree")
            else:
                self._run("qemu-img", *command.split())
        return path

    def read(self, name: str) -> bytes:
        """Return the bytes of a recipe's file."""
        return self.path(name).read_bytes()

    def asked(self, path: Path, name: str = "") -> tuple[str, int]:
        """Return the format and the disk's size that qemu-img tells of a file."""
        words = ["-f", name] if name else []
        info = json.loads(
            self._run("qemu-img", "info", "--output=json", *words, str(path.absolute()))
        )
        return info["format"], info["virtual-size"]


def partitioned() -> bytes:
    """Return a raw disk with a GPT, a protective MBR, and data here and there."""
    disk = bytearray(SIZE)
    noise = random.Random(1)
    for offset in (0, MIB, 3 * MIB, SIZE - 65536):
        disk[offset : offset + 40000] = noise.randbytes(40000)
    sectors = SIZE // 512
    disk[:510] = bytes(510)
    disk[446:462] = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff" * 3, 1, sectors - 1)
    disk[510:520] = b"\x55\xaaEFI PART"
    return bytes(disk)


def inspect(data: bytes, chunk: int = 256 * 1024) -> Label:
    """Label some bytes, given in chunks."""
    inspector = Inspector()
    for start in range(0, len(data), chunk):
        inspector.update(data[start : start + chunk])
    return inspector.close()


def patched(data: bytes, **at: bytes) -> bytes:
    """Return bytes with some replaced: ``x40`` is the offset in base 16."""
    changed = bytearray(data)
    for offset, new in at.items():
        start = int(offset[1:], 16)
        changed[start : start + len(new)] = new
    return bytes(changed)

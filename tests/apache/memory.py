"""What memory httpd's processes take, in MiB."""

import re
from pathlib import Path


def begin(site) -> None:
    """Have peaks count from here."""
    for pid in site.children():
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def now(pid: int) -> float:
    """Return what a process has at this moment."""
    return _read(pid, "VmRSS")


def peak(pid: int) -> float:
    """Return the most that it has had since `begin`."""
    return _read(pid, "VmHWM")


def _read(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024

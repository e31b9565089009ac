"""Uploads, downloads, copies and refusals, against the same work without Repoman."""

import shutil
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.apache.site import Site
from tests.bench.site import Bench, Memory, curl
from tests.bench.table import Table, aim

GIB = 1 << 30
OVERSIZED = 1 << 50
"""More than any store has room for."""
Round = dict[str, float]
"""Seconds by what was done."""


def measure(bench: Bench, gib: float, copied_gib: float, times: int) -> list[Table]:
    """Measure with files of ``gib`` GiB, and copies of one of ``copied_gib``."""
    with bench.site("transfers") as site:
        source = sparse(bench.folder / "source", gib)
        for name in ("ours", "big"):
            curl(site, "-d", f"name={name}", "/api/images")
        return [
            uploads(site, source, times),
            downloads(bench, site, source, times),
            copies(bench, site, copied_gib, times),
            refusals(site, times),
        ]


def sparse(path: Path, gib: float) -> Path:
    """Make a file that takes no room and no time to read."""
    with path.open("wb") as file:
        file.truncate(int(gib * GIB))
    return path


def rounds(times: int, **tasks: Callable[[], float]) -> Round:
    """Do all tasks by turns, once to warm up and then ``times`` times; return the medians."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(times + 1):
        for name, task in tasks.items():
            seconds = task()
            if turn:
                taken[name].append(seconds)
    return {name: median(figures) for name, figures in taken.items()}


def rate(path: Path, seconds: float) -> str:
    """Write MB/s."""
    return f"{path.stat().st_size / seconds / 1e6:,.0f}"


def uploads(site: Site, source: Path, times: int) -> Table:
    """PUT a file to an image, to an application that reads, and to one that keeps."""

    def put(path: str) -> float:
        return curl(site, "-T", source, path)["seconds"]

    def put_ours() -> float:
        seconds = put("/api/images/raw/ours")
        # The application that keeps its file for no longer than the request writes to the same
        # blocks again and again, which is faster on some disks: neither is to have more room.
        curl(site, "-X", "DELETE", "/api/images/raw/ours?purge=true")
        site.admin("gc", "--grace", "0")
        return seconds

    put_ours()
    memory = Memory(site)
    put_ours()
    more = memory.more()
    taken = rounds(
        times,
        ours=put_ours,
        reads=lambda: put("/bench/read"),
        keeps=lambda: put("/bench/keep"),
    )
    put("/api/images/raw/ours")
    table = Table(
        f"Upload of {source.stat().st_size / GIB:g} GiB",
        "`curl -T`. Both others run in embedded mode too, read 256 KiB at a time, and the second "
        "one syncs its file as Repoman does.",
        ("", "MB/s", "Repoman's rate ÷ this one's", "aim"),
    )
    table.add("Repoman", rate(source, taken["ours"]), "", f"{more:.1f} MiB more memory (≤ 32)")
    for name, said, target in (
        ("keeps", "reads, hashes and writes, in one thread", 0.9),
        ("reads", "reads, and no more", 0.5),
    ):
        ratio = taken[name] / taken["ours"]
        met = aim(ratio, target, at_least=True)
        table.add(said, rate(source, taken[name]), f"{ratio:.2f}", met)
    return table


def downloads(bench: Bench, site: Site, source: Path, times: int) -> Table:
    """GET the file of an image, and the same bytes as Apache's own static file."""
    shutil.copyfile(source, bench.folder / "static" / "file.bin")

    def get(path: str) -> float:
        taken = curl(site, path)
        assert taken["received"] == source.stat().st_size
        return taken["seconds"]

    get("/api/images/raw/ours")
    memory = Memory(site)
    get("/api/images/raw/ours")
    more = memory.more()
    taken = rounds(
        times,
        ours=lambda: get("/api/images/raw/ours"),
        static=lambda: get("/static/file.bin"),
    )
    ratio = taken["static"] / taken["ours"]
    table = Table(
        f"Download of {source.stat().st_size / GIB:g} GiB",
        "`curl`, from the page cache. Apache's static file is of its default configuration.",
        ("", "MB/s", "Repoman's rate ÷ this one's", "aim"),
    )
    table.add("Repoman", rate(source, taken["ours"]), "", f"{more:.1f} MiB more memory (≤ 32)")
    met = aim(ratio, 1.3, at_least=True)
    table.add("Apache's static file", rate(source, taken["static"]), f"{ratio:.2f}", met)
    return table


def copies(bench: Bench, site: Site, gib: float, times: int) -> Table:
    """Make an image by ``copy_of``, again and again."""
    curl(site, "-T", sparse(bench.folder / "big", gib), "/api/images/raw/big")
    memory = Memory(site)
    numbers = iter(range(times + 1))

    def copy() -> float:
        fields = ["-d", f"name=copy-{next(numbers)}", "-d", "copy_of=big"]
        return curl(site, *fields, "/api/images")["seconds"]

    seconds = rounds(times, copy=copy)["copy"]
    table = Table(
        f"Copy of an image of {gib:g} GiB",
        "`curl -d copy_of=…`, TLS handshake included.",
        ("milliseconds", "more memory", "aim"),
    )
    met = aim(seconds * 1000, 50, at_least=False)
    table.add(f"{seconds * 1000:.0f}", f"{memory.more():.1f} MiB", met)
    return table


def refusals(site: Site, times: int) -> Table:
    """Announce more than the store has room for, and wait for the answer."""
    context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
    context.load_cert_chain(site.folder / "admin.pem")
    head = (
        "PUT /api/images/raw/ours HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
        f"Content-Length: {OVERSIZED}\r\n\r\n"
    )

    def ask() -> float:
        with (
            socket.create_connection(("127.0.0.1", site.port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            began = time.perf_counter()
            connection.sendall(head.encode())
            answer = connection.recv(65536)
            taken = time.perf_counter() - began
        assert answer.startswith(b"HTTP/1.1 507"), answer
        return taken

    memory = Memory(site)
    seconds = rounds(times, ask=ask)["ask"]
    table = Table(
        "Refusal of an upload that the store has no room for",
        "From the request's last header to the answer's first bytes; not a byte of the body is "
        "sent (`Expect: 100-continue`).",
        ("milliseconds", "more memory"),
    )
    table.add(f"{seconds * 1000:.1f}", f"{memory.more():.1f} MiB")
    return table

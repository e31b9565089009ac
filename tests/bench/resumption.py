"""Going on with an upload that broke off, and sending what the server knows already."""

import hashlib
import socket
import ssl
import time
from pathlib import Path

from tests.apache.site import Site
from tests.bench.site import Bench, curl
from tests.bench.table import Table
from tests.bench.transfers import GIB, rounds, sparse
from tests.server.running import wait_until

LEFT = 1 << 20
"""Bytes that are sent when an upload is gone on with: next to nothing of the file."""
PIECE = 1 << 20


def measure(bench: Bench, gib: float, times: int) -> list[Table]:
    """Measure with files of ``gib`` GiB."""
    with bench.site("resumption") as site:
        source = sparse(bench.folder / "source", gib)
        for name in ("broken", "small", "known", "again"):
            curl(site, "-d", f"name={name}", "/api/images")
        return [resuming(bench, site, source, times), knowing(site, source, times)]


def break_off(site: Site, source: Path) -> int:
    """Send all but the last of a file, hang up, and return what arrived, in bytes."""
    size = source.stat().st_size
    context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
    context.load_cert_chain(site.folder / "admin.pem")
    head = (
        f"PUT /api/images/raw/broken HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
    )
    with (
        socket.create_connection(("127.0.0.1", site.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
        source.open("rb") as file,
    ):
        connection.sendall(head.encode())
        for _ in range((size - LEFT) // PIECE):
            connection.sendall(file.read(PIECE))
    partial = site.store / "partial"
    assert wait_until(lambda: not any(partial.glob("*.hold")), 60)
    (kept,) = (path for path in partial.iterdir() if not path.suffix)
    return kept.stat().st_size


def resuming(bench: Bench, site: Site, source: Path, times: int) -> Table:
    """PUT the rest of a file, for whose digest what had arrived is read once more."""
    small = sparse(bench.folder / "small", LEFT / GIB)
    sizes: list[int] = []

    def resume() -> float:
        sizes.append(break_off(site, source))
        path = "/api/images/raw/broken"
        seconds = curl(site, "-C", str(sizes[-1]), "-T", source, path)["seconds"]
        curl(site, "-X", "DELETE", f"{path}?purge=true")
        site.admin("gc", "--grace", "0")
        return seconds

    def hash_alone() -> float:
        began = time.perf_counter()
        with source.open("rb") as file:
            hashlib.file_digest(file, "sha256")
        return time.perf_counter() - began

    taken = rounds(
        times,
        resume=resume,
        small=lambda: curl(site, "-T", small, "/api/images/raw/small")["seconds"],
        hash=hash_alone,
    )
    arrived = min(sizes) / GIB
    more = (taken["resume"] - taken["small"]) / arrived
    table = Table(
        f"Going on with an upload of {source.stat().st_size / GIB:g} GiB at its last MiB",
        "`curl -C N -T`. What had arrived is read again from the page cache, for the digest and "
        "the format, and synced. Beside it, a file of 1 MiB alone, and `hashlib` alone.",
        ("seconds", "a file of 1 MiB", "more for each GiB that had arrived", "sha-256 of a GiB"),
    )
    alone = taken["hash"] / (source.stat().st_size / GIB)
    table.add(
        f"{taken['resume']:.2f}",
        f"{taken['small']:.3f}",
        f"{more:.2f}",
        f"{alone:.2f} (ratio {more / alone:.2f})",
    )
    return table


def knowing(site: Site, source: Path, times: int) -> Table:
    """PUT the digest of a file that the caller can read, and see that no byte is sent."""
    curl(site, "-T", source, "/api/images/raw/known")
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    headers = ["-H", f"X-Repoman-Checksum: sha256={digest}", "-H", "Expect: 100-continue"]

    def put() -> float:
        answer = curl(
            site,
            *headers,
            "--expect100-timeout",
            "60",
            "-T",
            source,
            "/api/images/raw/again",
        )
        assert answer["sent"] == 0, answer
        return answer["seconds"]

    def copy() -> float:
        name = f"copy-{time.monotonic_ns()}"
        return curl(site, "-d", f"name={name}", "-d", "copy_of=known", "/api/images")["seconds"]

    taken = rounds(times, put=put, copy=copy)
    table = Table(
        f"Upload of {source.stat().st_size / GIB:g} GiB that the server knows",
        "`curl -T` with the file's digest, TLS handshake included; not a byte of the file is sent. "
        "Beside it, `curl -d copy_of=…`.",
        ("milliseconds", "a copy", "ratio"),
    )
    ratio = taken["put"] / taken["copy"]
    table.add(f"{taken['put'] * 1000:.0f}", f"{taken['copy'] * 1000:.0f}", f"{ratio:.2f}")
    return table

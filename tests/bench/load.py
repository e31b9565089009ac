"""Requests for an image's metadata, four at a time, against an empty Pyramid view."""

import csv
import re
import subprocess
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.apache.site import Site
from tests.bench.site import Bench, Memory, curl
from tests.bench.table import Table, aim
from tests.bench.transfers import sparse
from tests.server.running import need

CONNECTIONS = 4
FIGURES = ("rate", "p50", "p99")


def measure(bench: Bench, requests: int, times: int) -> list[Table]:
    """Measure with ``requests`` requests a figure."""
    with bench.site("load") as site:
        curl(site, "-d", "name=ours", "/api/images")
        curl(site, "-T", sparse(bench.folder / "small", 1 / 1024), "/api/images/raw/ours")
        memory = Memory(site)
        # By turns, so that what else the machine does befalls both.
        taken = [
            (ab(site, "/api/images/ours", requests), ab(site, "/bench/empty", requests))
            for _ in range(times + 1)
        ][1:]
        more = memory.more()
    ours, empty = (
        {name: median(one[place][name] for one in taken) for name in FIGURES} for place in (0, 1)
    )
    table = Table(
        "Metadata of an image",
        f"GET by `ab -k -c {CONNECTIONS}`, {requests:,} requests, TLS, a client certificate. The "
        "empty view answers `{}`, in the same daemon.",
        ("", "requests/s", "p50, ms", "p99, ms", "ratio", "aim"),
    )
    ratio = ours["rate"] / empty["rate"]
    met = aim(ratio, 0.5, at_least=True)
    table.add("Repoman", *cells(ours), f"{ratio:.2f}", f"{met}; {more:.1f} MiB more memory")
    table.add("empty Pyramid view", *cells(empty), "", "")
    return [table]


def cells(figures: dict[str, float]) -> tuple[str, str, str]:
    """Write rate and percentiles."""
    return f"{figures['rate']:,.0f}", f"{figures['p50']:.1f}", f"{figures['p99']:.1f}"


def ab(site: Site, path: str, requests: int) -> dict[str, float]:
    """Run Apache's own benchmark; return requests a second and milliseconds."""
    with TemporaryDirectory() as folder:
        percentiles = Path(folder) / "percentiles.csv"
        command = [need("ab"), "-q", "-k", "-c", str(CONNECTIONS), "-n", str(requests)]
        command += ["-E", site.folder / "admin.pem", "-e", percentiles, site.url + path]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        with percentiles.open() as file:
            by_share = {row[0]: float(row[1]) for row in list(csv.reader(file))[1:]}
    printed = ended.stdout
    assert "Non-2xx" not in printed, printed
    assert re.search(r"Failed requests:\s+0\b", printed), printed
    rate = re.search(r"Requests per second:\s+([\d.]+)", printed)
    assert rate, printed
    return {"rate": float(rate[1]), "p50": by_share["50"], "p99": by_share["99"]}

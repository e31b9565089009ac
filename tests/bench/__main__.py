"""Everything measured in one run: ``make bench``, or ``python -m tests.bench``.

Prints docs/performance.md's tables in Markdown. Needs what tests/apache needs, two cores that
nobody else uses, and room for about ten times ``--gib`` in /tmp.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable

from tests.bench import load, pages, resumption, transfers
from tests.bench.site import Bench, bench
from tests.bench.table import Table

Part = Callable[[Bench], list[Table]]


def main() -> None:
    """Measure, a table at a time."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=["transfers", "resumption", "load", "pages", []]
    )
    parser.add_argument("--gib", type=float, default=2, help="the size of transfers")
    parser.add_argument("--copied-gib", type=float, default=10, help="the size of the copied image")
    parser.add_argument("--times", type=int, default=5, help="rounds; figures are their medians")
    parser.add_argument("--requests", type=int, default=2000, help="of metadata, in a round")
    given = parser.parse_args()
    parts: dict[str, Part] = {
        "transfers": lambda made: transfers.measure(made, given.gib, given.copied_gib, given.times),
        "resumption": lambda made: resumption.measure(made, given.gib, given.times),
        "load": lambda made: load.measure(made, given.requests, given.times),
        "pages": lambda made: pages.measure(made, given.times * 5),
    }
    print(f"`python -m tests.bench {' '.join(sys.argv[1:])}`".replace(" `", "`"))
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]}\n"
    )
    with bench() as made:
        for name in given.parts or parts:
            for table in parts[name](made):
                print(table.markdown(), flush=True)


if __name__ == "__main__":
    main()

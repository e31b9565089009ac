"""How long lists take: ``python -m tests.bench.lists [--url postgresql://…] [--images 100000]``.

Requests go through the WSGI application, certificate and JSON included, without a socket. The last
page is reached by its Link, as a client reaches it. Compare within a table, not two machines.
"""

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import inspect, text
from webtest import TestApp

import repoman
from repoman.database import migrate
from repoman.models import Base, Sessions, make_engine
from repoman.settings import Settings
from tests.bench.database import SEEN, fill
from tests.pki import CertificateAuthority

LIMIT = 20
NO_LIST = "/api"
"""What any request takes, in the same run: the application, the certificate, JSON."""
SORTS = ("name", "-modified", "size")
PEOPLE = {"member": f"sees {SEEN}", "reader": "sees half", "admin": "sees all"}


@contextmanager
def server(url: str | None, images: int) -> Iterator[dict[str, TestApp]]:
    """Fill an empty database; give a client for each of `PEOPLE`; leave the database empty."""
    with tempfile.TemporaryDirectory() as folder:
        url = url or f"sqlite:///{folder}/repoman.sqlite"
        engine = make_engine(Settings(database_url=url, store=Path(folder)))
        if not url.startswith("sqlite") and inspect(engine).get_table_names():
            raise SystemExit("The database must be empty: everything in it will be removed.")
        migrate(engine)
        holders = fill(Sessions(engine), images, CertificateAuthority())
        application = repoman.main({}, **{"sqlalchemy.url": url, "repoman.store": folder})
        try:
            yield {name: TestApp(application, one.environ()) for name, one in holders.items()}
        finally:
            application.sessions.engine.dispose()
            Base.metadata.drop_all(engine)
            with engine.begin() as connection:
                connection.execute(text("DROP TABLE alembic_version"))
            engine.dispose()


def last_page(client: TestApp, url: str) -> str:
    """Follow Link to the end, the longest part of the way in large steps; return the URL."""
    for limit in (1000, LIMIT):
        url = re.sub(r"limit=\d+", f"limit={limit}", url)
        while following := client.get(url).headers.get("Link"):
            url = following[following.index("/api") : following.index(">")]
    return url


def medians(client: TestApp, urls: tuple[str, ...], times: int) -> list[float]:
    """Return the median milliseconds of each request, taken by turns."""
    taken: list[list[float]] = [[] for _ in urls]
    for turn in range(times + 1):
        for url, figures in zip(urls, taken, strict=True):
            began = time.perf_counter()
            client.get(url, status=200)
            if turn:
                figures.append((time.perf_counter() - began) * 1000)
    return [statistics.median(figures) for figures in taken]


def measure(url: str | None, images: int, times: int) -> dict[tuple[str, str, str], float]:
    """Print a table of one database; return the first pages' milliseconds."""
    firsts = {}
    with server(url, images) as people:
        print(f"\n{images:,} images, pages of {LIMIT}, median of {times}, milliseconds\n")
        print(f"{'':18} {'':8} {'sort':10} {'page 1':>8} {'last':>8} {'ratio':>6} {'no list':>8}")
        for name, sees in PEOPLE.items():
            for sort in SORTS:
                first = f"/api/images?limit={LIMIT}&sort={sort}"
                last = last_page(people[name], first)
                for shown in ("URLs", "objects"):
                    expand = "&expand=true" if shown == "objects" else ""
                    urls = (first + expand, last + expand, NO_LIST)
                    one, other, none = medians(people[name], urls, times)
                    firsts[f"{name}, {sees}", shown, sort] = one
                    row = f"{f'{name}, {sees}':18} {shown:8} {sort:10}"
                    print(f"{row} {one:8.1f} {other:8.1f} {other / one:6.2f} {none:8.1f}")
    return firsts


def main() -> None:
    """Measure a small and a large database."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lists", description=__doc__)
    parser.add_argument("--url", help="an empty database; SQLite in a temporary folder without it")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=41, help="requests for each figure")
    given = parser.parse_args()
    small, large = (measure(given.url, images, given.times) for images in (1_000, given.images))
    print(f"\nPage 1 of {given.images:,} images against page 1 of 1,000\n")
    for key, taken in large.items():
        name, shown, sort = key
        row = f"{name:18} {shown:8} {sort:10}"
        print(f"{row} {small[key]:8.1f} {taken:8.1f} {taken / small[key]:6.2f}")


if __name__ == "__main__":
    main()

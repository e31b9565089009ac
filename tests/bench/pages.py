"""Lists of images, page 1 and the last one, in sites of three sizes."""

import http.client
import ssl
import time

from repoman.models import Sessions, make_engine
from repoman.settings import Settings
from tests.apache.site import Site
from tests.bench.database import SEEN, fill
from tests.bench.lists import LIMIT, last_page
from tests.bench.site import Bench, Memory
from tests.bench.table import Table, aim
from tests.bench.transfers import rounds
from tests.pki import Holder

SIZES = (1_000, 10_000, 100_000)
PEOPLE = {"member": f"a member, who sees {SEEN}", "admin": "an admin, who sees all"}


class Page:
    """A connection that stays, and its GETs."""

    def __init__(self, site: Site, holder: Holder) -> None:
        context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
        context.load_cert_chain(holder.write(site.folder))
        self._connection = http.client.HTTPSConnection("localhost", site.port, context=context)

    def get(self, url: str) -> http.client.HTTPResponse:
        """Ask, and read the answer."""
        self._connection.request("GET", url)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return answer

    def seconds(self, url: str) -> float:
        """Say how long a page takes."""
        began = time.perf_counter()
        self.get(url)
        return time.perf_counter() - began


def measure(bench: Bench, times: int) -> list[Table]:
    """Measure a site of each size, and hold the largest against the smallest."""
    table = Table(
        f"Lists of {LIMIT} images with `expand=true`",
        f"Sorted by name, median of {times}, milliseconds, through one connection that stays. The "
        "last page is reached by its `Link`.",
        ("", "images", "page 1", "last page", "last ÷ first", "÷ 1,000 images", "more memory"),
    )
    firsts: dict[str, float] = {}
    for images in SIZES:
        with bench.site(f"pages-{images}", admin=False) as site:
            settings = Settings(database_url=site.database, store=site.store)
            sessions = Sessions(make_engine(settings))
            holders = fill(sessions, images, bench.authority)
            sessions.engine.dispose()
            for name in PEOPLE:
                add_row(table, site, images, name, holders[name], times, firsts)
    return [table]


def add_row(
    table: Table,
    site: Site,
    images: int,
    name: str,
    holder: Holder,
    times: int,
    firsts: dict[str, float],
) -> None:
    """Measure both pages, by turns; ``firsts`` are the seconds of page 1 of the smallest site."""
    page = Page(site, holder)
    first = f"/api/images?limit={LIMIT}&sort=name"
    expand = "&expand=true"
    last = last_page(page, first)
    memory = Memory(site)
    taken = rounds(
        times,
        first=lambda: page.seconds(first + expand),
        last=lambda: page.seconds(last + expand),
    )
    base = firsts.setdefault(name, taken["first"])
    growth, depth = taken["first"] / base, taken["last"] / taken["first"]
    table.add(
        PEOPLE[name],
        f"{images:,}",
        f"{taken['first'] * 1000:.1f}",
        f"{taken['last'] * 1000:.1f}",
        f"{depth:.2f} ({aim(depth, 1.2, at_least=False)})",
        f"{growth:.2f} ({aim(growth, 1.5, at_least=False)})" if images == SIZES[-1] else "",
        f"{memory.more():.1f} MiB",
    )

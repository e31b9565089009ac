"""Applications that stand ready: a test's own, over a router that another test has used before.

Pyramid takes ten times as long to put its router together (`repoman.make_router`) as Repoman takes
to equip one with a database, a store and all else that differs between two servers. No two
applications have a router at the same time.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import repoman
from repoman.access import AccessLog
from repoman.settings import read_settings

_free: dict[tuple[tuple[str, str], ...], list] = {}
"""The routers that nobody has, by what Pyramid was told."""


def pyramids(ini: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what of an ini section is not Repoman's own, which `repoman.equip` takes."""
    ours = ("repoman.", "sqlalchemy.url")
    return tuple(sorted(pair for pair in ini.items() if not pair[0].startswith(ours)))


@contextmanager
def serving(ini: Mapping[str, str]) -> Iterator[AccessLog]:
    """Lend the application of an ini section, as `repoman.main` makes it."""
    settings = read_settings(ini)
    free = _free.setdefault(pyramids(ini), [])
    router = free.pop() if free else repoman.make_router(dict(pyramids(ini)))
    made = repoman.equip(router, settings)
    try:
        yield made
    finally:
        made.sessions.engine.dispose()
        free.append(router)

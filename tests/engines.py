"""Engines that share what SQLAlchemy has compiled, as all requests to one server do.

An engine compiles each kind of statement once and keeps it. Each test has an engine of its own, as
each has a database, and would spend half of its time on compiling the same statements anew.
"""

from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, util

from repoman.models import meta
from tests.connections import Kept

MOST = 5000
"""Statements; all tests together have some hundreds."""


class Shared:
    """What the engines of one kind of database share: a dialect, and statements compiled for it.

    A dialect looks at the first server that it meets; all the tests' are of one version.
    """

    def __init__(self, engine: Engine) -> None:
        self.dialect, self.statements = engine.dialect, util.LRUCache(MOST)
        self._look, self._has_looked = engine.dialect.initialize, False

    def join(self, engine: Engine) -> None:
        """Let an engine that has not connected yet share it."""
        engine.dialect.initialize = self._initialize  # type: ignore[method-assign]
        engine.dialect, engine._compiled_cache = self.dialect, self.statements

    def _initialize(self, connection: Connection) -> None:
        if not self._has_looked:
            self._look(connection)
            self._has_looked = True


_shared: dict[str, Shared] = {}
kept = Kept()


def create_engine(*arguments: Any, **options: Any) -> Engine:
    """Create an engine as SQLAlchemy's own function does, and let it share."""
    made = sqlalchemy.create_engine(*arguments, **options)
    if made.dialect.name == "postgresql":
        kept.lend_to(made.dialect)
    if made.dialect.name not in _shared:
        _shared[made.dialect.name] = Shared(made)
    _shared[made.dialect.name].join(made)
    return made


@cache
def share() -> None:
    """Have all engines of this process share from now on."""
    meta.create_engine = create_engine  # type: ignore[attr-defined]

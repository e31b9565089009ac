"""Whether the server can do its work: the database answers, and the store takes files."""

from collections.abc import Mapping

from sqlalchemy import select

from repoman.models import Group, Sessions
from repoman.services.checks import Checks
from repoman.storage import Store

CACHED_SECONDS = 5
"""How long an outcome is taken for true: who asks often costs no more than who asks seldom."""

Failures = Mapping[str, str | None]
"""By part, ``database`` and ``store``: why it fails, or None."""


class Health:
    """Checks both parts, at most once in `CACHED_SECONDS` a process, in at most ``seconds``."""

    def __init__(self, sessions: Sessions, store: Store, seconds: int) -> None:
        self._checks = Checks(
            "health check failed",
            {"database": lambda: ask(sessions), "store": store.check},
            seconds,
            lambda: CACHED_SECONDS,
        )

    def failures(self) -> Failures:
        """Say what fails."""
        return {name: outcome.reason for name, outcome in self._checks.outcomes().items()}


def ask(sessions: Sessions) -> None:
    """Read from a table, which SELECT 1 would not. Raises SQLAlchemyError."""
    with sessions.asking() as session:
        session.execute(select(Group.id).limit(1))

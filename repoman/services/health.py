"""Whether the server can do its work: the database answers, and the store takes files."""

import threading
import time
from collections.abc import Callable, Mapping

from sqlalchemy import select

from repoman.logs import get_logger
from repoman.models import Group, Sessions
from repoman.storage import Store

log = get_logger(__name__)

CACHED_SECONDS = 5
"""How long an outcome is taken for true: who asks often costs no more than who asks seldom."""

Failures = Mapping[str, str | None]
"""By part, ``database`` and ``store``: why it fails, or None."""


class Health:
    """Checks both parts, at most once in `CACHED_SECONDS` a process, in at most ``seconds``."""

    def __init__(self, sessions: Sessions, store: Store, seconds: int) -> None:
        self._parts = {
            "database": _Check(lambda: ask(sessions)),
            "store": _Check(store.check),
        }
        self._seconds = seconds
        self._lock = threading.Lock()
        self._known: Failures | None = None
        self._until = 0.0

    def failures(self) -> Failures:
        """Say what fails. While one caller finds out anew, the others get what was known."""
        known = self._known
        if known is not None and time.monotonic() < self._until:
            return known
        if not self._lock.acquire(blocking=known is None) and known is not None:
            return known
        try:
            if self._known is None or time.monotonic() >= self._until:
                self._known = self._find_out()
                self._until = time.monotonic() + CACHED_SECONDS
            return self._known
        finally:
            self._lock.release()

    def _find_out(self) -> Failures:
        deadline = time.monotonic() + self._seconds
        for check in self._parts.values():
            check.begin()
        found = {name: check.outcome(deadline) for name, check in self._parts.items()}
        for name, reason in found.items():
            if reason is not None:
                log.error("health check failed", part=name, reason=reason)
        return found


def ask(sessions: Sessions) -> None:
    """Read from a table, which SELECT 1 would not. Raises SQLAlchemyError."""
    with sessions.reading() as session:
        session.execute(select(Group.id).limit(1))


class _Check:
    """A check in a thread of its own: one that hangs, as on a network disk, hangs nobody else."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._thread: threading.Thread | None = None
        self._reason: str | None = None

    def begin(self) -> None:
        """Start, unless the last one still runs."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self._check()
        except Exception as error:
            cause = error.__cause__ or error
            self._reason = f"{type(cause).__name__}: {cause}"
        else:
            self._reason = None

    def outcome(self, deadline: float) -> str | None:
        """Wait until the deadline (time.monotonic) at most, and say why it fails, or None."""
        assert self._thread is not None, "asked before its beginning"  # noqa: S101 - a defect
        self._thread.join(max(deadline - time.monotonic(), 0))
        return "There was no answer in time." if self._thread.is_alive() else self._reason

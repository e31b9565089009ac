"""Questions to the outside that may fail or hang, asked seldom and answered in time."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from repoman.logs import get_logger

log = get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a check returned, or else the ``reason`` why it failed."""

    value: Any = None
    reason: str | None = None


class Checks:
    """Asks several things at once, at most once in ``cached()`` seconds a process.

    All answers together take at most ``seconds``. What fails is logged as ``event``.
    """

    def __init__(
        self,
        event: str,
        parts: Mapping[str, Callable[[], Any]],
        seconds: float,
        cached: Callable[[], float],
    ) -> None:
        self._event, self._seconds, self._cached = event, seconds, cached
        self._parts = {name: _Check(part) for name, part in parts.items()}
        self._lock = threading.Lock()
        self._known: Mapping[str, Outcome] | None = None
        self._until = 0.0

    def outcomes(self) -> Mapping[str, Outcome]:
        """Return them by part. While one caller finds out anew, the others get what was known."""
        known = self._known
        if known is not None and time.monotonic() < self._until:
            return known
        if not self._lock.acquire(blocking=known is None) and known is not None:
            return known
        try:
            if self._known is None or time.monotonic() >= self._until:
                self._known = self._find_out()
                self._until = time.monotonic() + self._cached()
            return self._known
        finally:
            self._lock.release()

    def _find_out(self) -> Mapping[str, Outcome]:
        deadline = time.monotonic() + self._seconds
        for check in self._parts.values():
            check.begin()
        found = {name: check.outcome(deadline) for name, check in self._parts.items()}
        for name, outcome in found.items():
            if outcome.reason is not None:
                log.error(self._event, part=name, reason=outcome.reason)
        return found


class _Check:
    """A check in a thread of its own: one that hangs, as on a network disk, hangs nobody else."""

    def __init__(self, check: Callable[[], Any]) -> None:
        self._check = check
        self._thread: threading.Thread | None = None
        self._outcome = Outcome()

    def begin(self) -> None:
        """Start, unless the last one still runs."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome = Outcome(self._check())
        except Exception as error:
            self._outcome = Outcome(reason=reason_of(error))

    def outcome(self, deadline: float) -> Outcome:
        """Wait until the deadline (time.monotonic) at most, and return what came of it."""
        assert self._thread is not None, "asked before its beginning"  # noqa: S101 - a defect
        self._thread.join(max(deadline - time.monotonic(), 0))
        if self._thread.is_alive():
            return Outcome(reason="There was no answer in time.")
        return self._outcome


def reason_of(error: Exception) -> str:
    """Say, to administrators, why something failed: the error beneath, where there is one."""
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}"

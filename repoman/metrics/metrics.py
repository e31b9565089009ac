"""What is counted, when it happens."""

from bisect import bisect_left
from typing import Any

from sqlalchemy import Engine, event

from repoman.metrics.families import (
    CONNECTIONS,
    CUT_OFF,
    DURATION,
    ERRORS,
    RECEIVED,
    REQUESTS,
    RUNNING,
    SENT,
    SUM,
    TRANSFER_DURATION,
    Direction,
    Family,
    Key,
)
from repoman.metrics.tally import Tally

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Others are one in the label: a client may send what it likes."""
OTHER = "other"

_bounds = {family.name: tuple(map(str, family.buckets)) for family in (DURATION, TRANSFER_DURATION)}


class Metrics:
    """The metrics of an application. A ``route`` is a route's name, never a path."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def begin_transfer(self, direction: Direction) -> None:
        """Count a file that is being transferred."""
        self.tally.add(((RUNNING.name, direction), 1))

    def end_transfer(self, direction: Direction) -> None:
        """Count it no longer."""
        self.tally.add(((RUNNING.name, direction), -1))

    def move(self, route: str, received: int, sent: int) -> None:
        """Count bytes of bodies."""
        self.tally.add(*_bytes(route, received, sent))

    def answer(
        self,
        method: str,
        route: str,
        status: int,
        code: str | None,
        *,
        direction: Direction | None,
        seconds: float,
        cut_off: bool,
        received: int,
        sent: int,
    ) -> None:
        """Count a request that has ended, and the bytes that `move` has not been told of."""
        known = method if method in METHODS else OTHER
        changes = [
            ((REQUESTS.name, known, route, str(status)), 1.0),
            *_bytes(route, received, sent),
        ]
        if direction is None:
            changes += _observed(DURATION, route, seconds)
        else:
            changes += _observed(TRANSFER_DURATION, direction, seconds)
        if code is not None:
            changes.append(((ERRORS.name, code), 1.0))
        if cut_off:
            changes.append(((CUT_OFF.name, route), 1.0))
        self.tally.add(*changes)

    def watch(self, engine: Engine) -> None:
        """Count the database connections in use.

        SQLAlchemy tells of a connection's return also where taking it has failed, so each is
        marked while it is out.
        """

        def checkout(connection: Any, record: Any, proxy: Any) -> None:
            record.record_info[CONNECTIONS.name] = True
            self.tally.add(((CONNECTIONS.name,), 1))

        def checkin(connection: Any, record: Any) -> None:
            if record.record_info.pop(CONNECTIONS.name, False):
                self.tally.add(((CONNECTIONS.name,), -1))

        event.listen(engine, "checkout", checkout)
        event.listen(engine, "checkin", checkin)


def _bytes(route: str, received: int, sent: int) -> list[tuple[Key, float]]:
    moved = ((RECEIVED, received), (SENT, sent))
    return [((family.name, route), float(count)) for family, count in moved if count]


def _observed(family: Family, label: str, seconds: float) -> list[tuple[Key, float]]:
    bound = _bounds[family.name][bisect_left(family.buckets, seconds)]
    return [((family.name, label, bound), 1.0), ((family.name, label, SUM), seconds)]

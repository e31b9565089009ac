"""Connections to PostgreSQL that outlive the engine that made them, for the next one.

To begin one costs the server more than most tests take: a process, and its knowledge of the tables.
"""

import os
import select
from collections import defaultdict
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Dialect


class Kept:
    """Connections that nobody uses, by all that they were made of."""

    def __init__(self) -> None:
        self._idle: dict[str, list[psycopg.Connection]] = defaultdict(list)
        self._made: dict[int, str] = {}
        self._process = os.getpid()

    def lend_to(self, dialect: Dialect) -> None:
        """Have a dialect take its connections from here, and give them back."""
        begin, end = dialect.connect, dialect.do_close

        def connect(*arguments: Any, **options: Any) -> Any:
            # Besides its context, which says how values are written: all engines write them alike.
            address = repr((arguments, sorted({**options, "context": None}.items())))
            connection = self._take(address) or begin(*arguments, **options)
            self._made[id(connection)] = address
            return connection

        def close(connection: Any) -> None:
            address = self._made.pop(id(connection), None)
            if address and os.getpid() == self._process and is_as_new(connection):
                self._idle[address].append(connection)
            else:
                end(connection)

        dialect.connect, dialect.do_close = connect, close  # type: ignore[method-assign]

    def _take(self, address: str) -> psycopg.Connection | None:
        if os.getpid() != self._process:  # forked: they are the parent's
            self.__init__()  # type: ignore[misc]
        if address not in self._idle:
            self._forget_the_dead()
        while self._idle[address]:
            if is_alive(found := self._idle[address].pop()):
                return found
            found.close()
        return None

    def _forget_the_dead(self) -> None:
        """Close those whose database has been removed."""
        for address, connections in [*self._idle.items()]:
            if not all(map(is_alive, connections)):
                self._end(address)

    def close(self) -> None:
        """Close all."""
        for address in [*self._idle]:
            self._end(address)

    def _end(self, address: str) -> None:
        for each in self._idle.pop(address):
            each.close()


def is_alive(connection: psycopg.Connection) -> bool:
    """Say whether the server has not hung up: it says so at once."""
    return not connection.closed and not select.select([connection.fileno()], [], [], 0)[0]


def is_as_new(connection: psycopg.Connection) -> bool:
    """Say whether a connection is in no transaction, and has no settings of its own."""
    for handler in [*connection._notice_handlers]:
        connection.remove_notice_handler(handler)
    return (
        connection.info.transaction_status is TransactionStatus.IDLE
        and not connection.autocommit
        and connection.isolation_level is None
    )

"""Replacing all that a database holds by a dump, in one transaction."""

import time
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, delete, insert, text, update
from sqlalchemy.exc import OperationalError

from repoman.models import Base, Blob, Sessions
from repoman.services.backup import last_ids
from repoman.services.backup.dumps import BATCH, Dump

Row = dict[str, Any]

ATTEMPTS, PATIENCE, PAUSE = 20, "500ms", 0.1
"""How often PostgreSQL's tables are asked for, for how long each time, and seconds in between.

Less than its deadlock_timeout: of a client that has one table and waits for another, and us, it is
we who give way.
"""


@contextmanager
def alone(sessions: Sessions) -> Iterator[Connection]:
    """Begin a transaction beside which nobody changes anything; readers see what was before it.

    Raises `OperationalError` where others do not end their changes in time.
    """
    with sessions.changing() as session:
        for attempt in range(ATTEMPTS, 0, -1):
            try:
                connection = session.connection()
                if connection.dialect.name == "postgresql":
                    _lock_tables(connection)
                break
            except OperationalError:
                session.rollback()
                if attempt == 1 or session.get_bind().dialect.name != "postgresql":
                    raise
                time.sleep(PAUSE)
        yield connection
        session.commit()


def _lock_tables(connection: Connection) -> None:
    """Let others read and nobody write, not even take an id from a sequence."""
    name = connection.dialect.identifier_preparer.format_table
    tables = ", ".join(name(table) for table in Base.metadata.sorted_tables)
    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
    connection.execute(text(f"LOCK TABLE {tables} IN EXCLUSIVE MODE"))


def replace(connection: Connection, dump: Dump, lost: Set[int]) -> None:
    """Delete every row and insert the dump's; what names a ``lost`` blob, by id, is left out."""
    for table in reversed(Base.metadata.sorted_tables):
        connection.execute(delete(table))
    _insert(connection, dump, lost)
    _refer(connection, dump)
    for name, last in dump.last_ids().items():
        # Deleting has not taken the counters of this database back.
        last_ids.raise_to(connection, Base.metadata.tables[name], last or 0)


def _insert(connection: Connection, dump: Dump, lost: Set[int]) -> None:
    for name, rows in groupby(dump.rows(), lambda one: one[0].name):
        table = Base.metadata.tables[name]
        # Set by the second pass: the row that they name may come later.
        unset: Row = {one.name: None for one in _own_references(table)}
        naming = _names_of_blobs(table)
        kept = (row | unset for _, row in rows if lost.isdisjoint(row[one] for one in naming))
        for batch in _batches(kept):
            connection.execute(insert(table), batch)


def _refer(connection: Connection, dump: Dump) -> None:
    """Set the columns by which rows name others of their own table, as copies of images do."""
    for table in Base.metadata.sorted_tables:
        own, keys = _own_references(table), list(table.primary_key)
        if not own:
            continue
        statement = (
            update(table)
            .where(*(key == bindparam(f"of_{key.name}") for key in keys))
            .values({one: bindparam(f"new_{one.name}") for one in own})
        )
        changes = (
            {f"of_{key.name}": row[key.name] for key in keys}
            | {f"new_{one.name}": row[one.name] for one in own}
            for _, row in dump.rows(table.name)
            if any(row[one.name] is not None for one in own)
        )
        for batch in _batches(changes):
            connection.execute(statement, batch)


def _own_references(table: Table) -> list[Column[Any]]:
    return [key.parent for key in table.foreign_keys if key.column.table is table]


def _names_of_blobs(table: Table) -> list[str]:
    """Return the columns that hold the id of a blob."""
    blob = Blob.__table__
    if table is blob:
        return ["id"]
    return [key.parent.name for key in table.foreign_keys if key.column.table is blob]


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch

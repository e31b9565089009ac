"""The highest id that each table has ever given, so that a restored database gives none again.

An id is remembered over a long transfer (`repoman.models.meta.NEVER_REUSE_IDS`): after a restore it
must not have become another row's.
"""

from sqlalchemy import BigInteger, Boolean, Column, Connection, Table, column, func, select, text


def read(connection: Connection, table: Table) -> int | None:
    """Return the last id given, 0 where none was, None where the table does not number its rows."""
    numbered = table.autoincrement_column
    if numbered is None:
        return None
    highest = connection.scalar(select(func.max(numbered))) or 0
    return max(highest, _counted(connection, table, numbered))


def _counted(connection: Connection, table: Table, numbered: Column[int]) -> int:
    """Ask the counter, which may be ahead of the rows."""
    if connection.dialect.name == "sqlite":
        statement = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return connection.scalar(statement, {"name": table.name}) or 0
    # A sequence stands outside transactions: what it says is never behind the rows of a snapshot.
    sequence = text(_sequence(connection, table, numbered))
    counter = select(column("last_value", BigInteger), column("is_called", Boolean))
    last, called = connection.execute(counter.select_from(sequence)).one()
    return last if called else last - 1


def _sequence(connection: Connection, table: Table, numbered: Column[int]) -> str:
    """Return the name of the PostgreSQL sequence of a column, quoted where it must be."""
    quoted = connection.dialect.identifier_preparer.format_table(table)
    name = connection.scalar(select(func.pg_get_serial_sequence(quoted, numbered.name)))
    assert name is not None, f"{quoted} has no sequence"  # noqa: S101 - a defect of the migrations
    return str(name)


def raise_to(connection: Connection, table: Table, last: int) -> None:
    """Have the table give only ids above ``last``; never takes a counter back."""
    numbered = table.autoincrement_column
    if numbered is None or last <= _counted(connection, table, numbered):
        return
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.setval(_sequence(connection, table, numbered), last)))
        return
    values = {"name": table.name, "last": last}
    update = text("UPDATE sqlite_sequence SET seq = :last WHERE name = :name")
    if connection.execute(update, values).rowcount == 0:
        connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), values)

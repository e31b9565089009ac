"""Alembic's environment: runs the migrations on the connection that `repoman.database` gives."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection

from repoman.models import Base


@contextmanager
def tables_can_be_remade(connection: Connection) -> Iterator[None]:
    """Have SQLite not heed foreign keys, which it can be told only between transactions.

    SQLite cannot alter a table in place: it is made anew, and dropping the old one would delete by
    the foreign keys all that belongs to its rows (sqlite.org/lang_altertable.html, section 7).
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    sqlite = connection.connection.dbapi_connection
    assert sqlite is not None, "a connection without its driver's"  # noqa: S101 - a defect
    sqlite.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        sqlite.execute("PRAGMA foreign_keys = ON")


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    # All or nothing on SQLite too, whose engine here says BEGIN by itself.
    transactional_ddl=True,
)
with tables_can_be_remade(connection), context.begin_transaction():
    context.run_migrations()
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        assert broken is None, f"the migration broke a foreign key: {broken}"  # noqa: S101

"""Counting what an application asks of its database."""

from contextlib import contextmanager

from sqlalchemy import event


@contextmanager
def counted(application):
    """Count the application's SQL statements."""
    statements = []

    def note(connection, cursor, statement, *rest):
        statements.append(statement)

    engine = application.sessions.engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)

"""One database on PostgreSQL for test after test, washed in between.

To make one and to remove it takes the server ten times as long as to empty it; and its clients'
connections would go with it (`tests.connections`). Wherever anything but rows may have changed, or
somebody may still be at work, the next test gets a new one all the same.
"""

import psycopg
from psycopg import sql

from repoman.models import Base
from tests.databases import PostgresDatabase
from tests.postgres import Cluster

WASHINGS = 50
"""After so many it is replaced: rows that were deleted still take room."""

# Whatever changes a table, a column, an index or a sequence writes its row anew; xmin says when.
# And the revision, and how many are at work.
LOOK = """
SELECT md5(concat(
    (SELECT string_agg(concat(oid, relname, xmin), ' ' ORDER BY oid) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace),
    (SELECT string_agg(concat(a.attrelid, a.attnum, a.xmin), ' ' ORDER BY a.attrelid, a.attnum)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace),
    (SELECT string_agg(concat(oid, xmin), ' ' ORDER BY oid) FROM pg_constraint),
    (SELECT string_agg(concat(oid, xmin), ' ' ORDER BY oid) FROM pg_trigger),
    (SELECT string_agg(concat(oid, xmin), ' ' ORDER BY oid) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace),
    (SELECT string_agg(concat(oid, xmin), ' ' ORDER BY oid) FROM pg_namespace),
    (SELECT string_agg(concat(setdatabase, setrole, xmin), ' ') FROM pg_db_role_setting),
    (SELECT string_agg(version_num, ' ') FROM alembic_version)
)), (SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid != pg_backend_pid() AND state != 'idle')
"""
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"


class Washed:
    """Hands out a migrated database that nobody has used, or that looks as if nobody had."""

    def __init__(self, cluster: Cluster, template: str) -> None:
        self._cluster, self._template = cluster, template
        self._ready: PostgresDatabase | None = None

    def take(self) -> PostgresDatabase:
        """Return it; `give_back` must follow."""
        if self._ready is None:
            self._ready = PostgresDatabase(self._cluster, self._template)
            self._connection = psycopg.connect(self._ready.url, autocommit=True)
            self._new, self._left = self._look(), WASHINGS
            self._script = write_script(self._connection)
        return self._ready

    def give_back(self) -> None:
        """Wash it, or remove it for good."""
        assert self._ready is not None
        self._left -= 1
        if self._ready.spoilt or not self._left or not self._wash():
            self.close()
        else:
            self._ready.close_others()

    def close(self) -> None:
        """Remove it."""
        if self._ready is not None:
            self._connection.close()
            self._ready.close()
            self._ready = None

    def _look(self) -> str:
        found, working = self._connection.execute(LOOK).fetchone()
        return f"{working} at work" if working else found

    def _wash(self) -> bool:
        try:
            if self._look() != self._new:
                return False
            self._connection.execute(self._script)
        except psycopg.Error:
            return False
        return True


def write_script(connection: psycopg.Connection) -> str:
    """Write the statements that make a database what it is now."""
    script = ["SET lock_timeout = '1s'"]
    script += [render(connection, "DELETE FROM {}", table) for table in tables(newest_first=True)]
    for table in tables():
        name = sql.Identifier(table)
        for row in connection.execute(sql.SQL("SELECT * FROM {}").format(name)):
            values = sql.SQL(", ").join(map(sql.Literal, row))
            insert = sql.SQL("INSERT INTO {} VALUES ({})").format(name, values)
            script.append(insert.as_string(connection))
    for name, last in connection.execute(SEQUENCES):
        values = sql.Literal(name), sql.Literal(last or 1), sql.Literal(last is not None)
        setting = sql.SQL("SELECT setval({}, {}, {})").format(*values)
        script.append(setting.as_string(connection))
    return "; ".join(script)


def tables(*, newest_first: bool = False) -> list[str]:
    """List the tables, such that each comes after those that its rows name; or before them."""
    names = [table.name for table in Base.metadata.sorted_tables]
    return names[::-1] if newest_first else names


def render(connection: psycopg.Connection, statement: str, name: str) -> str:
    """Write a statement about the table of that name."""
    return sql.SQL(statement).format(sql.Identifier(name)).as_string(connection)

"""A fresh database a test, of either kind, and what can befall it.

Every test in tests/functional runs on both unless it says `on_sqlite` or `on_postgresql`; other
tests run on SQLite unless they say `on_both`.
"""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from psycopg import sql

from repoman.models import Base
from tests.postgres import Cluster

on_sqlite = pytest.mark.parametrize("backend", ["sqlite"])
on_postgresql = pytest.mark.parametrize("backend", ["postgresql"])
on_both = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])


class Database(Protocol):
    """A migrated database of the test's own."""

    url: str
    """As for the setting ``sqlalchemy.url``."""

    def uninitialised(self) -> str:
        """Return the URL of another, one that ``repoman-admin init`` has not seen yet."""

    def locked(self, *, reading: bool = False) -> AbstractContextManager[None]:
        """Let somebody else hold what it takes to change anything; with ``reading``, to read."""

    def gone(self) -> AbstractContextManager[None]:
        """Take it away for a while."""

    def emptied(self) -> AbstractContextManager[None]:
        """Put one without tables in its place for a while."""

    def remove(self) -> None:
        """Take it away for good."""

    def exists(self) -> bool:
        """Say whether there is one."""

    def back_up(self) -> Callable[[], None]:
        """Take a copy, and return what puts it in place of what is there then."""


SQLITE_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
for statement in sys.argv[2:]:
    connection.execute(statement)
print("locked", flush=True)
sys.stdin.readline()
"""


class SqliteDatabase:
    """A file, ``path``; see `Database`."""

    def __init__(self, path: Path, template: Path) -> None:
        self.path, self.url = path, f"sqlite:///{path}"
        shutil.copy(template, path)

    def uninitialised(self) -> str:
        return f"sqlite:///{self.path.parent}/new folder/db.sqlite"

    @contextmanager
    def locked(self, *, reading: bool = False) -> Iterator[None]:
        statements = ["PRAGMA locking_mode = EXCLUSIVE"] if reading else []
        command = [sys.executable, "-c", SQLITE_HOLDER, str(self.path), *statements]
        process = subprocess.Popen(
            [*command, "BEGIN EXCLUSIVE"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            process.communicate("release\n", timeout=10)

    def gone(self) -> AbstractContextManager[None]:
        return moved_away(self.path)

    @contextmanager
    def emptied(self) -> Iterator[None]:
        with self.gone():
            self.path.touch()
            yield
            self.remove()

    def remove(self) -> None:
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()

    def exists(self) -> bool:
        return self.path.exists()

    def back_up(self) -> Callable[[], None]:
        copy = self.path.with_name("backup")
        with (
            closing(sqlite3.connect(self.path)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)

        def restore() -> None:
            self.remove()
            shutil.copy(copy, self.path)

        return restore


class PostgresDatabase:
    """One of a server's databases, ``name``; see `Database`."""

    def __init__(self, cluster: Cluster, template: str) -> None:
        self._cluster = cluster
        self.name = cluster.create(template)
        self.url = cluster.url(self.name)
        self._made: list[str] = []
        self.spoilt = False
        """Whether it is for no other test."""

    def close(self) -> None:
        """Remove whatever was made."""
        self.close_others()
        self._cluster.drop(self.name)

    def close_others(self) -> None:
        """Remove whatever was made besides it."""
        while self._made:
            self._cluster.drop(self._made.pop())

    def uninitialised(self) -> str:
        self._made.append(self._cluster.create())
        return self._cluster.url(self._made[-1])

    @contextmanager
    def locked(self, *, reading: bool = False) -> Iterator[None]:
        tables = sql.SQL(", ").join(sql.Identifier(name) for name in Base.metadata.tables)
        mode = sql.SQL("ACCESS EXCLUSIVE" if reading else "EXCLUSIVE")
        with psycopg.connect(self.url) as connection:
            connection.execute(sql.SQL("LOCK TABLE {} IN {} MODE").format(tables, mode))
            yield

    def gone(self) -> AbstractContextManager[None]:
        self.spoilt = True
        return self._cluster.closed(self.name)

    @contextmanager
    def emptied(self) -> Iterator[None]:
        self.spoilt = True
        self._made.append(f"{self.name}_away")
        self._cluster.rename(self.name, self._made[-1])
        self._cluster.create(name=self.name)
        yield
        self._cluster.drop(self.name)
        self._cluster.rename(self._made[-1], self.name)

    def remove(self) -> None:
        self.spoilt = True
        self._cluster.drop(self.name)

    def exists(self) -> bool:
        return self._cluster.has(self.name)

    def back_up(self) -> Callable[[], None]:
        self.spoilt = True
        self._cluster.disconnect(self.name)
        copy = self._cluster.create(self.name)
        self._made.append(copy)

        def restore() -> None:
            self._cluster.drop(self.name)
            self._cluster.rename(copy, self.name)

        return restore


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    """Take a file or folder away for a while, SQLite's log with its database.

    Fail where somebody put another in its place.
    """
    away = path.parent / "away"
    away.mkdir()
    for each in path.parent.glob(f"{path.name}*"):
        each.rename(away / each.name)
    try:
        yield
        assert not path.exists()
    finally:
        for each in away.iterdir():
            each.rename(path.parent / each.name)
        away.rmdir()

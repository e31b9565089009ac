"""The declarative base, the column types that both databases share, and the engine."""

import select
import sqlite3
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from sqlalchemy import DateTime, Engine, Integer, MetaData, String, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import BigInteger, TypeDecorator

from repoman.settings import InvalidSetting, Settings

WRITES = "repoman_writes"
"""Execution option of an engine whose transactions will change something."""

BRIEFLY = "repoman_briefly"
"""Execution option of an engine whose changes may as well be made another time."""

PATIENCE = 100
"""How many milliseconds such a change waits for a lock."""

NEVER_REUSE_IDS = {"sqlite_autoincrement": True}
"""Table argument: an id remembered over a long transfer must not have become another row's."""


class Base(DeclarativeBase):
    """All tables; constraints are named so that Alembic can find them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, kept without its zone because SQLite keeps none."""

    impl = DateTime
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What the column's values are."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Aware to naive UTC."""
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Naive UTC to aware."""
        return value and value.replace(tzinfo=UTC)


def collated(length: int | None = None) -> String:
    """Text that PostgreSQL compares by code point, as SQLite does: both sort and page alike."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


# SQLite numbers rows by itself only in an INTEGER PRIMARY KEY.
Key = BigInteger().with_variant(Integer, "sqlite")


def now() -> datetime:
    """Return this moment in UTC, in whole seconds, which is what the API shows."""
    return datetime.now(UTC).replace(microsecond=0)


class _SqliteFile:
    """Opens an existing file only: a database that has gone must not come back empty.

    A connection outlives its file: what it wrote to one deleted or replaced meanwhile would be
    lost without a word. So a pooled connection is used only while its file is the one at ``path``.
    """

    def __init__(self, path: Path, timeout: int) -> None:
        self.path, self.timeout = path, timeout

    def connect(self) -> sqlite3.Connection:
        """Open the file. Raises `sqlite3.OperationalError` where there is none."""
        uri = f"file:{quote(str(self.path))}?mode=rw"
        # isolation_level None: the "begin" event below says BEGIN, not the driver.
        connection = sqlite3.connect(
            uri, uri=True, timeout=self.timeout, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL"):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    def remember(self, connection: Any, record: Any) -> None:
        """Note of a new connection which file it has open."""
        record.info["file"] = self._identity()

    def check(self, connection: Any, record: Any, proxy: Any) -> None:
        """Have the pool connect anew where ``path`` names another file by now, or none."""
        if record.info["file"] is None or record.info["file"] != self._identity():
            raise InvalidatePoolError(f"{self.path} is not the file that it was")

    def begin(self, connection: Connection) -> None:
        """Take the write lock at once where a change is to follow.

        A transaction that reads first and writes later fails with "database is locked" as soon as
        somebody else has written in between, whatever the busy timeout.
        """
        options = connection.get_execution_options()
        if not options.get(BRIEFLY):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES) else "BEGIN")
            return
        usual = self.timeout * 1000
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {min(PATIENCE, usual)}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            # The connection is the pool's: the next one to have it waits as long as it may.
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {usual}")

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _check_postgres(connection: Any, record: Any, proxy: Any) -> None:
    """Have the pool connect anew where the server has hung up.

    A server that ends a connection says so on it, and an idle one is silent otherwise: to look
    costs microseconds, where asking (``pool_pre_ping``) costs a round trip for each checkout.
    """
    waiting = select.poll()
    try:
        waiting.register(connection.fileno(), select.POLLIN)
        said = waiting.poll(0)
    except psycopg.Error:
        said = [(-1, select.POLLHUP)]
    if said:
        raise InvalidatePoolError("The database has ended the connection.")


def _begin_postgres(connection: Connection, usual: int) -> None:
    """Shorten the wait for locks, else ``usual`` milliseconds, where `BRIEFLY` says so."""
    if connection.get_execution_options().get(BRIEFLY):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {min(PATIENCE, usual)}")


def make_engine(settings: Settings) -> Engine:
    """Make the engine; nothing is connected yet.

    Raises `InvalidSetting` for a URL of neither SQLite (with a file) nor PostgreSQL.
    """
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError) as error:
        raise InvalidSetting("sqlalchemy.url", str(error)) from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database and url.database != ":memory:":
        file = _SqliteFile(Path(url.database), settings.database_timeout)
        engine = create_engine(url, creator=file.connect, hide_parameters=True)
        event.listen(engine, "begin", file.begin)
        event.listen(engine, "connect", file.remember)
        event.listen(engine, "checkout", file.check)
        return engine
    if backend == "postgresql":
        asked = url.query.get("options", "")
        # To PostgreSQL 0 is no limit.
        lock_timeout = settings.database_timeout * 1000 or 1
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            connect_args={
                "connect_timeout": settings.database_timeout or 1,
                # A server that vanished without a word, as with its machine or the network.
                "keepalives_idle": 30,
                "tcp_user_timeout": (settings.database_timeout or 1) * 1000,
                # What the URL itself asks for goes before, for it stands in this one argument.
                "options": f"{asked} -c lock_timeout={lock_timeout}ms",
            },
        )
        event.listen(engine, "begin", partial(_begin_postgres, usual=lock_timeout))
        event.listen(engine, "checkout", _check_postgres)
        return engine
    raise InvalidSetting(
        "sqlalchemy.url", "it must be sqlite:////path/to/file or postgresql://host/database"
    )


class Sessions:
    """Makes sessions over one engine: for reading, for one statement alone, and for a change.

    ``trying`` is for a change that is better not made than waited for.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # What is read in one request is of one moment, as on SQLite: a list must not show by its
        # second query what its first would not choose any more.
        snapshot = engine
        if engine.dialect.name == "postgresql":
            snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
        self.reading: sessionmaker[Session] = sessionmaker(snapshot, expire_on_commit=False)
        # One statement needs no transaction, which takes two round trips to begin and to end.
        single = engine
        if engine.dialect.name == "postgresql":
            single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.asking: sessionmaker[Session] = sessionmaker(single, expire_on_commit=False)
        self.changing: sessionmaker[Session] = sessionmaker(
            engine.execution_options(**{WRITES: True}), expire_on_commit=False
        )
        self.trying: sessionmaker[Session] = sessionmaker(
            engine.execution_options(**{WRITES: True, BRIEFLY: True}), expire_on_commit=False
        )

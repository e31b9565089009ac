"""The database as a text that SQLite and PostgreSQL both can take in: JSON, a line for each row.

A table begins with the line ``{"table": …, "columns": […], "last_id": …}``, and its rows follow as
arrays. The tables are all that there are, each after those that it refers to.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Table, select

from repoman.models import Base, Blob, Image, ImageFile, Sessions, Upload, User
from repoman.services.backup import last_ids

BATCH = 1000
"""Rows that are in memory at once."""

TRANSIENT = frozenset({Upload.__tablename__})
"""Tables whose rows are left out: partial files are in no backup."""


class DumpUnreadable(Exception):
    """A line is not what this version of Repoman writes."""


@contextmanager
def snapshot(sessions: Sessions) -> Iterator[Connection]:
    """Begin a transaction that sees the database as it is at one moment, and disturbs nobody."""
    options: dict[str, Any] = {}
    if sessions.engine.dialect.name == "postgresql":
        # What a transaction of SQLite in WAL mode is by itself.
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with sessions.engine.connect() as connection:
        yield connection.execution_options(**options)


def write(connection: Connection, file: BinaryIO) -> dict[str, int]:
    """Write every table; return the number of rows of each."""
    counts = {}
    for table in Base.metadata.sorted_tables:
        last_id, count = last_ids.read(connection, table), 0
        _write_line(
            file, {"table": table.name, "columns": table.columns.keys(), "last_id": last_id}
        )
        if table.name not in TRANSIENT:
            rows = connection.execute(
                select(table).order_by(*table.primary_key), execution_options={"yield_per": BATCH}
            )
            for row in rows:
                _write_line(file, list(row))
                count += 1
        counts[table.name] = count
    return counts


def _write_line(file: BinaryIO, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_iso)
    file.write(text.encode() + b"\n")


def _iso(value: Any) -> str:
    """Write what JSON has no word for. Raises TypeError for a type of column that is new here."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a dump cannot hold a {type(value).__name__}")


@dataclass(frozen=True)
class NamedBlob:
    """A blob as its row says: ``size`` in bytes, ``sha256`` in lower-case hex."""

    id: int
    uuid: str
    size: int
    sha256: str


@dataclass(frozen=True)
class _Head:
    """What stands before a table's rows."""

    table: Table
    columns: list[str]
    last_id: int | None

    @property
    def moments(self) -> list[str]:
        """The columns that are written as text though they are none."""
        return [one.name for one in self.table.columns if one.type.python_type is datetime]


class Dump:
    """A dump to be read, each time from its beginning. All raise `DumpUnreadable` and OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self, *wanted: str) -> Iterator[tuple[Table, dict[str, Any]]]:
        """Yield the rows of the tables named, or of all: by table, in the order of references."""
        moments: list[str] = []
        for head, line in self._lines():
            if line is None:
                moments = head.moments
            elif not wanted or head.table.name in wanted:
                try:
                    row = dict(zip(head.columns, json.loads(line), strict=True))
                    for name in moments:
                        row[name] = row[name] and datetime.fromisoformat(row[name])
                except (ValueError, TypeError):
                    raise DumpUnreadable(f"a row of {head.table.name} cannot be read") from None
                yield head.table, row

    def last_ids(self) -> dict[str, int | None]:
        """Return the highest id that each table has ever given."""
        return {head.table.name: head.last_id for head, line in self._lines() if line is None}

    def blobs(self) -> Iterator[NamedBlob]:
        """Yield every blob that the dump names."""
        for _, row in self.rows(Blob.__tablename__):
            yield NamedBlob(row["id"], row["uuid"], row["size"], row["sha256"])

    def images_of(self, blobs: set[int]) -> dict[int, list[str]]:
        """Say which images have these blobs, by the blob's id, as in ``alice/debian12 (kvm)``."""
        used = [
            (row["blob_id"], row["image_id"], row["hypervisor"])
            for _, row in self.rows(ImageFile.__tablename__)
            if row["blob_id"] in blobs
        ]
        wanted, names = {image for _, image, _ in used}, dict[int, str]()
        images = dict[int, str]()
        for table, row in self.rows(User.__tablename__, Image.__tablename__):
            if table.name == User.__tablename__:
                names[row["id"]] = row["name"]
            elif row["id"] in wanted:
                images[row["id"]] = f"{names[row['owner_id']]}/{row['name']}"
        found: dict[int, list[str]] = {blob: [] for blob in blobs}
        for blob, image, hypervisor in used:
            found[blob].append(f"{images[image]} ({hypervisor})")
        return found

    def _lines(self) -> Iterator[tuple[_Head, bytes | None]]:
        """Yield each table's head with None, and then with each line of a row."""
        head = None
        with open(self.path, "rb") as file:
            for line in file:
                if line.startswith(b"{"):
                    head = _read_head(line)
                    yield head, None
                elif head is not None:
                    yield head, line
                else:
                    raise DumpUnreadable("it begins with no table")


def _read_head(line: bytes) -> _Head:
    try:
        values = json.loads(line)
        table = Base.metadata.tables[values["table"]]
        head = _Head(table, values["columns"], values["last_id"])
        if set(head.columns) == set(table.columns.keys()):
            return head
    except (ValueError, KeyError, TypeError):
        pass
    raise DumpUnreadable("it has a table that this version of Repoman does not know")

"""A PostgreSQL of the tests' own, in a folder of its own, reached by a socket."""

import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from sqlalchemy import create_engine, text


@contextmanager
def cluster() -> Iterator["Cluster"]:
    """Start one, and remove it afterwards; skip the test where PostgreSQL is not installed."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not programs:
        pytest.skip("PostgreSQL is not installed (Debian package postgresql)")
    # Not pytest's folder, which only root can enter: PostgreSQL does not run as root.
    folder = tempfile.mkdtemp(prefix="repoman-postgresql-")
    user = {"user": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "postgres")

    def call(program, *arguments):
        command = [f"{programs[-1]}/{program}", "-D", f"{folder}/data", *arguments]
        subprocess.run(
            command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=60, **user
        )

    try:
        call("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        call("pg_ctl", "-o", options, "-l", f"{folder}/log", "-w", "start")
        try:
            yield Cluster(folder)
        finally:
            call("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


class Cluster:
    """Makes databases."""

    def __init__(self, folder: str) -> None:
        self.folder, self._numbers = folder, count()

    def database(self) -> str:
        """Make an empty one; return its URL."""
        name = f"test_{next(self._numbers)}"
        engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        engine.dispose()
        return self._url(name).replace("+psycopg", "")

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

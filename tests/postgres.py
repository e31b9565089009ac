"""A PostgreSQL server of the tests' own: made when the first test asks for it, gone after the last.

A shell holds it and stops it as soon as the pipe from the tests closes, so that nothing is left
behind either by Ctrl-C or where the tests are killed.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

PROGRAMS = ("initdb", "postgres", "pg_ctl")
DEBIAN = Path("/usr/lib/postgresql")
HOLDER = """
trap 'pg_ctl stop -m immediate >>log 2>&1; rm -rf "$PWD"' EXIT
initdb -U postgres -A trust -E UTF8 $1 --no-sync >log 2>&1 &&
pg_ctl start -w -t 60 -l log -o "-k $PWD $2" >>log 2>&1 &&
echo ready &&
read -r line
[ -e data/postmaster.pid ] || cat log
"""
# Most servers sort by a language and not by code point, as SQLite does.
ORDER = "--locale=C --locale-provider=icu --icu-locale=en"
# What makes a server durable would only make this one slow.
OPTIONS = (
    "-c listen_addresses='' -c max_connections=200 -c fsync=off -c full_page_writes=off "
    "-c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off "
    "-c jit=off -c max_wal_size=128MB -c min_wal_size=32MB"
)


class NoPostgres(Exception):
    """PostgreSQL cannot be had here; the message says what is missing and how to install it."""


def find_programs() -> Path:
    """Return the folder of `PROGRAMS`: that of the path's ``initdb``, or Debian's newest.

    Raises `NoPostgres`.
    """
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    debian = [folder for folder in DEBIAN.glob("*") if folder.name.isdecimal()]
    folders += [folder / "bin" for folder in sorted(debian, key=lambda one: -int(one.name))]
    for folder in folders:
        if all((folder / program).is_file() for program in PROGRAMS):
            return folder
    raise NoPostgres(
        f"there is no PostgreSQL server here, neither on PATH nor in {DEBIAN}; "
        "install the package postgresql (as root, make test does)"
    )


def find_user() -> pwd.struct_passwd | None:
    """Return whom to run the server as where we are root, which PostgreSQL refuses to be.

    Raises `NoPostgres`.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise NoPostgres(
            "PostgreSQL does not run as root, and there is no user postgres to run it as; "
            "install the package postgresql, or run the tests as another user"
        ) from None


def find_place() -> str:
    """Return where to make the server's folder: in memory where there is room, else in /tmp.

    On a busy disk a copy of the template takes ten times as long. Not in pytest's folder, nor in
    TMPDIR: the server's user could not enter the one, and in either the socket's path might take
    more than the 107 bytes that it can have.
    """
    memory = "/dev/shm"
    fits = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    return memory if fits else "/tmp"


class Cluster:
    """A running server, and the databases in it. It is reached by a socket that nobody else can."""

    def __init__(self) -> None:
        programs, user = find_programs(), find_user()
        self.folder = Path(tempfile.mkdtemp(prefix="repoman-pg-", dir=find_place()))
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        # In a session of its own, where Ctrl-C does not reach it before the tests have ended.
        self._holder = subprocess.Popen(
            ["/bin/sh", "-c", HOLDER, "sh", ORDER, OPTIONS],
            cwd=self.folder,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=user and [],
            env={
                "PATH": f"{programs}:/usr/bin:/bin",
                "PGDATA": f"{self.folder}/data",
                "LC_ALL": "C",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        if (first := self._holder.stdout.readline()) != "ready\n":
            raise RuntimeError(
                "PostgreSQL did not start:\n" + first + self._holder.communicate()[0]
            )
        self._admin = psycopg.connect(self.url("postgres", "postgres"), autocommit=True)
        self.run("CREATE ROLE repoman LOGIN")
        self._made = 0

    def url(self, name: str, user: str = "repoman") -> str:
        """Write the URL of a database, for an ordinary user as Repoman's is."""
        # With the port, since the environment of the tests may name another.
        return f"postgresql://{user}@/{name}?host={self.folder}&port=5432"

    def let_in(self, group: int) -> None:
        """Let a group of the system's reach the socket too."""
        os.chown(self.folder, -1, group)
        self.folder.chmod(0o710)

    def run(self, statement: str, *names: str) -> None:
        """Run a statement outside of the tests' databases; ``{}`` in it are names."""
        quoted = [sql.Identifier(name) for name in names]
        self._admin.execute(sql.SQL(statement).format(*quoted))

    def create(self, template: str = "template0", name: str | None = None) -> str:
        """Make a database, empty or as a copy of another, and return its name."""
        if name is None:
            self._made += 1
            name = f"repoman_{self._made}"
        # As files and not block by block: in half the time.
        self.run("CREATE DATABASE {} TEMPLATE {} OWNER repoman STRATEGY FILE_COPY", name, template)
        return name

    def drop(self, name: str) -> None:
        """Remove a database if it is there, whoever is connected to it."""
        self.run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def has(self, name: str) -> bool:
        """Say whether there is a database of that name."""
        found = self._admin.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        return found.rowcount == 1

    def rename(self, old: str, new: str) -> None:
        """Give a database another name; nobody is connected to it then."""
        self.disconnect(old)
        self.run("ALTER DATABASE {} RENAME TO {}", old, new)

    def disconnect(self, name: str) -> None:
        """End all connections to a database, and wait until they have ended."""
        self._admin.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
            [name],
        )

    @contextmanager
    def closed(self, name: str) -> Iterator[None]:
        """Let nobody into a database for a while: to its clients, the server is not there."""
        self.run("ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
        self.disconnect(name)
        try:
            yield
        finally:
            self.run("ALTER DATABASE {} ALLOW_CONNECTIONS true", name)

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._admin.close()
        self._holder.communicate(timeout=60)

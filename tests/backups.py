"""Sites to back up and to restore to, and all that is in one."""

import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import column, inspect, select, table, text

from repoman.models import Base, Blob, ImageFile, Sessions, make_engine
from repoman.scripts.admin import main as repoman_admin
from repoman.settings import Settings, read_settings
from tests.factories import FILE
from tests.postgres import Cluster

NEW = b"another virtual machine image" * 1000
COMMAND = str(Path(sys.executable).with_name("repoman-admin"))
TABLES = Base.metadata.tables | {"alembic_version": table("alembic_version", column("version_num"))}
WAITING = "Waiting for a backup, a restore or a gc to end.\n"


@dataclass
class Site:
    """An installation: its ini file, and what ``repoman-admin`` does with it."""

    ini: dict[str, str]
    config: Path

    @classmethod
    def make(cls, folder: Path, ini: dict[str, str], url: str | None = None) -> "Site":
        """Describe one in a folder; its database is at ``url``, or in a file that is not there."""
        folder.mkdir()
        changed = {
            "sqlalchemy.url": url or f"sqlite:///{folder}/repoman.sqlite",
            "repoman.store": str(folder / "store"),
        }
        return cls.of(ini | changed, folder / "site.ini")

    @classmethod
    def of(cls, ini: dict[str, str], config: Path) -> "Site":
        """Describe one that is there."""
        lines = [f"{key} = {value}".replace("%", "%%") for key, value in ini.items()]
        config.write_text("\n".join(["[app:main]", "use = egg:repoman", *lines, ""]))
        return cls(ini, config)

    def arguments(self, *command: object) -> list[str]:
        """Give the arguments of ``repoman-admin`` for a command here."""
        return ["--config", str(self.config), *map(str, command)]

    def run(self, *command: object, fails: bool = False) -> str:
        """Run a command; return what it prints, which with ``fails`` ends with one sentence."""
        result = CliRunner().invoke(repoman_admin, self.arguments(*command))
        assert result.exit_code == (1 if fails else 0), result.output
        assert isinstance(result.exception, SystemExit | None)
        if fails:
            assert result.stderr.startswith("Error: ")
            assert result.stderr.count("\n") == 1
        else:
            assert result.stderr == ""
        return result.output

    @cached_property
    def settings(self) -> Settings:
        return read_settings(self.ini)

    @property
    def store(self) -> Path:
        return self.settings.store

    def rows(self) -> dict[str, list[tuple]]:
        """Read every row of every table that the database itself says it has, but two kinds.

        ``upload`` holds what goes on in a server that is running, and each restore adds to
        ``audit`` that it took place.
        """
        sessions, found = self.sessions(), {}
        with sessions.engine.connect() as connection:
            for name in set(inspect(connection).get_table_names()) - {"upload", "sqlite_sequence"}:
                rows = connection.execute(select(TABLES[name])).mappings()
                shown = (str(sorted(row.items())) for row in rows)
                found[name] = sorted(row for row in shown if "repoman-admin restore" not in row)
        sessions.engine.dispose()
        return found

    def files(self) -> dict[str, bytes]:
        """Read every file of the store."""
        return contents(self.store)

    def sessions(self) -> Sessions:
        """Connect to the database; to be disposed of."""
        return Sessions(make_engine(self.settings))


def contents(folder: Path) -> dict[str, bytes]:
    """Read every blob of a store or of a backup, by key."""
    return {
        path.name: path.read_bytes() for path in (folder / "blobs").rglob("*") if path.is_file()
    }


def assert_whole(site: Site) -> None:
    """Check that no row lacks its blob, and that every blob is what its row says."""
    sessions, files = site.sessions(), site.files()
    with sessions.reading() as session:
        blobs = session.scalars(select(Blob)).all()
        named = session.scalars(select(ImageFile.blob_id)).all()
    sessions.engine.dispose()
    assert {blob.id for blob in blobs}.issuperset(named)
    for blob in blobs:
        assert len(files[blob.uuid]) == blob.size
        assert hashlib.sha256(files[blob.uuid]).hexdigest() == blob.sha256


def populate(people, sessions) -> None:
    """Put something into every table, and into every kind of column."""
    alice, bob, admin = people.alice, people.bob, people.admin
    people.join("crew", alice, bob, description="Die Ämter 🜚\nzwei Zeilen")
    admin.client.post_json("/api/users/bob", {"email": "bob@example.org", "full_name": "Bób"})
    alice.create(hypervisor="kvm,xen", description='"quoted", \\ and \u2028', os_type="linux")
    alice.upload()
    alice.upload(data=NEW)
    alice.upload(path="/api/images/raw/xen/debian12", data=FILE[::-1])
    alice.client.delete("/api/images/raw/debian12?version=1&purge=true")
    alice.create("gone")
    alice.upload("gone", b"1")
    alice.upload("gone", b"22")
    alice.client.delete("/api/images/raw/gone?version=1")
    alice.client.delete("/api/images/gone")
    alice.create("old", expires="2099-12-31T23:59:59Z", read_only=True)
    fields = {"group": "crew", "group_access": "write"}
    alice.client.post_json("/api/images/debian12", fields)
    alice.client.post("/api/images/debian12/share/user/bob")
    alice.client.post("/api/images/debian12/share/group/users")
    bob.create("mine", copy_of="alice/debian12")
    admin.client.post_json("/api/users/bob", {"suspended": True})
    with sessions.changing.begin() as session:
        connection = session.connection()
        # A reference to a row that comes later, and an upload under way.
        connection.exec_driver_sql(
            "UPDATE image SET copy_of_id = (SELECT id FROM image WHERE name = 'mine')"
            " WHERE name = 'old'"
        )
        connection.exec_driver_sql(
            "INSERT INTO upload"
            " (uuid, image_id, user_id, hypervisor, protocol, reserved, created, expires)"
            " SELECT '0123456789abcdef0123456789abcdef', id, owner_id, 'kvm', 'put', 0, created,"
            " expires FROM image WHERE name = 'old'"
        )


def manifest(folder) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def blob_in(folder, key) -> Path:
    return folder / "blobs" / key[:2] / key


def counts(output: str) -> dict[str, str]:
    """Read from the last line but the sentence how many files were copied, kept and so on."""
    line = next(line for line in output.splitlines() if "files: " in line)
    words = line.split("files: ")[1].split(";")[0].split(", ")
    return {word.split()[-1]: word.rsplit(" ", 1)[0] for word in words}


def execute(site: Site, statement: str):
    """Run a statement of SQL on a site's database; return its rows, if it has any."""
    sessions = site.sessions()
    with sessions.changing.begin() as session:
        result = session.execute(text(statement))
        found = result.freeze()() if result.returns_rows else None
    sessions.engine.dispose()
    return found


def empty_postgresql(cluster: Cluster) -> str:
    """Make a database without tables, and return its URL."""
    return cluster.url(cluster.create())

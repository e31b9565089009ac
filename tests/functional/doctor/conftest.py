"""A deployment of the embedded server that is well, for the tests that break it."""

import os
from pathlib import Path

import pytest

from repoman.storage.filesystem import FilesystemStore
from tests.databases import SqliteDatabase
from tests.doctor import Deployment, fake_timedatectl, serving


@pytest.fixture(autouse=True)
def right_clock(tmp_path, monkeypatch):
    """Have the machine's clock synchronised, for all that we know."""
    folder = fake_timedatectl(tmp_path / "programs", "yes")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.fixture
def deployment(tmp_path, ini, authority):
    """A deployment that is well, with an admin, and without a running server."""
    folder = tmp_path / "deployment"
    folder.mkdir()
    FilesystemStore(Path(ini["repoman.store"])).prepare()
    made = Deployment(folder, ini, authority)
    added = made.admin("user", "add", "admin", "--dn", "/O=Test Grid/CN=Admin", "--admin")
    assert added.exit_code == 0, added.output
    return made


@pytest.fixture(scope="session")
def served(tmp_path_factory, migrated_sqlite, authority):
    """Return a deployment with its server running; each test mends what it broke."""
    folder = tmp_path_factory.mktemp("served")
    database = SqliteDatabase(folder / "repoman.sqlite", migrated_sqlite)
    app = {"sqlalchemy.url": database.url, "repoman.store": str(folder / "store")}
    FilesystemStore(folder / "store").prepare()
    made = Deployment(folder, app, authority)
    made.database = database
    added = made.admin("user", "add", "admin", "--dn", "/O=Test Grid/CN=Admin", "--admin")
    assert added.exit_code == 0, added.output
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "ignore")
        with serving(made) as made.running:
            yield made

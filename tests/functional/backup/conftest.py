"""What the tests of backups share: a site, a folder, and sites to restore to."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.backups import COMMAND, Site
from tests.factories import FILE
from tests.wsgi import wait_for


@pytest.fixture
def backend() -> str:
    """SQLite: the tests for which the kind of database counts name both kinds themselves."""
    return "sqlite"


@pytest.fixture
def here(ini, tmp_path) -> Site:
    """The site of the test's application."""
    return Site.of(ini, tmp_path / "here.ini")


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where backups go."""
    return tmp_path / "backup"


@pytest.fixture
def image(people, remains):
    """Alice's image with a file; the file's key."""
    people.alice.create()
    people.alice.upload(status=201)
    (key,) = remains.blobs()
    return key


@pytest.fixture
def there(here, tmp_path) -> Site:
    """Another site, of which there is nothing but an ini file."""
    return Site.make(tmp_path / "there", here.ini)


@pytest.fixture
def restored(here, tmp_path, migrated_sqlite):
    """Restore a backup to a new site, and return that."""
    made = []

    def restore(folder, *options):
        place = tmp_path / f"restored-{len(made)}"
        made.append(Site.make(place, here.ini))
        shutil.copy(migrated_sqlite, place / "repoman.sqlite")
        made[-1].run("restore", folder, *options)
        return made[-1]

    return restore


@pytest.fixture
def midway(here, folder, image):
    """Begin a backup in another process, which waits in the midst of a file; return its end."""
    stored = here.store / "blobs" / image[:2] / image
    stored.rename(here.store / "aside")
    os.mkfifo(stored)
    command = [COMMAND, *here.arguments("backup", folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    writer = open(stored, "wb", buffering=0)  # noqa: SIM115 - closed by end()
    writer.write(FILE[:10_000])
    wait_for(lambda: list((folder / "partial").iterdir()))

    def end():
        (here.store / "aside").rename(stored)
        with writer:
            writer.write(FILE[10_000:])
        output = process.communicate(timeout=20)[0]
        return process.returncode, output

    yield end
    process.kill()
    process.communicate()
    writer.close()

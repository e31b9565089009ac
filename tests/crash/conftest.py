"""A server that these tests kill again and again, and an image of each test's own."""

import itertools
from contextlib import closing

import pytest

from tests.crash.site import CrashImage, Site, clean
from tests.databases import PostgresDatabase, SqliteDatabase

_numbers = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def quiet():
    """Keep Pyramid's warning about pkg_resources out of what the servers print."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "ignore")
        yield


@pytest.fixture(scope="session")
def sqlite_site(tmp_path_factory, authority, migrated_sqlite):
    """A server on SQLite for all tests."""
    home = tmp_path_factory.mktemp("crash")
    database = SqliteDatabase(home / "repoman.sqlite", migrated_sqlite)
    with closing(Site(home, database.url, authority)) as made:
        yield made


@pytest.fixture(scope="session")
def postgresql_site(tmp_path_factory, authority, postgres, migrated_postgres):
    """A server on PostgreSQL for all tests."""
    with (
        closing(PostgresDatabase(postgres, migrated_postgres)) as database,
        closing(Site(tmp_path_factory.mktemp("crash"), database.url, authority)) as made,
    ):
        yield made


@pytest.fixture
def site(request, backend):
    """The server on the test's database."""
    return request.getfixturevalue(f"{backend}_site")


@pytest.fixture
def image(site):
    """An image without a file; when it is purged and collected, nothing at all is left."""
    site.hang_up()
    made = CrashImage(site, f"image-{next(_numbers)}")
    yield made
    site.ask("DELETE", f"{made.url}?purge=true")
    assert clean(site) == 0


@pytest.fixture
def gc(site):
    """``repoman-admin gc`` on the test's database."""
    return site.collector

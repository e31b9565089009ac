"""What every test may use: a server's parts in a folder of the test's own, and people."""

import configparser
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from repoman.database import migrate
from repoman.models import Sessions, make_engine
from repoman.settings import Settings, read_settings
from tests import engines, standing
from tests.apache import installation as apache_installation
from tests.apache.front import Front
from tests.apache.httpd import NoApache
from tests.databases import Database, SqliteDatabase
from tests.disks import Disks, NoPrograms
from tests.factories import People
from tests.pki import CertificateAuthority
from tests.postgres import Cluster, NoPostgres
from tests.washing import Washed

ROOT = Path(__file__).parent.parent
MEMORY, ENOUGH = "/dev/shm", 8 << 30


def pytest_configure():
    """Share what can be, and have the tests' files in memory where there is room.

    Every commit and every file is synced: on a disk that others use too, that takes most of the
    time.
    """
    # Nobody keeps what the tests compile but the tests, and the many programs that they start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    engines.share()
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a skip into a failure in CI, where every part must be there."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"


@pytest.fixture(scope="session")
def authority() -> CertificateAuthority:
    """One certificate authority for all tests."""
    return CertificateAuthority()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory) -> Path:
    """A migrated SQLite file, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "repoman.sqlite"
    engine = make_engine(Settings(database_url=f"sqlite:///{path}", store=path.parent))
    migrate(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server for all tests, started when the first one asks for it."""
    try:
        cluster = Cluster()
    except NoPostgres as reason:
        pytest.skip(f"runs on PostgreSQL, and {reason}")
    yield cluster
    engines.kept.close()
    cluster.stop()


@pytest.fixture(scope="session")
def migrated_postgres(postgres) -> str:
    """The name of a migrated database, to be the template of others."""
    name = postgres.create()
    engine = make_engine(Settings(database_url=postgres.url(name), store=Path()))
    migrate(engine)
    engine.dispose()
    postgres.disconnect(name)
    return name


@pytest.fixture(scope="session")
def washed_postgres(postgres, migrated_postgres) -> Iterator[Washed]:
    """The database of the tests on PostgreSQL, one after the other."""
    washed = Washed(postgres, migrated_postgres)
    yield washed
    washed.close()


@pytest.fixture(scope="session")
def installation(tmp_path_factory) -> Iterator[apache_installation.Installation]:
    """Repoman installed for Apache, made when the first test asks for it."""
    base = tmp_path_factory.getbasetemp()
    # Each worker of xdist has a folder of its own in that of the run.
    run = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    try:
        with apache_installation.shared(run) as made:
            yield made
    except NoApache as reason:
        pytest.skip(f"runs under Apache, and {reason}")


@pytest.fixture(scope="session")
def front(installation, authority, postgres) -> Iterator[Front]:
    """An Apache for the functional tests."""
    if user := apache_installation.apache_user():
        postgres.let_in(user.pw_gid)
    made = Front(installation, authority)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def disks(tmp_path_factory) -> Disks:
    """Real disks, each made once."""
    try:
        return Disks(tmp_path_factory.mktemp("disks"))
    except NoPrograms as reason:
        pytest.skip(f"looks into real disks, and {reason}")


@pytest.fixture
def backend() -> str:
    """``sqlite``, ``postgresql``, or ``apache``, which is PostgreSQL behind a real Apache.

    In tests/functional, one after the other.
    """
    return "sqlite"


@pytest.fixture
def database(backend, request, tmp_path) -> Iterator[Database]:
    """A fresh, migrated database."""
    if backend == "sqlite":
        template = request.getfixturevalue("migrated_sqlite")
        yield SqliteDatabase(tmp_path / "repoman.sqlite", template)
        return
    washed = request.getfixturevalue("washed_postgres")
    yield washed.take()
    washed.give_back()


@pytest.fixture
def ini(tmp_path, database, backend, request) -> dict[str, str]:
    """The settings of ``test.ini``, with a fresh database and store. Change it before `app`."""
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.read(ROOT / "test.ini")
    section = dict(parser["app:main"])
    section.pop("use")
    store = tmp_path / "store"
    if backend == "apache":
        store = request.getfixturevalue("front").new_store()
    return section | {"sqlalchemy.url": database.url, "repoman.store": str(store)}


@pytest.fixture
def settings(ini) -> Settings:
    """The same, typed."""
    return read_settings(ini)


@pytest.fixture
def sessions(settings) -> Iterator[Sessions]:
    """The test's own way to the database, besides the application's."""
    made = Sessions(make_engine(settings))
    yield made
    made.engine.dispose()


@pytest.fixture
def application(ini, backend, database, request) -> Iterator[Callable]:
    """The WSGI application."""
    if backend == "apache":
        with closing(request.getfixturevalue("front").application(ini)) as remote:
            yield remote
        # Of a request that was broken off nobody knows when it ends.
        database.spoilt = database.spoilt or remote.broke_off
        return
    with standing.serving(ini) as made:
        yield made


@pytest.fixture
def people(application, sessions, authority) -> People:
    """People with registered certificates, each with a client of the application."""
    return People(application, sessions, authority)

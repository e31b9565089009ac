"""What the tests through WebTest share: clients, and an image whose file must stay."""

import pytest

from tests.wsgi import Kept, Remains


def pytest_collection_modifyitems(items):
    """Run a test on PostgreSQL behind Apache, or in this process where it must look into it."""
    items[:] = [item for item in items if backend_of(item) != left_out(item)]


def backend_of(item) -> str | None:
    """Return what a test runs on."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("backend") if callspec else None


def left_out(item) -> str:
    """Return the one of the two on PostgreSQL that a test goes without."""
    if item.get_closest_marker("in_process") or "backend" not in item.fixturenames:
        return "apache"
    return "postgresql"


@pytest.fixture(params=["sqlite", "postgresql", "apache"])
def backend(request) -> str:
    """SQLite, and one of the others: see above. `tests.databases.on_sqlite` is for one alone."""
    return request.param


@pytest.fixture
def alice(people):
    """A client that shows alice's certificate."""
    return people.alice.client


@pytest.fixture
def admin(people):
    """A client that shows an admin's certificate."""
    return people.admin.client


@pytest.fixture
def remains(sessions, settings) -> Remains:
    """What is in the store and in its tables."""
    return Remains(sessions, settings.store)


@pytest.fixture
def kept(people, remains) -> Kept:
    """Alice's image with a file."""
    return Kept(people.alice, remains)

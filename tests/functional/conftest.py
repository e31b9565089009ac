"""What the tests through WebTest share: clients, and an image whose file must stay."""

import pytest

from tests.wsgi import Kept, Remains


def pytest_collection_modifyitems(items):
    """Leave out, behind Apache, the tests that look into the application's process."""
    items[:] = [item for item in items if not (is_behind_apache(item) and is_in_process(item))]


def is_behind_apache(item) -> bool:
    """Say whether a test is one of a `backend` that is in another process."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and callspec.params.get("backend") == "apache"


def is_in_process(item) -> bool:
    """Say whether a test, its class or its module is marked so."""
    return item.get_closest_marker("in_process") is not None


@pytest.fixture(params=["sqlite", "postgresql", "apache"])
def backend(request) -> str:
    """All, one after the other; `on_sqlite` in `tests.databases` is for tests of one alone."""
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

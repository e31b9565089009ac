"""What the tests through WebTest share: clients, and an image whose file must stay."""

import pytest

from tests.wsgi import Kept, Remains


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request) -> str:
    """Both, one after the other; `tests.databases.on_sqlite` is for tests of one alone.

    PostgreSQL is behind a real Apache (`apache`) where what a web server does to requests and
    answers is at stake, which modules are marked for (`through_apache`): certificates, bodies,
    files, headers, names in URLs, errors. Not for tests in them that are marked `in_process`.
    """
    marked = request.node.get_closest_marker
    behind = marked("through_apache") and not marked("in_process")
    return "apache" if request.param == "postgresql" and behind else request.param


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

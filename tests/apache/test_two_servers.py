"""Two httpds, as on two machines, and the collector, at work on one PostgreSQL and one store."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from repoman.models import Sessions, make_engine
from repoman.settings import Settings
from tests import hammered
from tests.apache.installation import apache_user
from tests.apache.remote import Remote
from tests.apache.site import Site
from tests.factories import People, Person
from tests.hammer import TURNS, Hammer
from tests.server.running import wait_until
from tests.wsgi import Remains

HAMMERS = 4


@pytest.fixture
def sites(installation, certificates, postgres):
    """Start both."""
    if user := apache_user():
        postgres.let_in(user.pw_gid)
    url = postgres.url(postgres.create())
    started = [Site(installation, "first", database=url)]
    try:
        started.append(Site(installation, "second", database=url, beside=started[0]))
        yield started
    finally:
        for site in started:
            site.stop()


@pytest.fixture
def sessions(sites):
    """Open the tests' own way to the database."""
    made = Sessions(make_engine(Settings(database_url=sites[0].database, store=sites[0].store)))
    yield made
    made.engine.dispose()


@contextmanager
def collecting(site):
    """Run the collector again and again; give what it has printed."""
    printed, ended = [], threading.Event()

    def collect():
        while not ended.is_set():
            printed.append(site.admin("gc", "--grace", "2", "--trash-ttl", "0"))

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(collect)
        try:
            yield printed
        finally:
            ended.set()
        running.result()


@pytest.fixture
def fronts(sites):
    """Return the application of each."""
    made = [Remote(site.port, site.folder) for site in sites]
    yield made
    for remote in made:
        remote.close()


@pytest.fixture
def people(fronts, sessions, authority, certificates):
    """Return people of the first server; the site has its admin already."""
    made = People(fronts[0], sessions, authority)
    chief = certificates.administrator
    made.admin = Person("admin", chief, made.client(chief))
    return made


def test_two_servers_and_the_collector_do_not_harm_each_other(sites, fronts, people, sessions):
    hammered.prepare(people)
    everybody = (people.alice, people.bob, people.admin)
    environs = {person.name: person.client.extra_environ for person in everybody}

    def work(number):
        hammer = Hammer(number, fronts[number % 2], environs)
        for turn in range(TURNS):
            hammer.work(turn)
        return hammer.statuses, hammer.contested, hammer.shared

    with collecting(sites[0]) as printed, ThreadPoolExecutor(HAMMERS) as pool:
        answers = list(pool.map(work, range(HAMMERS)))
        # The files of the images that were deleted go while the rest is looked at.
        hammered.check(people, answers)
        remains = Remains(sessions, sites[0].store)
        # By an image of each turn's with an earlier version, and by the shared one with three.
        named = 2 * HAMMERS * TURNS + 4
        assert wait_until(lambda: len(remains.files()) == named, 60), printed
    hammered.check(people, answers)
    assert remains.files() == remains.blobs()
    assert not remains.partials() | remains.uploads()

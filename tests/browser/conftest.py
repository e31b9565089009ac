"""A browser, a server, people, and `browse`, by which a test has a page that is watched."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import WIDE, Chromium
from tests.browser.relay import Relay
from tests.browser.site import Person, Site, Trust
from tests.browser.watching import Watch


@pytest.fixture(scope="session", autouse=True)
def quiet():
    """Keep Pyramid's warning about pkg_resources out of what the servers print."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "ignore")
        yield


@pytest.fixture(scope="session")
def trust(tmp_path_factory, authority) -> Trust:
    """What the browser trusts: it must know before it starts."""
    return Trust(tmp_path_factory.mktemp("trust"), authority)


@pytest.fixture(scope="session")
def chromium(trust) -> Iterator[Chromium]:
    """The browser, started when the first test asks for it."""
    with closing(Chromium(trust)) as made:
        yield made


@pytest.fixture(scope="session")
def site(tmp_path_factory, trust, migrated_sqlite) -> Iterator[Site]:
    """The server of all tests: what they make there has names of their own."""
    with closing(Site(tmp_path_factory.mktemp("site"), trust, migrated_sqlite)) as made:
        yield made


@pytest.fixture
def make_site(tmp_path_factory, trust, migrated_sqlite) -> Iterator[Callable[..., Site]]:
    """Start a server of the test's own, which takes two seconds, with settings as keywords."""
    with ExitStack() as stack:

        def make(**settings) -> Site:
            home = tmp_path_factory.mktemp("site")
            return stack.enter_context(closing(Site(home, trust, migrated_sqlite, **settings)))

        yield make


@pytest.fixture
def relay() -> Iterator[Callable[[Person], Relay]]:
    """Make a person's way to the server that can be cut: ``browse(ann, through=relay(ann))``."""
    with ExitStack() as stack:
        yield lambda person: stack.enter_context(closing(Relay(person)))


@pytest.fixture
def admin(site) -> Person:
    """A member of ``admins``."""
    return site.people["admin"]


@pytest.fixture
def ann(site) -> Person:
    """A user like any other."""
    return site.people["ann"]


@pytest.fixture
def bob(site) -> Person:
    """Another one."""
    return site.people["bob"]


@pytest.fixture
def stranger(site) -> Person:
    """Somebody whose certificate is no user's."""
    return site.people["stranger"]


@pytest.fixture
def soon(site) -> Person:
    """A user whose certificate ends in five days."""
    return site.people["soon"]


@dataclass
class Windows:
    """Opens pages, and watches them; see `browse`."""

    chromium: Chromium
    site: Site
    stack: ExitStack

    def __call__(
        self,
        person: Person | None = None,
        width: int = WIDE,
        *,
        dark: bool = False,
        javascript: bool = True,
        through: Relay | None = None,
        **options,
    ) -> Page:
        """Open a page in a fresh profile, nowhere yet, that shows the person's certificate.

        ``through`` a relay of the person's, by its port. Further ``options`` are Playwright's, of
        ``new_context``. ``page.watch`` is what is seen of it, `Watch`.
        """
        assert not through or through.person is person
        site = person.site if person else self.site
        origin = through.origin if through else site.origin
        pem = person.pem if person and not through else None
        options |= {"color_scheme": "dark" if dark else "light", "java_script_enabled": javascript}
        context = self.chromium.context(origin, pem, width, **options)
        watch = Watch(context, origin)
        self.stack.callback(context.close)
        self.stack.callback(watch.check)
        page = context.new_page()
        page.watch = watch
        return page


@pytest.fixture
def browse(chromium, site, relay) -> Iterator[Windows]:
    """Open pages: ``browse(ann)``, ``browse()`` without certificate; see `Windows`.

    The test fails where a page does what `Watch` forbids. Relays end after the pages that go
    through them, which may be asking for something still.
    """
    with chromium.in_use(), ExitStack() as stack:
        yield Windows(chromium, site, stack)

"""The pages that errors have in a browser: for eyes, for screen readers, by keyboard, narrow."""

import pytest

from tests.browser.axe import axe
from tests.browser.keyboard import walk
from tests.browser.looks import fits, shoot
from tests.browser.watching import visit

PAGES = {
    "certificate-required": (None, "/api/whoami", 401),
    "certificate-unknown": ("stranger", "/api/whoami", 403),
    "not-found": ("ann", "/nowhere", 404),
}


@pytest.fixture(params=PAGES)
def code(request):
    """An error's code."""
    return request.param


@pytest.fixture
def page(browse, site, code):
    """Its page."""
    who, path, status = PAGES[code]
    page = browse(site.people[who] if who else None)
    visit(page, path, status)
    return page


def test_error_page_has_no_barrier_fits_a_phone_and_lets_tab_through(page, code):
    assert page.locator("footer code").first.inner_text() == code
    axe(page)
    fits(page)
    walk(page)
    shoot(page, f"error-{code}")


@pytest.mark.parametrize("code", ["certificate-unknown"], indirect=True)
def test_who_is_not_registered_reads_the_own_distinguished_name(page, stranger):
    assert page.locator("code.copy").all_inner_texts() == [
        "/O=Test Grid/CN=Stranger",
        "/C=CA/O=Test Grid/CN=Test CA",
    ]

"""What fails a browser test by itself, on pages that do what none may."""

import asyncio

import pytest

from tests.browser.axe import axe
from tests.browser.keyboard import walk
from tests.browser.looks import fits
from tests.browser.watching import visit

STYLE = "document.body.setAttribute('style', 'color: red')"
FETCH = "url => fetch(url).then(() => null, () => null)"
ELSEWHERE = "http://localhost:9/x.js"
"""Nobody listens there."""


def raise_later(page):
    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw new Error('oh') })")


FORBIDDEN = {
    "console error": (lambda page: page.evaluate("console.error('oh')"), ["console: oh"]),
    "error that no script caught": (raise_later, ["script: Error: oh"]),
    "inline style": (lambda page: page.evaluate(STYLE), ["console: Applying inline style"]),
    "foreign request": (
        lambda page: page.goto("/api") and page.evaluate(FETCH, ELSEWHERE),
        ["foreign request: GET http://localhost:9", "request failed: GET http://localhost:9"],
    ),
    "refusal": (
        lambda page: page.goto("/api") and page.evaluate(FETCH, "/api/images/nowhere"),
        ["console: Failed to load resource: the server responded with a status of 404"],
    ),
    "answer of 500": (
        lambda page: page.goto("/broken"),
        ["answer: 500 to GET https://localhost", "console: Failed to load resource"],
    ),
}


def test_page_that_does_what_none_may_fails_its_test(browse, ann, subtests):
    page = browse(ann)
    # No request makes Repoman answer 500: that one comes from here.
    page.route("**/broken", lambda route: route.fulfill(status=500, body="oh"))
    visit(page, "/nowhere", 404)
    page.watch.check()
    for what, (misbehave, expected) in FORBIDDEN.items():
        with subtests.test(what):
            misbehave(page)
            with pytest.raises(AssertionError, match="did what none may") as failure:
                page.watch.check()
            assert [problem for problem in expected if problem not in str(failure.value)] == []
        visit(page, "/nowhere", 404)
        del page.watch.problems[:-1]
    page.watch.check()


def test_what_is_expected_and_does_not_come_fails_the_test_too(browse):
    page = browse()
    page.watch.expect("console: oh")
    with pytest.raises(AssertionError, match="not there"):
        page.watch.check()
    page.evaluate("console.error('oh')")


def test_download_is_no_failed_request(browse, ann):
    ann.create("watched")
    ann.upload("watched", b"a small disk")
    page = browse(ann)
    visit(page, "/api")
    with page.expect_download() as download:
        page.evaluate("() => { location = '/api/images/raw/watched' }")
    assert download.value.path().read_bytes() == b"a small disk"


def test_each_sees_what_the_own_certificate_shows(browse, ann, bob):
    for person in (ann, bob, ann.proxy()):
        page = browse(person)
        assert visit(page, "/api/whoami").json()["user_name"] == person.name
        visit(page, "/api/users/ann/images")


def test_asyncio_is_free_for_other_tests_while_the_browser_waits(chromium):
    asyncio.run(asyncio.sleep(0))
    with chromium.in_use(), pytest.raises(RuntimeError):
        asyncio.get_running_loop().run_until_complete(None)
    asyncio.run(asyncio.sleep(0))


def test_page_without_javascript_is_looked_at_all_the_same_but_not_by_axe(browse, ann):
    page = browse(ann, javascript=False)
    visit(page, "/nowhere", 404)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<a href=/api>Go</a>')")
    fits(page)
    assert [one.name for one in walk(page)][-1] == "Go"
    with pytest.raises(AssertionError, match="needs a page with JavaScript"):
        axe(page)

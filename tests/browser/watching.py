"""What no page may do, seen while a test uses it: errors of scripts, requests that fail."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, WebError

ABORTED = "net::ERR_ABORTED"
"""The page went elsewhere, a script gave up, an answer became a download: nothing failed."""


class Watch:
    """Collects the ``problems`` of all pages of a context, each a sentence.

    A console error (violations of the content security policy are such), an error that no script
    caught, a request to another ``origin`` than this, one that failed, an answer of 500 and
    more. Chromium also logs each answer of 400 and more as a console error.
    """

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.problems: list[str] = []
        self._context, self._origin = context, origin
        self._expected = set[str]()
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    def expect(self, pattern: str) -> None:
        """Take problems with this regular expression in them for what the test is about.

        Those from before and those to come. One at least must be there in the end.
        """
        self._expected.add(pattern)

    def check(self) -> None:
        """Fail the test where there was a problem, or where an expected one was not there."""
        self._context.cookies()  # a question that is answered after all that happened before
        found = list(self.problems)
        missing = [p for p in self._expected if not any(re.search(p, one) for one in found)]
        left = [one for one in found if not any(re.search(p, one) for p in self._expected)]
        assert not left, "The pages did what none may:\n" + "\n".join(left)
        assert not missing, f"Expected, and not there: {missing}"

    def _console(self, message: ConsoleMessage) -> None:
        where = message.location["url"]
        # Where a document names no icon, as one that is no HTML, Chromium asks for this one.
        if message.type == "error" and not where.endswith("/favicon.ico"):
            self.problems.append(f"console: {message.text} ({where})")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"script: {error.error.stack or error.error}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"data", "blob", "about"}:
            return
        if f"{parts.scheme}://{parts.netloc}" != self._origin:
            self.problems.append(f"foreign request: {request.method} {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != ABORTED:
            what = f"{request.method} {request.url} {request.failure}"
            self.problems.append(f"request failed: {what}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            what = f"{response.status} to {response.request.method} {response.url}"
            self.problems.append(f"answer: {what}")


def visit(page: Page, path: str, status: int = 200) -> Response:
    """Go to a page, which must have this status; that Chromium logs a refusal is expected."""
    answer = page.goto(path)
    assert answer.status == status, f"{answer.status} {page.url}: {answer.text()[:2000]}"
    if 400 <= status < 500:
        page.watch.expect(rf"^console: .* status of {status} .*\({re.escape(answer.url)}\)$")
    return answer

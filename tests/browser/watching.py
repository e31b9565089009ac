"""What no page may do, seen while a test uses it: errors of scripts, requests that fail."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError


class Watch:
    """Collects the ``problems`` of all pages of a context, each a sentence.

    A console error (violations of the content security policy are such), an error that no script
    caught, a request to another host than these ``origins``, one that failed, an answer of 500 and
    more. Chromium also logs each answer of 400 and more as a console error.
    """

    def __init__(self, context: BrowserContext, origins: Collection[str]) -> None:
        self.problems: list[str] = []
        self._origins, self._expected = frozenset(origins), set[str]()
        self._downloads = set[str]()
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)
        context.on("page", lambda page: page.on("download", self._download))

    def expect(self, pattern: str) -> None:
        """Take problems with this regular expression in them for what the test is about.

        Those from before and those to come. One at least must be there in the end.
        """
        self._expected.add(pattern)

    def check(self) -> None:
        """Fail the test where there was a problem, or where an expected one was not there."""
        found = [one for one in self.problems if not self._is_download(one)]
        missing = [p for p in self._expected if not any(re.search(p, one) for one in found)]
        left = [one for one in found if not any(re.search(p, one) for p in self._expected)]
        assert not left, "The pages did what none may:\n" + "\n".join(left)
        assert not missing, f"Expected, and not there: {missing}"

    def _is_download(self, problem: str) -> bool:
        """A download ends the navigation that it begins with."""
        return problem in {f"request failed: GET {url} net::ERR_ABORTED" for url in self._downloads}

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text} ({message.location['url']})")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"script: {error.error}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"data", "blob", "about"}:
            return
        if f"{parts.scheme}://{parts.netloc}" not in self._origins:
            self.problems.append(f"foreign request: {request.method} {request.url}")

    def _failed(self, request: Request) -> None:
        self.problems.append(f"request failed: {request.method} {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            what = f"{response.status} to {response.request.method} {response.url}"
            self.problems.append(f"answer: {what}")

    def _download(self, download) -> None:
        self._downloads.add(download.url)

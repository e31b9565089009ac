"""Debian's Chromium, driven by Playwright, and the windows that people have in it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from tests.browser.site import Trust
from tests.server.running import need

ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]
WIDE, NARROW, HEIGHT = 1280, 400, 900
"""CSS pixels."""


class Chromium:
    """One browser for all tests of a process; every test's windows are in contexts of their own.

    Playwright's event loop counts as running even between its calls, so that no other test could
    use asyncio. Here it does only while it is `in_use`.
    """

    def __init__(self, trust: Trust) -> None:
        program = need("chromium")
        with pytest.MonkeyPatch.context() as patch:
            # Playwright presents client certificates itself, by Node.js: that must trust us too.
            patch.setenv("NODE_EXTRA_CA_CERTS", str(trust.ca))
            self._playwright = sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        trusted = f"--ignore-certificate-errors-spki-list={trust.key_digest}"
        self._browser = self._playwright.chromium.launch(
            executable_path=program, args=[*ARGUMENTS, trusted]
        )
        asyncio._set_running_loop(None)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let Playwright's calls work in this block, and nothing else of asyncio."""
        asyncio._set_running_loop(self._loop)
        try:
            yield
        finally:
            asyncio._set_running_loop(None)

    def context(self, origin: str, pem: Path | None, width: int, **options: Any) -> BrowserContext:
        """Open a fresh profile, which shows the certificate in this file to this origin alone.

        ``options`` are further ones of Playwright's ``new_context``.
        """
        if pem:
            shown = {"origin": origin, "certPath": pem, "keyPath": pem}
            options["client_certificates"] = [shown]
        size = {"width": width, "height": HEIGHT}
        return self._browser.new_context(base_url=origin, viewport=size, **options)

    def close(self) -> None:
        """End the browser and Playwright's driver."""
        with self.in_use():
            self._browser.close()
            self._playwright.stop()

"""How a page looks: pictures of it, and whether it fits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.chromium import HEIGHT, NARROW
from tests.server.running import ROOT

WIDTHS = (NARROW, 1600)
DARK = "matchMedia('(prefers-color-scheme: dark)').matches"
SETTLE = """
() => document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime < Infinity)
    .forEach((one) => one.finish())
"""
"""Has every transition be at its end."""
TOO_WIDE = """
() => [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map((one) => `<${one.localName} id="${one.id}" class="${one.className}"> ends at ` +
        Math.round(one.getBoundingClientRect().right))
"""


def folder() -> Path:
    """Return where pictures go: ``REPOMAN_SCREENSHOTS``, else ``build/screenshots``."""
    return Path(os.environ.get("REPOMAN_SCREENSHOTS") or ROOT / "build" / "screenshots")


@contextmanager
def as_wide_as(page: Page, width: int) -> Iterator[None]:
    """Give the page another width in this block."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": HEIGHT})
    yield
    page.set_viewport_size(before)


def schemes(page: Page) -> Iterator[str]:
    """Make the page light, then dark, then as it was."""
    before = "dark" if page.evaluate(DARK) else "light"
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLE)
        yield scheme
    page.emulate_media(color_scheme=before)


def shoot(page: Page, name: str) -> list[Path]:
    """Take four pictures of the whole page, 400 and 1600 wide, light and dark.

    ``name`` says what is on it; the files are ``NAME-400-light.png`` and so on.
    """
    made = []
    for width in WIDTHS:
        with as_wide_as(page, width):
            for scheme in schemes(page):
                made.append(folder() / f"{name}-{width}-{scheme}.png")
                page.screenshot(path=made[-1], full_page=True, animations="disabled")
    return made


def fits(page: Page, width: int = NARROW) -> None:
    """Fail where the page must be scrolled sideways at this width."""
    with as_wide_as(page, width):
        needed = page.evaluate("document.documentElement.scrollWidth")
        offenders = page.evaluate(TOO_WIDE) if needed > width else []
    assert needed <= width, f"{page.url} is {needed} wide at {width}:\n" + "\n".join(offenders)

"""What the tests of uploads share: files on disk, and what a page shows of them."""

import hashlib
import os
import random
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.relay import Relay
from tests.browser.site import Person
from tests.browser.watching import visit

MIB = 1 << 20
CHOOSE, CARD = "#choose", "li.card"
LONG = 120_000
"""Milliseconds that an upload may take on a busy machine."""
BROKEN = r"net::ERR_|status of (423|409)"
"""What Chromium logs when a connection breaks, and while the server notices it."""


def make_disk(folder: Path, name: str, size: int) -> Path:
    """Write random bytes, always the same for the name, at a time of the past."""
    path = folder / name
    source = random.Random(name)
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write(source.randbytes(min(MIB, size - start)))
    os.utime(path, (1_700_000_000, 1_700_000_000.5))
    return path


def choose(page: Page, *paths: Path) -> Locator:
    """Choose files on the page of uploads, and return their cards."""
    if not page.url.endswith("/upload"):
        visit(page, "/upload")
    page.set_input_files(CHOOSE, paths)
    cards = page.locator(CARD)
    expect(cards).to_have_count(len(paths))
    return cards


def press(card: Locator, button: str) -> None:
    """Press a button of a card by the word that is seen."""
    card.locator("button:visible, summary:visible").filter(has_text=button).first.click()


def state(card: Locator, name: str, timeout: float = LONG) -> None:
    """Wait until a card's upload is ``running``, ``paused``, ``refused`` or ``done``."""
    expect(card.locator(".transfer")).to_have_attribute("data-state", name, timeout=timeout)


def break_at(link: Relay, page: Page, size: int) -> None:
    """Have the connection break after so many more bytes, and stay so."""
    page.watch.expect(BROKEN)
    link.cut_after(size)


def offsets(page: Page) -> list[int]:
    """Note from which byte on the page sends, request by request, but for empty ones."""
    noted: list[int] = []

    def note(request) -> None:
        if request.method == "PATCH" and request.headers.get("content-length") != "0":
            noted.append(int(request.headers["upload-offset"]))

    page.on("request", note)
    return noted


def assert_arrived(person: Person, image: str, disk: Path) -> None:
    """Check by SHA-256 that an image's file is this one, as it is downloaded and as it is shown."""
    with disk.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    shown = person.ask("GET", f"/api/images/{image}").json()
    assert shown["checksum"]["value"] == digest
    body = person.ask("GET", f"/api/images/raw/{image}").body
    assert hashlib.sha256(body).hexdigest() == digest

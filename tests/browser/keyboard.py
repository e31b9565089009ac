"""A page by keyboard alone: what Tab comes to, and whether one sees where it is."""

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.looks import SETTLE

SCRIPT = Path(__file__).with_name("keyboard.js").read_text("utf-8")
MOST = 500


@dataclass(frozen=True)
class Focused:
    """An element that Tab came to, as a screen reader says it; ``html`` is how it begins."""

    role: str
    name: str
    html: str


def walk(page: Page) -> list[Focused]:
    """Press Tab from the page's beginning to its end, and return what had the focus, in order.

    Fails where focus does not show, an element has no name for screen readers, or something that
    can be clicked or filled in is not reached.
    """
    page.evaluate(SCRIPT)
    page.evaluate("keys.start()")
    devtools = page.context.new_cdp_session(page)
    found, hidden, nameless = [], [], []
    for _ in range(MOST):
        page.keyboard.press("Tab")
        page.evaluate(SETTLE)
        seen = page.evaluate("keys.focused()")
        if seen is None:
            break
        if "again" in seen:
            continue
        role, name = _spoken(devtools)
        found.append(Focused(role, name, seen["html"]))
        hidden += [] if seen["visible"] else [seen["html"]]
        # A box that scrolls has the focus too, and needs no name.
        nameless += [seen["html"]] if seen["operable"] and not name else []
    devtools.detach()
    missed = page.evaluate("keys.missed()")
    problems = {"focus does not show": hidden, "Tab misses": missed, "without name": nameless}
    assert not any(problems.values()), f"{page.url} by keyboard: {problems}"
    return found


def _spoken(devtools) -> tuple[str, str]:
    """Ask the browser for role and accessible name of what has the focus."""
    one = devtools.send("Runtime.evaluate", {"expression": "document.activeElement"})
    tree = devtools.send(
        "Accessibility.getPartialAXTree",
        {"objectId": one["result"]["objectId"], "fetchRelatives": False},
    )
    node = tree["nodes"][0]
    return node["role"]["value"], node.get("name", {}).get("value", "")

"""axe-core: what keeps people with a screen reader, or with weak eyes, from using a page."""

from playwright.sync_api import Page

from tests.browser.looks import schemes
from tests.browser.npm import source

SCRIPTING = "matchMedia('(scripting: enabled)').matches"
RUN = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
    ({id, impact, help, nodes}) => ({id, impact, help, targets: nodes.map(
        (node) => `${node.target.join(" ")}: ${node.failureSummary}`)}))
"""


def axe(page: Page) -> None:
    """Fail where axe-core finds a violation, by light or by dark, each with rule and target.

    The page is not reloaded: what a test has opened or filled in is looked at too.
    """
    # Without, timers stand still, and axe-core would wait for ever.
    assert page.evaluate(SCRIPTING), "axe-core needs a page with JavaScript"
    if not page.evaluate("'axe' in window"):
        # Not by a script element, which the page's content security policy refuses.
        page.evaluate(source("axe-core/axe.min.js") + "; 0")
    lines: list[str] = []
    for scheme in schemes(page):
        for found in page.evaluate(RUN):
            lines.append(f"{scheme}: {found['id']} ({found['impact']}): {found['help']}")
            lines += [f"    {target}" for target in found["targets"]]
    assert not lines, f"axe-core on {page.url}:\n" + "\n".join(lines)

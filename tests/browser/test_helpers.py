"""The helpers that look at a page find fault with pages that have faults."""

import pytest

from tests.browser.axe import axe
from tests.browser.keyboard import walk
from tests.browser.looks import DARK, fits

HEAD = "<!doctype html><html lang=en><title>t</title><main><h1>t</h1>"
GOOD = f"""{HEAD}
<p><a href="#x">A link</a> <button aria-label="Press">x</button> <button disabled>No</button>
<a href="#y" hidden>No</a> <label>Name <input></label> <input type=hidden>
<label><input type=radio name=r checked> One</label> <label><input type=radio name=r> Two</label>
<div style="height: 3em; overflow: auto" role=region aria-label=Log tabindex=0>{"<p>x" * 9}</div>
</main>"""


@pytest.fixture
def show(browse):
    """Return a function that shows a page of the test's own."""
    page = browse()

    def show(html, style=""):
        page.set_content(f"{html}<style>{style}</style>")
        return page

    return show


def test_walk_says_what_a_screen_reader_says_and_stops_where_it_came_from(show):
    said = [(one.role, one.name) for one in walk(show(GOOD))]
    assert said == [
        ("link", "A link"),
        ("button", "Press"),
        ("textbox", "Name"),
        ("radio", "One"),
        ("region", "Log"),
    ]


FAULTS = [
    ("<a href='#x'>Here</a>", "a:focus { outline: none }", "'focus does not show': ['<a"),
    ("<a href='#x'>Here</a>", "a { outline: 1px solid #f000 }", "'focus does not show': ['<a"),
    ("<button tabindex=-1>Press</button>", "", "'Tab misses': ['<button"),
    ("<button></button>", "", "'without name': ['<button"),
]


def test_walk_finds_what_keyboards_cannot_use(show, subtests):
    for html, style, problem in FAULTS:
        with subtests.test(html + style):
            with pytest.raises(AssertionError) as failure:
                walk(show(HEAD + html, style))
            assert problem in str(failure.value)


def test_walk_takes_any_change_for_focus_that_shows(show, subtests):
    for style in (
        "a { transition: all 9s 9s } a:focus { outline: none; background: yellow }",
        "a:focus { outline: none } p:focus-within { box-shadow: 0 0 2px blue }",
    ):
        with subtests.test(style):
            assert len(walk(show(f"{HEAD}<p><a href='#x'>Here</a>", style))) == 1


def test_axe_names_rule_and_target_by_light_and_dark_and_leaves_the_scheme(show):
    axe(show(GOOD, "body { background: white; color: black }"))
    pale = "p { color: #888 } @media (prefers-color-scheme: light) { p { color: #000 } }"
    page = show(HEAD + "<img src='data:,'><p>Some text</p>", f"body {{ background: white }} {pale}")
    page.emulate_media(color_scheme="dark")
    with pytest.raises(AssertionError) as failure:
        axe(page)
    for line in ("light: image-alt (critical)", "dark: image-alt", "dark: color-contrast"):
        assert line in str(failure.value)
    assert "light: color-contrast" not in str(failure.value)
    assert "    img: " in str(failure.value)
    assert page.evaluate(DARK)


def test_page_that_is_too_wide_is_found_with_what_makes_it_so(show):
    fits(show(GOOD))
    page = show(HEAD + "<p id=wide style='width: 500px'>x")
    fits(page, 600)
    with pytest.raises(AssertionError, match='<p id="wide"'):
        fits(page)

"""Forms at a browser with JavaScript: the picker for times, and where the focus is afterwards."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.watching import visit

EDIT = "summary:text-is('Edit')"
NOTICE = ".notice:focus"


@pytest.fixture
def owner(site):
    return site.register()


def test_an_expiry_is_picked_in_the_readers_own_time(browse, owner):
    owner.create("debian12")
    page = browse(owner, timezone_id="Pacific/Auckland")
    visit(page, f"/images/{owner.name}/debian12")
    page.locator(EDIT).click()
    picker = page.get_by_label("Expires")
    expect(picker).to_have_attribute("type", "datetime-local")
    picker.fill("2030-06-01T12:00")
    page.locator("#edit button").click()
    expect(page.locator(NOTICE)).to_have_text("The image is changed.")
    url = "/api/images/debian12"
    assert owner.ask("GET", url).json()["expires"] == "2030-06-01T00:00:00Z"
    # What is not touched is sent to the second.
    owner.ask("POST", url, expires="2030-06-01T00:00:59Z")
    visit(page, f"/images/{owner.name}/debian12")
    page.locator(EDIT).click()
    expect(page.get_by_label("Expires")).to_have_value("2030-06-01T12:00")
    page.get_by_label("Description").fill("new")
    page.locator("#edit button").click()
    expect(page.locator(NOTICE)).to_be_visible()
    assert owner.ask("GET", url).json()["expires"] == "2030-06-01T00:00:59Z"
    page.locator(EDIT).click()
    page.get_by_label("Expires").fill("")
    page.locator("#edit button").click()
    expect(page.locator(NOTICE)).to_be_visible()
    assert owner.ask("GET", url).json()["expires"] is None


def test_a_refusal_has_the_focus_at_the_field_that_is_wrong_or_at_the_reason(browse, owner):
    for name in ("first", "taken"):
        owner.create(name)
    page = browse(owner)
    page.watch.expect("status of 409")
    page.watch.expect("status of 404")
    visit(page, f"/images/{owner.name}/first")
    page.locator(EDIT).click()
    page.get_by_label("Name", exact=True).fill("taken")
    page.locator("#edit button").click()
    expect(page.locator("#edit-name")).to_be_focused()
    expect(page.locator("#edit-name")).to_have_accessible_description(re.compile("choose another"))
    page.get_by_label("Person", exact=True).fill("nobody")
    page.locator("#share-user button").click()
    expect(page.locator("#share-user .refusal")).to_be_focused()

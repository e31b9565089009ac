"""Groups and users in a browser: registering by a file, members by completion, suspension."""

import pytest

from tests.browser.axe import axe
from tests.browser.looks import fits
from tests.browser.watching import visit


@pytest.fixture
def team(site, admin, ann, bob):
    """A group of which ann is the admin, bob a member; it has a name of the test's own."""
    name = site.register().name.replace("person", "team")
    admin.ask("POST", "/api/groups", name=name, description="Detectors", permissions="image_create")
    admin.ask("POST", f"/api/groups/{name}/admins", name="ann")
    admin.ask("POST", f"/api/groups/{name}/users", name="bob")
    return name


def members(person, team):
    return {
        url.rpartition("/")[2] for url in person.ask("GET", f"/api/groups/{team}").json()["users"]
    }


def test_an_admin_registers_somebody_by_a_file_and_they_get_in(browse, site, admin):
    zoe = site.somebody("zoe")
    file = site.home / "zoe-certificate.pem"
    file.write_text(zoe.holder.pem)
    page = browse(admin)
    visit(page, "/users")
    page.get_by_text("Register somebody").click()
    page.get_by_label("User name").fill("zoe")
    page.get_by_label("Full name", exact=True).fill("Zoe Zimmer")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Register", exact=True).click()
    page.wait_for_url("**/users/zoe")
    assert page.get_by_role("status").inner_text().startswith("Registered.")
    assert page.get_by_role("heading", level=1).inner_text() == "Zoe Zimmer"
    theirs = browse(zoe)
    visit(theirs, "/me")
    assert theirs.get_by_role("heading", level=1).inner_text() == "Zoe Zimmer"


def test_a_refused_registration_stays_open_at_its_reason(browse, admin):
    page = browse(admin)
    visit(page, "/users")
    page.watch.expect("status of 409")
    page.get_by_text("Register somebody").click()
    page.get_by_label("User name").fill("ann")
    page.get_by_label("Distinguished name").fill("/O=Test Grid/CN=Somebody Else")
    page.get_by_role("button", name="Register", exact=True).click()
    assert "already" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("User name").input_value() == "ann"
    axe(page)
    fits(page)


def test_an_admin_suspends_somebody_and_lets_them_in_again(browse, site, admin):
    person = site.register()
    page = browse(admin)
    visit(page, f"/users/{person.name}")
    page.locator("summary", has_text="Suspend").click()
    page.get_by_role("button", name=f"Suspend {person.name}").click()
    assert page.get_by_role("status").inner_text() == "The account is suspended."
    answer = person.ask("GET", "/api/whoami", fails=True)
    assert answer.headers["X-Repoman-Error"] == "account-suspended"
    page.get_by_role("button", name="Let in again").click()
    assert page.get_by_role("status").inner_text() == "The account is open again."
    person.ask("GET", "/api/whoami")


def test_a_groups_admin_adds_a_member_by_completion(browse, site, ann, team):
    person = site.register()
    page = browse(ann)
    visit(page, f"/groups/{team}")
    field = page.get_by_label("User name")
    field.press_sequentially(person.name[:-1])
    option = page.locator(f"datalist option[value='{person.name}']")
    option.wait_for(state="attached")
    field.fill(option.get_attribute("value"))
    page.get_by_role("button", name="Add to the group").click()
    assert page.get_by_role("status").inner_text() == "Added."
    assert members(ann, team) == {"ann", "bob", "admin", person.name}


def test_a_member_is_removed_by_keyboard_and_without_javascript(browse, ann, team):
    page = browse(ann, javascript=False)
    visit(page, f"/groups/{team}")
    page.get_by_role("button", name="Remove bob").focus()
    page.keyboard.press("Enter")
    page.get_by_text("bob is no longer in the group.").wait_for()
    assert members(ann, team) == {"ann", "admin"}

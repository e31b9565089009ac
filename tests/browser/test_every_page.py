"""Every page as people meet it: screen readers, keyboard, narrow and wide, light and dark."""

import re
from datetime import timedelta

import pytest

from repoman.models import StorageSample, now
from tests.browser.axe import axe
from tests.browser.keyboard import walk
from tests.browser.looks import fits, shoot
from tests.browser.watching import visit

DESCRIPTION = "Debian 12 with cloud-init.\nRoot logs in by key only."


@pytest.fixture(scope="session")
def furnished(site):
    """Give the site something to show, once."""
    admin, carol, dave = site.people["admin"], site.register("carol"), site.register("dave")
    site.people |= {"carol": carol, "dave": dave}
    admin.ask("POST", "/api/groups", name="physics", description="The physics cluster")
    for name in ("carol", "dave"):
        admin.ask("PUT", f"/api/groups/physics/users/{name}")
    admin.ask("PUT", "/api/groups/physics/admins/carol")
    admin.ask("POST", "/api/users/carol", quota="1G", full_name="Carol Lee")
    carol.create(
        "debian12",
        description=DESCRIPTION,
        os_type="linux",
        os_variant="debian12",
        os_arch="x86_64",
        hypervisor=["kvm", "xen"],
        group="physics",
        group_access="read",
    )
    for data in (b"first " * 5000, b"second " * 5000):
        carol.upload("debian12", data)
    carol.ask("PUT", "/api/images/debian12/share/user/dave")
    carol.create("alpine", read_only=True, expires="2030-01-01T00:00:00Z")
    dave.create("rocky9", group="physics", group_access="write")
    dave.upload("rocky9")
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "500000000"}
    carol.create("rescue")
    carol.ask("POST", "/api/images/raw/rescue", headers=tus)
    gone = carol.create("old")
    carol.ask("DELETE", "/api/images/old")
    with site.sessions.changing.begin() as session:
        for day in range(30):
            files = (40 + day + day % 7) << 30
            taken = now() - timedelta(days=30 - day)
            session.add(
                StorageSample(taken=taken, files=files, free=(200 << 30) - files, size=1 << 38)
            )
    return gone["uuid"]


PAGES = {
    "images": ("carol", "/images"),
    "images-all": ("carol", "/images?view=all"),
    "images-none": ("carol", "/images?q=nothing+like+it"),
    "images-trash": ("carol", "/images?state=deleted"),
    "image-own": ("carol", "/images/carol/debian12"),
    "image-shared": ("dave", "/images/carol/debian12"),
    "image-empty": ("carol", "/images/carol/alpine"),
    "image-admin": ("admin", "/images/carol/debian12"),
    "upload": ("carol", "/upload"),
    "groups": ("carol", "/groups"),
    "group": ("carol", "/groups/physics"),
    "group-member": ("dave", "/groups/physics"),
    "group-admin": ("admin", "/groups/physics"),
    "users": ("carol", "/users"),
    "users-admin": ("admin", "/users"),
    "user": ("carol", "/users/dave"),
    "user-admin": ("admin", "/users/carol"),
    "storage": ("admin", "/storage"),
    "me": ("carol", "/me"),
    "me-soon": ("soon", "/me"),
    "welcome": (None, "/"),
    "welcome-stranger": ("stranger", "/"),
}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_has_no_barrier_fits_every_width_and_is_used_by_keyboard(
    browse, site, furnished, name
):
    who, path = PAGES[name]
    page = browse(site.people[who] if who else None)
    visit(page, path)
    # What is folded is looked at too.
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    axe(page)
    fits(page)
    fits(page, 1600)
    walk(page)
    shoot(page, name)


def test_an_image_in_the_trash_has_no_barrier(browse, site, furnished):
    page = browse(site.people["carol"])
    visit(page, f"/images/{furnished}")
    axe(page)
    fits(page)
    shoot(page, "image-deleted")


def test_times_are_the_readers_own_with_utc_on_hover(browse, ann, furnished):
    page = browse(ann, timezone_id="Pacific/Auckland", locale="en-GB")
    visit(page, "/me")
    since = page.locator("dt:text-is('Member since') + dd time")
    utc = since.get_attribute("title")
    assert utc.endswith(" UTC")
    assert since.inner_text() != utc
    # As the British write it: 29 Nov 2026, 14:05.
    assert re.match(r"\d{1,2} [A-Z][a-z]+ \d{4}, \d\d:\d\d$", since.inner_text())
    plain = browse(ann, javascript=False)
    visit(plain, "/me")
    assert plain.locator("dt:text-is('Member since') + dd time").inner_text() == utc


def test_the_first_stop_of_tab_leads_past_the_navigation(browse, ann, furnished):
    page = browse(ann)
    visit(page, "/images")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

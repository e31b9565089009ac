"""Two people at their browsers: an image is described, shared, seen, copied, and taken away."""

import pytest

from tests.browser.watching import visit


@pytest.fixture
def owner(site):
    return site.register()


@pytest.fixture
def friend(site):
    return site.register()


def test_what_one_shares_the_other_sees_and_copies(browse, owner, friend):
    owner.create("debian12", description="For you")
    owner.upload("debian12")
    place = f"/images/{owner.name}/debian12"
    hers, his = browse(owner), browse(friend)
    visit(his, place, 404)
    visit(hers, place)
    # By keyboard alone, with the name completed.
    hers.get_by_label("Person", exact=True).focus()
    with hers.expect_response(lambda answer: "/api/users?" in answer.url):
        hers.keyboard.type(friend.name[:-1])
    suggested = hers.locator("#share-user datalist option")
    suggested.first.wait_for(state="attached")
    assert friend.name in [one.get_attribute("value") for one in suggested.all()]
    hers.get_by_label("Person", exact=True).fill(friend.name)
    hers.keyboard.press("Enter")
    hers.get_by_role("status").get_by_text("The image is shared.").wait_for()

    visit(his, "/images?view=shared")
    his.get_by_role("link", name="debian12").click()
    assert his.get_by_text("For you").is_visible()
    assert his.locator("#edit").count() == 0
    with his.expect_download() as downloading:
        his.get_by_role("link", name="Download").first.click()
    assert (
        downloading.value.path().read_bytes() == owner.ask("GET", "/api/images/raw/debian12").body
    )
    his.locator("summary:text-is('Copy')").click()
    his.get_by_label("Name of the copy").fill("mine")
    his.locator("#copy button").click()
    his.wait_for_url(f"**/images/{friend.name}/mine")

    hers.get_by_role("button", name=f"Remove {friend.name}").click()
    hers.locator(".notice").wait_for()
    visit(his, place, 404)
    visit(his, f"/images/{friend.name}/mine")


def test_an_image_is_edited_in_place_and_a_refusal_keeps_what_was_typed(browse, owner):
    owner.create("first")
    owner.create("taken")
    page = browse(owner)
    visit(page, f"/images/{owner.name}/first")
    page.get_by_text("Edit", exact=True).click()
    assert not page.locator(".shown").is_visible()
    page.get_by_label("Name", exact=True).fill("taken")
    page.get_by_label("Description").fill("Typed for long")
    page.watch.expect("status of 409")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Description").input_value() == "Typed for long"
    page.get_by_label("Name", exact=True).fill("second")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**/images/{owner.name}/second")
    assert page.locator(".shown").get_by_text("Typed for long").is_visible()


def test_a_deleted_image_comes_back_and_without_javascript_too(browse, owner):
    owner.create("debian12")
    owner.upload("debian12")
    page = browse(owner, javascript=False)
    visit(page, f"/images/{owner.name}/debian12")
    page.get_by_text("Delete the image", exact=True).click()
    page.get_by_role("button", name="Delete debian12").click()
    page.get_by_role("heading", name="In the trash").wait_for()
    page.get_by_role("button", name="Restore").click()
    page.wait_for_url(f"**/images/{owner.name}/debian12")
    owner.upload("debian12", b"a newer file")
    page.reload()
    page.get_by_role("button", name="Go back to version 1").click()
    page.locator(".notice").wait_for()
    assert owner.ask("GET", "/api/images/raw/debian12").body != b"a newer file"


def test_a_command_is_copied_by_its_button(browse, owner):
    owner.create("debian12", hypervisor="kvm")
    page = browse(owner, permissions=["clipboard-read", "clipboard-write"])
    visit(page, f"/images/{owner.name}/debian12")
    page.get_by_role("button", name="Copy: Upload the file for kvm").click()
    page.get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(
        "curl --cert me.pem --cacert ca.pem -T debian12.img https://localhost:"
    )

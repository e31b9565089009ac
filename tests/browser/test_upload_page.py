"""The page of uploads for eyes, screen readers and keyboards; what it says when it is refused."""

import struct

import pytest
from playwright.sync_api import expect

from tests.browser.axe import axe
from tests.browser.keyboard import walk
from tests.browser.looks import fits, shoot
from tests.browser.uploads import (
    CARD,
    CHOOSE,
    LONG,
    MIB,
    assert_arrived,
    break_at,
    choose,
    make_disk,
    press,
    state,
)
from tests.browser.watching import visit

SIZE = 4 * MIB
BACKED = struct.pack(">4sIQI", b"QFI\xfb", 2, 512, 10) + bytes(492) + b"/etc/passwd" + bytes(99_477)
"""The head of a qcow2 file that has another file read, wherever it is run."""


@pytest.fixture
def folder(tmp_path):
    """Where the test's files are."""
    return tmp_path


@pytest.fixture
def disk(folder):
    """A file to upload."""
    return make_disk(folder, "disk.img", SIZE)


def test_page_has_no_barrier_and_fits_a_phone_whatever_its_uploads_do(browse, site, relay, folder):
    person = site.register()
    link = relay(person)
    disks = [make_disk(folder, f"{name}.qcow2", SIZE) for name in ("done", "broken", "queued")]
    bad = folder / "bad.qcow2"
    bad.write_bytes(BACKED)
    page = browse(person, through=link)
    page.watch.expect("status of 422")
    done, broken, paused, ready, refused = choose(page, *disks, disks[0], bad).all()
    axe(page)
    shoot(page, "upload-chosen")
    names = [one.name for one in walk(page)]
    for name in ("Image name", "Hypervisor", "Start queued.qcow2", "Remove queued.qcow2"):
        assert name in names
    press(refused, "Start")
    state(refused, "refused")
    press(done, "Start")
    state(done, "done")
    break_at(link, page, SIZE // 2)
    press(broken, "Start")
    expect(broken).to_contain_text("It goes on by itself.", timeout=LONG)
    press(paused, "Start")
    expect(paused).to_contain_text("The server cannot be reached. It goes on by itself.")
    press(paused, "Pause")
    press(paused, "Discard")
    axe(page)
    fits(page)
    shoot(page, "upload")
    link.accept()
    state(broken, "done")
    state(ready, "ready")


def test_file_is_uploaded_by_keyboard_alone(browse, ann, relay, folder):
    link = relay(ann)
    disk = make_disk(folder, "keyboard.img", SIZE)
    page = browse(ann, through=link)
    visit(page, "/upload")
    page.locator(CHOOSE).focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(disk)
    expect(page.locator(CARD)).to_have_count(1)
    focused = page.locator(":focus")
    page.locator("[name=to]").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(focused).to_have_text("Start keyboard.img")
    break_at(link, page, SIZE // 2)
    page.keyboard.press("Enter")
    expect(page.locator(CARD)).to_contain_text("It goes on by itself.", timeout=LONG)
    expect(focused).to_have_text("Pause keyboard.img")
    page.keyboard.press("Enter")
    expect(focused).to_have_text("Go on keyboard.img")
    link.accept()
    page.keyboard.press("Enter")
    state(page.locator(CARD), "done")
    assert_arrived(ann, "keyboard", disk)


def test_changes_are_said_to_screen_readers_and_percents_are_not(browse, ann, relay, folder):
    link = relay(ann)
    disk = make_disk(folder, "said.img", 8 * SIZE)
    page = browse(ann, through=link)
    (card,) = choose(page, disk).all()
    expect(page.locator("#said")).to_have_text("1 file is listed below.")
    page.evaluate(
        """() => {
          window.said = [];
          const one = document.getElementById("said");
          new MutationObserver(() => said.push(one.textContent)).observe(one, {childList: true});
        }"""
    )
    assert page.locator("#said").get_attribute("role") == "status"
    press(card, "Start")
    state(card, "done")
    said = page.evaluate("said")
    assert said[0] == "said.img: Asking the server."
    assert said[-1] == "said.img: Uploaded."
    assert len(said) <= 4


def test_refusals_are_said_in_the_servers_words_and_the_upload_can_be_tried_again(
    browse, site, admin, relay, disk
):
    person = site.register()
    admin.ask("PATCH", f"/api/users/{person.name}", quota="1M")
    page = browse(person, through=relay(person))
    page.watch.expect("status of 413")
    (card,) = choose(page, disk).all()
    press(card, "Start")
    state(card, "refused")
    expect(card.locator(".refusal")).to_contain_text("quota")
    expect(page.locator("#said")).to_contain_text("quota")
    admin.ask("PATCH", f"/api/users/{person.name}", quota="1G")
    press(card, "Try again")
    state(card, "done")
    assert_arrived(person, "disk", disk)


def test_file_that_is_unsafe_is_refused_with_the_reason(browse, ann, relay, folder):
    path = folder / "unsafe.qcow2"
    path.write_bytes(BACKED)
    page = browse(ann, through=relay(ann))
    page.watch.expect("status of 422")
    (card,) = choose(page, path).all()
    press(card, "Start")
    state(card, "refused")
    expect(card.locator(".refusal")).to_contain_text("backing")


def test_file_goes_into_an_image_of_ones_own_whose_name_is_completed(browse, ann, relay, disk):
    ann.create("replaced", hypervisor=["xen", "lxc"])
    ann.ask("PUT", "/api/images/raw/ann/lxc/replaced", b"old")
    page = browse(ann, through=relay(ann))
    page.watch.expect("status of 409")
    (card,) = choose(page, disk).all()
    name = card.get_by_label("Image name")
    name.fill("replaced")
    name.blur()
    expect(card).to_contain_text("You have an image of this name.")
    press(card, "Start")
    expect(card.locator(".refusal")).to_contain_text("ann has an image 'replaced' already")
    card.locator("[name=to]").select_option("own")
    expect(card).to_contain_text("no file for this hypervisor yet")
    name.fill("")
    name.press_sequentially("repl")
    expect(card.locator("datalist option")).to_have_attribute("value", "replaced")
    name.fill("replaced")
    card.get_by_label("Hypervisor").select_option("lxc")
    press(card, "Start")
    state(card, "done")
    page.get_by_role("link", name="Go to the image ann/replaced").click()
    page.wait_for_load_state("networkidle")
    assert page.url.endswith("/images/ann/replaced")
    files = ann.ask("GET", "/api/images/replaced").json()["files"]
    assert files["lxc"]["size"] == SIZE
    assert "xen" not in files


def test_files_can_be_dropped_anywhere_on_the_page(browse, ann, relay):
    page = browse(ann, through=relay(ann))
    visit(page, "/upload")
    files = page.evaluate_handle(
        """() => {
          const made = new DataTransfer();
          made.items.add(new File(["some bytes"], "dropped.img", {lastModified: 1}));
          made.items.add(new File(["<b>"], "<b>dropped</b>.img", {lastModified: 1}));
          return made;
        }"""
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": files})
    expect(page.locator("#drop")).to_have_class("over")
    page.dispatch_event("body", "drop", {"dataTransfer": files})
    expect(page.locator(CARD)).to_have_count(2)
    first, second = page.locator(CARD).all()
    expect(second.get_by_role("heading")).to_have_text("<b>dropped</b>.img")
    expect(second.get_by_label("Image name")).to_have_value("b-dropped-b")
    press(first, "Start")
    state(first, "done")
    page.wait_for_load_state("networkidle")
    assert ann.ask("GET", "/api/images/raw/dropped").body == b"some bytes"


def test_file_that_was_removed_is_not_waited_for(browse, ann, relay, disk):
    page = browse(ann, through=relay(ann))
    (card,) = choose(page, disk).all()
    disk.unlink()
    press(card, "Start")
    expect(card.locator(".refusal")).to_contain_text("This file cannot be read")


def test_file_form_of_an_image_shows_progress_and_then_the_new_file(browse, ann, relay, disk):
    ann.create("form")
    link = relay(ann)
    page = browse(ann, through=link)
    visit(page, "/images/ann/form")
    page.set_input_files("#choose-kvm", disk)
    break_at(link, page, SIZE // 2)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("form .transfer")).to_contain_text("It goes on by itself.", timeout=LONG)
    expect(page.locator(":focus")).to_have_text("Pause disk.img")
    axe(page)
    fits(page)
    link.accept()
    expect(page.get_by_text("version 1,")).to_be_visible(timeout=LONG)
    page.wait_for_load_state("networkidle")
    assert_arrived(ann, "form", disk)


def test_without_javascript_a_form_makes_the_image_and_another_sends_its_file(browse, ann, disk):
    page = browse(ann, javascript=False)
    visit(page, "/upload")
    expect(page.locator(CHOOSE)).to_be_hidden()
    fits(page)
    page.get_by_label("Name", exact=True).fill("plain")
    page.get_by_role("button", name="Make the image").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("plain")
    page.set_input_files("#choose-kvm", disk)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator(".notice")).to_have_text("The file is here.")
    assert_arrived(ann, "plain", disk)


NAMES = {
    "debian12.qcow2": "debian12",
    "Débian 12 (new).qcow2.xz": "Debian-12-new",
    "disk.tar": "disk.tar",
    ".img": "image",
    "日本.img": "image",
    "raw.img": "image-raw",
    "0123456789abcdef0123456789ABCDEF.iso": "image-0123456789abcdef0123456789ABCDEF",
    "../../etc/passwd": "etc-passwd",
    "a" * 300: "a" * 256,
}


def test_proposed_names_are_such_as_the_api_takes(browse, ann):
    page = browse(ann)
    visit(page, "/me")
    script = "async (names) => names.map((await import('/static/names.js')).nameOf)"
    proposed = page.evaluate(script, list(NAMES))
    assert proposed == list(NAMES.values())
    for name in set(proposed):
        ann.create(name)


AMOUNTS = {
    "gib(0)": "0 GiB",
    "gib(1)": "< 0.001 GiB",
    "gib(314572800)": "0.293 GiB",
    "gib(13421772800)": "12.5 GiB",
    "speed(104857600)": "100 MiB/s",
    "left(20)": "less than a minute left",
    "left(100)": "about 2 min left",
    "left(3660)": "about 1 h 1 min left",
    "left(360000)": "about 100 h left",
}


def test_amounts_are_written_as_on_the_pages(browse, ann):
    page = browse(ann)
    visit(page, "/me")
    for call, text in AMOUNTS.items():
        assert page.evaluate(f"async () => (await import('/static/amounts.js')).{call}") == text

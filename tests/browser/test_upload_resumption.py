"""Uploads in a browser go on where they stopped, and send little twice."""

import os
import re

import pytest
from playwright.sync_api import expect

from tests.browser.uploads import (
    CARD,
    LONG,
    MIB,
    assert_arrived,
    break_at,
    choose,
    make_disk,
    offsets,
    press,
    state,
)
from tests.browser.watching import visit

SIZE = 24 * MIB


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the module's files are."""
    return tmp_path_factory.mktemp("disks")


@pytest.fixture
def link(ann, relay):
    """Ann's way to the server."""
    return relay(ann)


def test_300_mib_whose_connection_is_killed_in_the_middle_go_on_by_themselves(
    browse, ann, link, folder
):
    size = 300 * MIB
    disk = make_disk(folder, "killed.img", size)
    page = browse(ann, through=link)
    (card,) = choose(page, disk).all()
    sent = offsets(page)
    break_at(link, page, size // 2)
    press(card, "Start")
    expect(card).to_contain_text("It goes on by itself.", timeout=LONG)
    assert not link.is_open
    link.accept()
    state(card, "done")
    assert sent[0] == 0
    assert size // 4 < sent[-1] <= size // 2
    assert_arrived(ann, "killed", disk)
    assert size < link.upstream < 1.2 * size


def leave_midway(browse, ann, link, disk):
    """Send half of a file until the line breaks, and close the page; then the line is whole."""
    page = browse(ann, through=link)
    (card,) = choose(page, disk).all()
    break_at(link, page, SIZE // 2)
    press(card, "Start")
    expect(card).to_contain_text("It goes on by itself.", timeout=LONG)
    page.close()
    link.accept()


def test_file_chosen_again_after_the_tab_was_closed_goes_on_in_another_browser(
    browse, ann, link, folder
):
    disk = make_disk(folder, "clösed.img", SIZE)
    leave_midway(browse, ann, link, disk)
    other = browse(ann, through=link)
    visit(other, "/upload")
    listed = other.locator("[id^=upload-]").filter(has_text="clösed.img")
    expect(listed).to_have_count(1)
    sent = offsets(other)
    (card,) = choose(other, disk).all()
    state(card, "done")
    expect(card).to_contain_text("To ann/closed, for kvm")
    expect(listed).to_have_count(0)
    assert sent[0] >= SIZE // 4
    assert_arrived(ann, "closed", disk)
    assert SIZE < link.upstream < 1.2 * SIZE


def test_file_of_another_time_begins_anew_and_the_page_says_so(browse, ann, link, folder):
    disk = make_disk(folder, "changed.img", SIZE)
    leave_midway(browse, ann, link, disk)
    os.utime(disk)
    other = browse(ann, through=link)
    sent = offsets(other)
    (card,) = choose(other, disk).all()
    expect(card).to_contain_text("this one is sent from its first byte")
    state(card, "ready")
    card.locator("[name=to]").select_option("own")
    press(card, "Start")
    state(card, "done")
    assert sent[0] == 0
    assert_arrived(ann, "changed", disk)


def test_paused_upload_keeps_what_has_arrived_and_a_discarded_one_nothing(
    browse, ann, link, folder
):
    disks = [make_disk(folder, f"{name}.img", SIZE) for name in ("paused", "unwanted")]
    page = browse(ann, through=link)
    paused, discarded = choose(page, *disks).all()
    break_at(link, page, SIZE)
    page.get_by_role("button", name="Start all").click()
    for card in (paused, discarded):
        expect(card).to_contain_text("It goes on by itself.", timeout=LONG)
        press(card, "Pause")
        state(card, "paused")
    link.accept()
    names = {one["image"].rpartition("/")[2] for one in ann.ask("GET", "/api/uploads").json()}
    assert {"paused", "unwanted"} <= names
    press(discarded, "Discard")
    press(discarded, "Discard the upload")
    expect(page.locator(CARD)).to_have_count(1)
    names = {one["image"].rpartition("/")[2] for one in ann.ask("GET", "/api/uploads").json()}
    assert "paused" in names
    assert "unwanted" not in names
    press(paused, "Go on")
    state(paused, "done")
    assert_arrived(ann, "paused", disks[0])


def test_three_files_at_once_are_sent_by_two_and_all_arrive(browse, ann, link, folder):
    disks = [make_disk(folder, f"many-{number}.img", SIZE) for number in range(3)]
    page = browse(ann, through=link)
    cards = choose(page, *disks).all()
    break_at(link, page, SIZE)
    page.get_by_role("button", name="Start all").click()
    for card in cards[:2]:
        expect(card).to_contain_text("It goes on by itself.", timeout=LONG)
    expect(cards[2]).to_contain_text("Waiting for the others.")
    link.accept()
    for card, disk in zip(cards, disks, strict=True):
        state(card, "done")
        assert_arrived(ann, disk.stem, disk)


def test_upload_whose_last_answer_is_lost_is_known_to_be_done(browse, ann, link, folder):
    disk = make_disk(folder, "answered.img", 2 * MIB)
    page = browse(ann, through=link)
    page.watch.expect(r"net::ERR_|status of 404")
    sent = offsets(page)

    def lose(route) -> None:
        if route.request.method == "PATCH":
            ann.ask(
                "PATCH",
                re.sub(r"^https://[^/]*", "", route.request.url),
                disk.read_bytes(),
                {
                    name: route.request.headers[name]
                    for name in ("tus-resumable", "upload-offset", "content-type")
                },
            )
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/api/uploads/*", lose)
    (card,) = choose(page, disk).all()
    press(card, "Start")
    state(card, "done")
    assert sent == [0]
    assert_arrived(ann, "answered", disk)


def test_upload_that_ended_on_the_server_begins_anew(browse, ann, link, folder):
    disk = make_disk(folder, "ended.img", SIZE)
    page = browse(ann, through=link)
    page.watch.expect(r"status of 404")
    (card,) = choose(page, disk).all()
    break_at(link, page, SIZE // 2)
    press(card, "Start")
    expect(card).to_contain_text("It goes on by itself.", timeout=LONG)
    (upload,) = [
        one for one in ann.ask("GET", "/api/uploads").json() if one["image"].endswith("/ended")
    ]
    ann.ask("DELETE", "/api/uploads/" + upload["id"])
    sent = offsets(page)
    link.accept()
    state(card, "done")
    assert sent[-1] == 0
    assert_arrived(ann, "ended", disk)


def test_leaving_the_page_while_something_runs_asks_first(browse, ann, link, folder):
    disk = make_disk(folder, "left.img", SIZE)
    page = browse(ann, through=link)
    (card,) = choose(page, disk).all()
    break_at(link, page, SIZE // 2)
    press(card, "Start")
    expect(card).to_contain_text("It goes on by itself.", timeout=LONG)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.close(run_before_unload=True)
    expect(card).to_be_visible()
    page.wait_for_timeout(500)
    assert asked == ["beforeunload"]

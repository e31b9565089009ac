"""The page of images: which are in it, and finding one."""

import pytest

from tests.pages import BROWSER, click, visit


def names(page):
    return [one.get_text().strip() for one in page.html.select("table.list tbody th a")]


@pytest.fixture
def site(people):
    people.join("cms", people.alice, people.bob)
    people.alice.create("own", description="A Debian")
    people.bob.create("shared")
    people.bob.client.post("/api/images/shared/share/user/alice")
    people.bob.create("ours", group="cms", group_access="read")
    people.bob.create("hidden")
    return people


@pytest.mark.parametrize(
    ("view", "found"),
    [
        ("mine", ["own"]),
        ("shared", ["bob/ours", "bob/shared"]),
        ("groups", ["bob/ours"]),
        ("all", ["bob/ours", "alice/own", "bob/shared"]),
    ],
)
def test_each_tab_has_its_images(site, view, found):
    assert names(visit(site.alice.client, f"/images?view={view}")) == found


def test_an_admin_sees_all(site):
    assert "bob/hidden" in names(visit(site.admin.client, "/images?view=all"))


def test_without_a_tab_ones_own_come_first(site):
    alice = site.alice.client
    answer = alice.get("/", headers=BROWSER, status=303)
    assert names(answer.follow(headers=BROWSER)) == ["own"]


def test_who_may_see_an_image_is_told_at_a_glance(site):
    site.bob.create("teams")
    site.bob.client.post("/api/images/teams/share/group/cms")
    page = visit(site.bob.client, "/images")
    rows = {row.th.a.get_text().strip(): row for row in page.html.select("tbody tr")}
    open_to = {
        name: [one.get_text() for one in row.select("td[data-label='Open to'] .badge")]
        for name, row in rows.items()
    }
    assert open_to == {
        "hidden": ["owner only"],
        "ours": ["group cms reads"],
        "shared": ["alice"],
        "teams": ["group cms"],
    }
    page = visit(site.alice.client, "/images?view=shared")
    assert "shared with you" in [one.get_text() for one in page.html.select(".badge")]


def test_searching_keeps_the_tab_and_what_was_asked(site):
    alice = site.alice.client
    form = visit(alice, "/images?view=all").forms[0]
    form["q"], form["sort"] = "debian", "-size"
    page = form.submit(headers=BROWSER)
    assert names(page) == ["alice/own"]
    assert page.forms[0]["q"].value == "debian"
    assert page.forms[0]["sort"].value == "-size"
    page = click(page, "Shared with me")
    assert names(page) == []
    assert names(click(page, "Search all images that you may see")) == ["alice/own"]


def test_states_are_in_words_and_long_descriptions_end_behind_a_word(people):
    people.alice.create("own", description=f"{'word ' * 40}\nsecond line")
    page = visit(people.alice.client, "/images")
    assert page.html.select_one("tbody .badge").get_text() == "no file"
    assert page.html.select_one("option[value=deleted]").get_text() == "in the trash"
    described = page.html.select_one("tbody .description").get_text()
    assert described.endswith("word …")
    assert len(described) < 125


def test_a_long_list_has_pages(people):
    for number in range(5):
        people.alice.create(f"image{number}")
    page = visit(people.alice.client, "/images?limit=2&q=image")
    seen = names(page)
    for _ in range(2):
        page = click(page, "Next page")
        seen += names(page)
    assert seen == [f"image{number}" for number in range(5)]
    assert "Next page" not in page
    assert names(click(page, "First page"))[0] == "image0"


@pytest.mark.parametrize("query", ["view=nosuch", "sort=x", "q=a", "x=1", "after=x", "state=no"])
def test_a_query_that_makes_no_sense_is_refused_in_words(people, query):
    page = visit(people.alice.client, f"/images?{query}", 400)
    assert page.html.select_one("main p").get_text()


def test_a_page_can_be_asked_for_by_whoever_takes_html_and_by_no_other(people):
    people.alice.client.get("/images", status=200)
    people.alice.client.get("/images", headers={"Accept": "application/json"}, status=406)
    people.alice.client.post("/images", status=405)

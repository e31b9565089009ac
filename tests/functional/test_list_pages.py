"""Pages of lists: following Link, cursors, bounds, entity tags."""

from urllib.parse import parse_qs, urlsplit

import pytest

import repoman
from repoman.models import User
from tests.factories import API, People
from tests.gallery import Gallery, by, cursor, following, walk
from tests.wsgi import assert_refused


@pytest.fixture
def crowd(people):
    """Users and groups, and several of each of what a user can have several of."""
    for name in ("ann", "ben", "cat", "dan", "a-b", "a_b", "a.b"):
        people.join(f"group-{name}", getattr(people, name), people.alice)
    for number in range(4):
        people.admin.client.post(
            "/api/users/alice/certificates", {"cert_dn": f"/CN=Alice {number}"}, status=201
        )
    return people


@pytest.mark.parametrize(
    ("url", "count"),
    [
        ("/api/users", 9),
        ("/api/groups", 9),
        ("/api/groups/users/users", 9),
        ("/api/users/alice/groups", 8),
        ("/api/users/alice/certificates", 5),
    ],
)
def test_following_link_gives_the_whole_list_once_in_order(crowd, url, count):
    whole = crowd.alice.client.get(url)
    assert "Link" not in whole.headers
    assert len(set(whole.json)) == count
    if "certificates" not in url:
        assert whole.json == sorted(whole.json)
    for limit in (1, 2, count - 1, count, count + 1):
        found = walk(crowd.alice.client, f"{url}?limit={limit}")
        assert [one for page in found for one in page] == whole.json
        assert len(found) == -(-count // limit)
        expanded = walk(crowd.alice.client, f"{url}?limit={limit}&expand=true")
        assert [one["url"] for page in expanded for one in page] == whole.json


def test_the_next_page_has_every_parameter_and_an_absolute_url(people):
    for number in range(5):
        people.alice.create(f"Image_{number}", description="100% & more", os_type="a b")
    query = "limit=2&q=0%25+%26&os_type=a%20b&group=users&os_arch=&sort=-name&expand=1"
    first = people.alice.client.get(f"/api/images?{query}")
    link = urlsplit(following(first))
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{API}/images"
    given = parse_qs(link.query, keep_blank_values=True, strict_parsing=True)
    assert given.pop("after") == [cursor(["Image_3", 4])]
    assert given == {
        "limit": ["2"], "q": ["0% &"], "os_type": ["a b"], "group": ["users"], "os_arch": [""],
        "sort": ["-name"], "expand": ["1"],
    }  # fmt: skip
    found = walk(people.alice.client, f"/api/images?{query}")
    assert [image["name"] for page in found for image in page] == [
        "Image_4", "Image_3", "Image_2", "Image_1", "Image_0",
    ]  # fmt: skip


def test_links_begin_with_the_base_url(ini, sessions, authority):
    ini["repoman.base_url"] = "https://images.example.org/grid"
    people = People(repoman.main({}, **ini), sessions, authority)
    assert people.bob
    link = people.alice.client.get("/api/users/?limit=1").headers["Link"]
    assert link.startswith("<https://images.example.org/grid/api/users?limit=1&after=")
    people.application.sessions.engine.dispose()


@pytest.mark.parametrize("sort", ["name", "-name", "modified", "-modified", "size", "-size"])
def test_rows_that_come_and_go_between_pages_neither_repeat_nor_hide_others(people, sort):
    gallery = Gallery(people)
    expected = [image["url"] for image in by(sort)(gallery.shown)]
    found, gone, url, number = [], set(), f"/api/images?limit=3&sort={sort}", 0
    while url:
        answer = gallery.admin.get(url)
        found += answer.json
        url = following(answer)
        # The one that the cursor is of goes too, and others before and behind it.
        ahead = [one for one in expected if one not in {*found, *gone}]
        for victim in (answer.json[-1], *ahead[2:3]):
            if victim not in gone and victim.startswith(f"{API}/images/"):
                gallery.admin.delete(victim, status=200)
                gone.add(victim)
        # A few, for a list that grows faster than it is read has no end.
        for name in ("aaa", "mmm", "zzz") if number < 3 else ():
            people.carol.create(f"{name}-{number}")
        number += 1
    assert len(found) == len(set(found))
    assert [one for one in found if "/carol/" not in one] == [
        one for one in expected if one in found
    ]
    assert {one for one in expected if one not in gone} <= set(found)


# --- bounds


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "10000", "99999999999999999999", "1.0", "x",
                                   "1e2", "٣", " 1", "+1", "0x1"])  # fmt: skip
def test_a_limit_is_a_number_from_1_to_1000(people, limit):
    for url in ("/api/users", "/api/images", "/api/groups"):
        answer = people.alice.client.get(url, {"limit": limit}, status=400)
        assert_refused(answer, 400, "invalid-parameter")
        assert answer.json["field"] == "limit"


@pytest.mark.parametrize("field", ["limit", "expand", "after"])
def test_an_empty_parameter_is_missing(people, field):
    answer = people.alice.client.get(f"/api/users?{field}=", status=400)
    assert_refused(answer, 400, "missing-parameter")


@pytest.mark.parametrize(
    ("value", "expanded"), [("true", True), ("YES", True), ("1", True), ("off", False)]
)
def test_expand_is_a_boolean(people, value, expanded):
    found = people.alice.client.get(f"/api/users?expand={value}", status=200).json
    assert isinstance(found[0], dict) == expanded
    people.alice.client.get("/api/users?expand=maybe", status=400)


def test_a_page_has_100_objects_or_as_many_urls_as_the_setting_says(ini, sessions, authority):
    ini["repoman.list_max"] = "120"
    people = People(repoman.main({}, **ini), sessions, authority)
    assert people.alice
    with sessions.changing.begin() as session:
        session.add_all([User(name=f"user{number:03}") for number in range(124)])
    client = people.alice.client
    for query, count in (
        ("", 120), ("?limit=119", 119), ("?limit=1000", 120), ("?expand=1", 100),
        ("?expand=1&limit=110", 110),
    ):  # fmt: skip
        answer = client.get(f"/api/users{query}")
        assert len(answer.json) == count, query
        assert following(answer), query
    people.application.sessions.engine.dispose()


def test_lists_inside_objects_have_as_many_entries_as_the_setting_says(ini, sessions, authority):
    ini["repoman.list_max"] = "3"
    people = People(repoman.main({}, **ini), sessions, authority)
    people.join("lab", people.dan, people.cat, people.ben, people.ann, people.alice, admin=True)
    for name in ("d", "c", "b", "a"):
        people.alice.create(name)
    user = people.alice.client.get("/api/users/alice").json
    assert user["images"] == [f"{API}/images/alice/{name}" for name in "abc"]
    group = people.alice.client.get("/api/groups/lab").json
    assert group["users"] == [f"{API}/users/{name}" for name in ("alice", "ann", "ben")]
    assert group["admins"] == group["users"]
    walked = walk(people.alice.client, "/api/users/alice/images?limit=2")
    assert [len(page) for page in walked] == [2, 2]
    people.application.sessions.engine.dispose()


# --- entity tags, HEAD


def test_head_and_304_have_the_link_of_get(people):
    for name in ("a", "b", "c"):
        people.alice.create(name)
    client = people.alice.client
    for url, link in (("/api/images?limit=2", True), ("/api/images", False)):
        first = client.get(url)
        assert ("Link" in first.headers) == link
        head = client.head(url)
        assert head.headers.get("Link") == first.headers.get("Link")
        assert head.headers["ETag"] == first.headers["ETag"]
        again = client.get(url, headers={"If-None-Match": first.headers["ETag"]}, status=304)
        assert again.headers.get("Link") == first.headers.get("Link")
        assert again.body == b""


def test_a_304_tells_of_a_next_page_that_came_meanwhile(people):
    client = people.alice.client
    people.alice.create("a")
    first = client.get("/api/images?limit=1")
    assert "Link" not in first.headers
    people.alice.create("b")
    tag = {"If-None-Match": first.headers["ETag"]}
    again = client.get("/api/images?limit=1", headers=tag, status=304)
    assert client.get(following(again)).json == [f"{API}/images/alice/b"]


def test_a_condition_on_a_change_means_the_list_without_query(ini, sessions, authority):
    ini["repoman.list_max"] = "1"
    people = People(repoman.main({}, **ini), sessions, authority)
    for name in ("a", "b"):
        people.alice.create(name)
    client = people.alice.client
    tag = client.get("/api/images").headers["ETag"]
    assert tag != client.get("/api/images?sort=-name").headers["ETag"]
    assert_refused(
        client.post("/api/images", {"name": "c"}, headers={"If-Match": '"x"'}, status=412),
        412,
        "precondition-failed",
    )
    made = client.post("/api/images", {"name": "c"}, headers={"If-Match": tag}, status=201)
    # The page that was looked at for the tag is not the answer's.
    assert "Link" not in made.headers
    client.post("/api/images?limit=1", {"name": "d"}, status=400)
    people.application.sessions.engine.dispose()

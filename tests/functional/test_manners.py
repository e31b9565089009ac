"""HTTP manners of objects: entity tags, conditional changes, OPTIONS, foreign origins."""

import pytest

from tests.factories import API

pytestmark = pytest.mark.through_apache

IMAGE = "/api/images/debian12"


@pytest.fixture
def alice(people):
    people.alice.create()
    return people.alice.client


@pytest.mark.parametrize(
    "url",
    [
        "/api/whoami",
        "/api/users",
        "/api/users/alice",
        "/api/users/alice/certificates",
        "/api/groups",
        "/api/groups/users",
        "/api/groups/users/users",
        "/api/images",
        IMAGE,
        "/api/images/alice/debian12",
    ],
)
def test_objects_and_lists_have_a_strong_tag_and_answer_304(alice, url):
    first = alice.get(url)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert alice.head(url).headers["ETag"] == tag
    again = alice.get(url, headers={"If-None-Match": f'"x", {tag}'}, status=304)
    assert again.body == b""
    assert again.headers["ETag"] == tag
    assert alice.get(url, headers={"If-None-Match": '"x"'}, status=200).body == first.body


def test_a_tag_is_of_what_this_caller_sees(people, alice):
    alice.post(f"{IMAGE}/share/user/{people.bob.name}")
    url = "/api/images/alice/debian12"
    assert alice.get(url).headers["ETag"] != people.bob.client.get(url).headers["ETag"]


def test_of_two_editors_with_one_tag_the_second_is_refused_and_changes_nothing(alice):
    tag = alice.get(IMAGE).headers["ETag"]
    first = alice.patch(IMAGE, {"description": "first"}, headers={"If-Match": tag}, status=200)
    assert first.headers["ETag"] == alice.get(IMAGE).headers["ETag"] != tag
    second = alice.patch(IMAGE, {"description": "second"}, headers={"If-Match": tag}, status=412)
    assert second.headers["X-Repoman-Error"] == "precondition-failed"
    assert second.json["etag"] == first.headers["ETag"].strip('"')
    assert alice.get(IMAGE).json["description"] == "first"
    alice.delete(IMAGE, headers={"If-Match": tag}, status=412)
    alice.delete(IMAGE, headers={"If-Match": first.headers["ETag"]}, status=200)


@pytest.mark.parametrize(
    ("method", "url", "above"),
    [
        ("POST", f"{IMAGE}/share/user/bob", IMAGE),
        ("PUT", f"{IMAGE}/share/group/users", IMAGE),
        ("DELETE", f"{IMAGE}/share/user/bob", IMAGE),
        ("PUT", "/api/groups/users/users/bob", "/api/groups/users"),
        ("DELETE", "/api/groups/users/users/bob", "/api/groups/users"),
        ("POST", "/api/groups/users/users", "/api/groups/users/users"),
        ("PATCH", "/api/users/bob", "/api/users/bob"),
        ("DELETE", "/api/users/bob", "/api/users/bob"),
    ],
)
def test_a_condition_on_a_share_or_member_means_the_object_above(people, method, url, above):
    """On every other URL it means what a GET of that URL gives."""
    admin = people.admin
    admin.create()
    assert people.bob
    client, fields = admin.client, {"name": "bob"} if url.endswith("users/users") else None
    tag = client.get(above).headers["ETag"]
    for wanted, status in (('"other"', 412), ("", 412), (tag, 200)):
        headers = {"If-Match": wanted}
        if method in {"POST", "PATCH"}:
            getattr(client, method.lower())(url, fields or {}, headers=headers, status=status)
        else:
            getattr(client, method.lower())(url, headers=headers, status=status)


def test_the_right_comes_before_the_condition_and_the_condition_before_the_fields(people, alice):
    wrong = {"If-Match": '"other"'}
    alice.post(f"{IMAGE}/share/user/{people.bob.name}")
    url = "/api/images/alice/debian12"
    people.bob.client.patch(url, {"nonsense": "1"}, headers=wrong, status=403)
    alice.patch(url, {"nonsense": "1"}, headers=wrong, status=412)
    alice.patch(url, {"nonsense": "1"}, headers={"If-None-Match": "*"}, status=412)
    alice.patch(url, {"nonsense": "1"}, status=400)


def test_a_fetched_object_can_be_edited_and_sent_back(people, alice):
    alice.post(f"{IMAGE}/share/user/{people.bob.name}")
    people.alice.upload()
    fetched = alice.get(IMAGE).json
    sent = alice.patch_json(IMAGE, fetched | {"description": "new", "os_type": "linux"}).json
    assert (sent["description"], sent["os_type"]) == ("new", "linux")
    unchanged = fetched.keys() - {"description", "os_type", "modified"}
    assert {name: sent[name] for name in unchanged} == {name: fetched[name] for name in unchanged}
    me = alice.get("/api/users/alice").json
    assert alice.patch_json("/api/users/alice", me | {"full_name": "Alice"}).json["full_name"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("uuid", "0" * 32, "unknown-parameter"),
        ("size", 1, "unknown-parameter"),
        ("owner", f"{API}/users/bob", "invalid-parameter"),
    ],
)
def test_a_read_only_field_that_was_edited_is_refused(alice, field, value, code):
    fetched = alice.get(IMAGE).json
    answer = alice.patch_json(IMAGE, fetched | {field: value}, status=400)
    assert (answer.json["code"], answer.json["field"]) == (code, field)


def test_a_url_that_takes_no_fields_ignores_none_though_the_object_above_has_it(people, alice):
    url = f"{IMAGE}/share/user/{people.bob.name}"
    answer = alice.post_json(url, {"name": "debian12"}, status=400)
    assert (answer.json["code"], answer.json["field"]) == ("unknown-parameter", "name")


@pytest.mark.parametrize(
    ("url", "allow"),
    [
        ("/api/images", "GET, HEAD, OPTIONS, POST"),
        ("/api/images/raw/nothing", "DELETE, GET, HEAD, OPTIONS, POST, PUT"),
        ("/api/users/nobody", "DELETE, GET, HEAD, OPTIONS, PATCH, POST"),
    ],
)
def test_options_tells_the_methods_of_the_url_whether_or_not_the_object_is_there(alice, url, allow):
    answer = alice.options(url, status=204)
    assert answer.headers["Allow"] == allow
    assert answer.body == b""


def test_options_needs_a_certificate_and_a_url_that_is_there(people, alice):
    people.anonymous.options("/api/images", status=401)
    alice.options("/api/nothing", status=404)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Origin": "http://localhost"},
        {"Origin": "https://localhost.evil.example.org"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://localhost", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_of_another_site_changes_nothing(alice, headers):
    attempts = [
        alice.post("/api/images", {"name": "x"}, headers=headers, status=403),
        alice.delete(IMAGE, headers=headers, status=403),
        alice.put("/api/images/raw/debian12", b"x", headers=headers, status=403),
    ]
    for answer in attempts:
        assert answer.headers["X-Repoman-Error"] == "foreign-origin"
    assert alice.get(IMAGE, headers=headers, status=200).json["state"] == "empty"


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_pages_may_change(alice, site):
    headers = {"Origin": API.removesuffix("/api"), "Sec-Fetch-Site": site}
    alice.post("/api/images", {"name": "x"}, headers=headers, status=201)

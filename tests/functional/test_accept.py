"""``Accept``: 406 where it excludes what the URL answers with, and never where it does not."""

import pytest

from tests.factories import FILE
from tests.wsgi import assert_refused, assert_refused_unread

pytestmark = pytest.mark.through_apache

IMAGE, RAW = "/api/images/debian12", "/api/images/raw/debian12"
JSON_URLS = ["/api", "/api/whoami", "/api/users", "/api/groups/users", IMAGE, "/healthz"]


@pytest.fixture
def alice(people):
    people.alice.create()
    people.alice.upload()
    return people.alice.client


def asked(client, accept, url, method="GET", **options):
    headers = {} if accept is None else {"Accept": accept}
    return client.request(
        url, method=method, headers=headers | options.pop("headers", {}), **options
    )


TAKES_JSON = [
    None,
    "",
    "*/*",
    "application/*",
    "application/json",
    "APPLICATION/JSON",
    "application/json; charset=utf-8",
    "application/json;q=0.001",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html;q=0, application/json",
    "text/*;q=0, */*;q=0.1",
    # Malformed ones count as none.
    "json",
    "application/json;q=2",
    "*",
    "text/html, *; q=.2",
    "a/b;" * 1000,
    "\xff",
]
EXCLUDES_JSON = [
    "text/html",
    "text/*",
    "application/xml",
    "application/problem+json",
    "application/octet-stream",
    "application/json;q=0",
    "*/*, application/json;q=0",
    "application/*;q=0, */*",
    "*/*;q=0",
]


def test_json_is_sent_to_whoever_takes_it(alice, subtests):
    for accept in TAKES_JSON:
        for url in JSON_URLS:
            with subtests.test(accept=accept, url=url):
                answer = asked(alice, accept, url, status=200)
                assert answer.content_type == "application/json"


def test_who_excludes_json_is_refused(alice, subtests):
    for accept in EXCLUDES_JSON:
        for url in JSON_URLS:
            with subtests.test(accept=accept, url=url):
                answer = asked(alice, accept, url, status=406)
                assert answer.headers["X-Repoman-Error"] == "not-acceptable"
                assert "This URL answers with application/json;" in answer.text
                head = asked(alice, accept, url, "HEAD", status=406)
                assert head.headers["X-Repoman-Error"] == "not-acceptable"


@pytest.mark.parametrize(
    ("url", "accept", "status"),
    [
        (RAW, "application/octet-stream", 200),
        (RAW, "application/*;q=0.1", 200),
        (RAW, "application/json", 406),
        (RAW, "text/html", 406),
        (RAW, "multipart/byteranges", 406),
        ("/api/openapi.yaml", "application/yaml", 200),
        ("/api/openapi.yaml", "application/json", 406),
        ("/api/openapi.yaml", "text/html", 406),
    ],
)
def test_files_and_the_openapi_document_have_types_of_their_own(alice, url, accept, status):
    asked(alice, accept, url, status=status)
    asked(alice, accept, url, "HEAD", status=status)


@pytest.mark.parametrize("accept", [None, "*/*", "application/octet-stream"])
def test_parts_of_a_file_are_sent_as_ever(alice, accept):
    one = asked(alice, accept, RAW, headers={"Range": "bytes=0-9"}, status=206)
    assert one.body == FILE[:10]
    several = asked(alice, accept, RAW, headers={"Range": "bytes=0-9,20-29"}, status=206)
    assert several.content_type == "multipart/byteranges"
    not_modified = {"If-None-Match": one.headers["ETag"]}
    asked(alice, accept, RAW, headers=not_modified, status=304)


@pytest.mark.parametrize(
    ("method", "url", "accept"),
    [
        ("POST", "/api/images", "text/html"),
        ("POST", IMAGE, "application/xml"),
        ("PATCH", IMAGE, "application/json;q=0, */*"),
        ("DELETE", IMAGE, "application/octet-stream"),
        ("DELETE", RAW, "application/octet-stream"),
        ("PUT", f"{IMAGE}/share/user/bob", "text/plain"),
    ],
)
def test_nothing_is_changed_for_who_would_not_take_the_answer(people, alice, method, url, accept):
    assert people.bob
    before = alice.get(IMAGE).json
    body = b'{"name": "other"}' if method in {"POST", "PATCH"} else b""
    headers = {"Content-Type": "application/json"}
    answer = asked(alice, accept, url, method, body=body, headers=headers, status=406)
    assert answer.headers["X-Repoman-Error"] == "not-acceptable"
    assert alice.get(IMAGE).json == before
    assert len(alice.get("/api/images").json) == 1
    assert alice.get(RAW).body == FILE


def test_an_upload_is_refused_before_its_first_byte(kept, people):
    headers = {"Accept": "application/octet-stream"}
    assert_refused_unread(people.alice.client, RAW, 406, "not-acceptable", headers=headers)
    kept.check()


def test_its_place_is_after_the_method_and_before_the_object(people, alice):
    none = {"Accept": "application/xml"}
    assert_refused(
        people.anonymous.get("/api/users", headers=none, status=401), 401, "certificate-required"
    )
    assert_refused(alice.get("/api/nosuch", headers=none, status=404), 404, "not-found")
    assert_refused(alice.put("/api/whoami", headers=none, status=405), 405, "method-not-allowed")
    foreign = none | {"Origin": "https://evil.example.org"}
    assert_refused(alice.post(IMAGE, headers=foreign, status=403), 403, "foreign-origin")
    alice.options(IMAGE, headers=none, status=204)
    for url in ("/api/images/nosuch", "/api/users/nosuch", "/api/users?x=1"):
        assert_refused(alice.get(url, headers=none, status=406), 406, "not-acceptable")
    assert_refused(
        alice.delete("/api/users/alice", headers=none, status=406), 406, "not-acceptable"
    )

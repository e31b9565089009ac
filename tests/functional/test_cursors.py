"""Cursors of lists that somebody made up: refused, and never a way to see more."""

import base64
from itertools import product

import pytest

from tests.factories import API
from tests.gallery import cursor
from tests.wsgi import assert_refused

BAD_CURSORS = {
    "no base64": "!",
    "a wrong letter": "WyJh+Il0",
    "no ASCII": "ä",
    "no length of base64": "A",
    "no UTF-8": base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    "no JSON": base64.urlsafe_b64encode(b"[").decode(),
    "deep": base64.urlsafe_b64encode(b"[" * 700).decode(),
    "no list": cursor({"name": "a"}),
    "nothing": cursor([]),
    "null": cursor([None, None]),
    "too long": cursor(["a", 1, 1]),
    "a number as text": cursor(["a", "1"]),
    "a fraction": cursor(["a", 1.5]),
    "a boolean": cursor(["a", True]),
    "infinity": base64.urlsafe_b64encode(b'["a",Infinity]').decode(),
    "no number": base64.urlsafe_b64encode(b'["a",NaN]').decode(),
    "65 bits": cursor(["a", 2**63]),
    "65 bits below": cursor(["a", -(2**63) - 1]),
    "400 digits": cursor(["a", 10**400]),
    "NUL": cursor(["a\0", 1]),
    "a lone surrogate": cursor(["\ud800", 1]),
    "another letter": cursor(["é", 1]),
    "an endless name": cursor(["a" * 300, 1]),
    "a list": cursor([["a"], 1]),
    "an object": cursor([{}, 1]),
    "endless": "A" * 1001,
}


@pytest.mark.parametrize("after", BAD_CURSORS.values(), ids=BAD_CURSORS.keys())
def test_a_cursor_that_is_none_is_refused(people, after):
    for url in ("/api/images", "/api/users", "/api/users/alice/certificates"):
        answer = people.alice.client.get(url, {"after": after}, status=400)
        assert_refused(answer, 400, "invalid-parameter")
        assert answer.json["field"] == "after"


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        ("modified", "yesterday"),
        ("modified", "2026-11-24"),
        ("modified", "2026-11-24T05:37:00"),
        ("modified", "2026-11-24T05:37:00Z"),
        ("modified", "2026-11-24T05:37:00+01:00"),
        ("modified", "0001-01-01T00:00:00+23:59"),
        ("modified", "9999-12-31T23:59:59-23:59"),
        ("modified", "10000-01-01T00:00:00+00:00"),
        ("modified", "a"),
        ("modified", 1),
        ("modified", None),
        ("size", "1"),
        ("size", 2**63),
        ("size", 1.0),
        ("name", 1),
        ("name", "2026-11-24T05:37:00+00:00"),
    ],
)
def test_a_cursor_of_another_order_is_refused(people, sort, value):
    for direction, after in product(("", "-"), ([value, 1], [value])):
        query = {"sort": direction + sort, "after": cursor(after)}
        answer = people.alice.client.get("/api/images", query, status=400)
        assert_refused(answer, 400, "invalid-parameter")


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        ("name", "0"),
        ("-name", "z" * 256),
        ("modified", "0001-01-01T00:00:00+00:00"),
        ("-modified", "9999-12-31T23:59:59.999999+00:00"),
        ("size", -(2**63)),
        ("-size", 2**63 - 1),
    ],
)
def test_a_cursor_that_somebody_made_up_shows_no_more_than_one_may_see(people, sort, value):
    people.alice.create("secret")
    people.bob.create("mine")
    after = cursor([value, 2**63 - 1])
    client = people.bob.client
    assert client.get("/api/images", {"sort": sort, "after": after}).json == [
        f"{API}/images/bob/mine"
    ]
    assert client.get("/api/users/alice/images", {"sort": sort, "after": after}).json == []

"""``repoman.time_format``: times as RFC 3339, or as the first Repoman wrote them."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

import repoman
from repoman import times
from tests import standing
from tests.factories import People

IMAGE = "/api/images/debian12"
WINTER = datetime(2026, 11, 24, 5, 37, tzinfo=UTC)
CTIME = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ 1-3]\d \d\d:\d\d:\d\d \d{4}"


@pytest.fixture
def old(ini, sessions, authority):
    """People of a server that shows times in the old form."""
    with standing.serving(ini | {"repoman.time_format": "ctime"}) as application:
        yield People(application, sessions, authority)


@pytest.mark.parametrize(
    ("moment", "rfc3339", "ctime"),
    [
        (WINTER, "2026-11-24T05:37:00Z", "Tue Nov 24 05:37:00 2026"),
        (
            datetime(2026, 3, 4, 23, 5, 9, tzinfo=UTC),
            "2026-03-04T23:05:09Z",
            "Wed Mar  4 23:05:09 2026",
        ),
        (
            datetime(2027, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2))),
            "2026-12-31T23:00:00Z",
            "Thu Dec 31 23:00:00 2026",
        ),
        (datetime(999, 1, 2, tzinfo=UTC), "0999-01-02T00:00:00Z", "Wed Jan  2 00:00:00 0999"),
        (None, None, None),
    ],
)
def test_both_forms(moment, rfc3339, ctime):
    assert times.show(moment, "rfc3339") == rfc3339
    assert times.show(moment, "ctime") == ctime
    for text in (rfc3339, ctime):
        if text is not None:
            assert times.read(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "Fri Jan  2 05:37:00 2099",
        "Fri Jan 2 05:37:00 2099",
        "fri jan 02 05:37:00 2099",
        "2099-01-02T05:37:00Z",
        "2099-01-02T07:37:00+02:00",
    ],
)
def test_either_form_is_read_whatever_is_shown(people, old, text):
    new_way, old_way = people.alice, old.bob
    assert new_way.create(expires=text)["expires"] == "2099-01-02T05:37:00Z"
    assert old_way.create(expires=text)["expires"] == "Fri Jan  2 05:37:00 2099"


@pytest.mark.parametrize(
    "text",
    [
        "Mon Nov 24 05:37:00 2026",  # it is a Tuesday
        "Tue Nov 24 05:37:00 26",
        "Tue Nov 31 05:37:00 2026",
        "Tue Nov 24 24:00:00 2026",
        "Tue Okt 24 05:37:00 2026",
        "Die Nov 24 05:37:00 2026",
        "Tue Nov 24 05:37:00 2026 GMT",
        "Tue Nov 24 05:37:00 EST 2026",
        "Tue, 24 Nov 2026 05:37:00 GMT",
        " Tue Nov 24 05:37:00 2026",
        "Tue Nov 24 05:37 2026",
        "Tue Nov ٢٤ 05:37:00 2026",
        "Tue Nov 24 05:37:00 0000",
    ],
)
def test_what_is_not_quite_it_is_refused(people, text):
    alice = people.alice.client
    answer = alice.post_json("/api/images", {"name": "x", "expires": text}, status=400)
    assert answer.headers["X-Repoman-Error"] == "invalid-parameter"
    assert answer.json["field"] == "expires"
    assert "2026-11-24T05:37:00Z" in answer.json["detail"]


def test_every_time_in_every_object_is_in_the_form_that_is_set(old):
    alice = old.alice
    alice.create(expires="2099-01-01T00:00:00Z")
    alice.upload()
    client = alice.client
    image = client.get(IMAGE).json
    whoami = client.get("/api/whoami").json
    shown = [
        *(image[name] for name in ("created", "modified", "uploaded", "expires")),
        image["files"]["kvm"]["uploaded"],
        whoami["created"],
        whoami["certificate"]["not_after"],
        *(client.get(whoami["certificates"][0]).json[name] for name in ("created", "not_after")),
        client.get("/api/groups/users").json["created"],
    ]
    for text in shown:
        assert re.fullmatch(CTIME, text), text
    for url in (IMAGE, "/api/whoami", "/api/groups/users", whoami["certificates"][0]):
        assert not re.search(r"\d{4}-\d\d-\d\dT", client.get(url).text)


def test_tags_and_conditions_work_in_the_old_form(old):
    alice = old.alice
    alice.create(expires="2099-01-01T00:00:00Z")
    tag = alice.client.get(IMAGE).headers["ETag"]
    alice.client.get(IMAGE, headers={"If-None-Match": tag}, status=304)
    changed = alice.client.patch(IMAGE, {"os_type": "x"}, headers={"If-Match": tag}, status=200)
    assert changed.headers["ETag"] == alice.client.get(IMAGE).headers["ETag"] != tag
    alice.client.patch(IMAGE, {"os_type": "y"}, headers={"If-Match": tag}, status=412)


def test_an_object_fetched_in_the_old_form_can_be_edited_and_sent_back(old):
    alice = old.alice
    alice.create(expires="2099-01-01T00:00:00Z")
    alice.upload()
    fetched = alice.client.get(IMAGE).json
    edited = fetched | {"description": "new", "expires": "Fri Jan  2 00:00:00 2099"}
    sent = alice.client.patch_json(IMAGE, edited, status=200).json
    assert (sent["description"], sent["expires"]) == ("new", "Fri Jan  2 00:00:00 2099")
    assert sent["created"] == fetched["created"]
    refused = alice.client.patch_json(
        IMAGE, sent | {"created": "Fri Jan  2 00:00:00 2099"}, status=400
    )
    assert refused.json["field"] == "created"


@pytest.mark.parametrize("text", ["", "iso", "rfc3339 ctime", "ctimes"])
def test_another_format_stops_the_start(ini, text):
    with pytest.raises(Exception, match=r"^repoman\.time_format: it must be rfc3339 or ctime"):
        repoman.main({}, **ini | {"repoman.time_format": text})

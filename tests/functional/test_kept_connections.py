"""Behind httpd, an answer given before the request's body was read closes the connection."""

import pytest

from tests.factories import FILE
from tests.wsgi import Source, send

RAW = "/api/images/raw/debian12"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def alice(people):
    """Alice's client, as mod_wsgi calls for her; she has an image."""
    people.alice.create()
    people.alice.client.extra_environ["mod_wsgi.version"] = (4, 9, 4)
    return people.alice.client


def connection(client, path, body=FILE, **options):
    """Send a request and return its status and its header ``Connection``."""
    answer = send(client, path, Source(body), status="*", **options)
    return answer.status_int, answer.headers.get("Connection")


@pytest.mark.parametrize("length", [len(FILE), None], ids=["length", "chunked"])
def test_a_body_that_is_refused_unread_closes_the_connection(alice, length):
    assert connection(alice, "/api/images/raw/nothing", length=length) == (404, "close")
    assert connection(alice, "/nonsense", length=length, method="DELETE") == (404, "close")
    assert connection(alice, "/api", length=length, method="GET") == (200, "close")


@pytest.mark.parametrize("length", [len(FILE), None], ids=["length", "chunked"])
def test_a_body_that_was_read_keeps_it_whether_it_is_taken_or_not(alice, length):
    assert connection(alice, RAW, length=length) == (201, None)
    wrong = {"X-Repoman-Checksum": f"sha256={'0' * 64}"}
    assert connection(alice, RAW, length=length, headers=wrong) == (400, None)


def test_fields_that_were_read_keep_it(alice):
    for length in (8, None):
        options = {"method": "POST", "headers": FORM, "length": length}
        assert connection(alice, "/api/images/debian12", b"name=new", **options)[1] is None


def test_a_request_without_body_keeps_it(alice):
    for path, status in (("/api/images", 200), ("/api/images/nothing", 404)):
        assert connection(alice, path, b"", method="GET", length=0) == (status, None)


def test_a_body_of_unknown_length_closes_it(alice):
    headers = {"Transfer-Encoding": "gzip"}
    answer = send(alice, RAW, Source(FILE), status=400, length=3, headers=headers)
    assert answer.headers["Connection"] == "close"


def test_other_servers_are_told_nothing_about_their_connections(alice):
    """PEP 3333 forbids it, and some stop there."""
    del alice.extra_environ["mod_wsgi.version"]
    assert connection(alice, "/api/images/raw/nothing", length=3) == (404, None)

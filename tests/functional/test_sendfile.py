"""Files that the web server sends in our place: when it is asked to, and who sees no path."""

import base64
import hashlib
from pathlib import Path
from urllib.parse import unquote

import pytest
from webtest import TestApp

import repoman
from tests.factories import FILE
from tests.wsgi import assert_refused

RAW = "/api/images/raw/debian12"
ON = {"REPOMAN_SENDFILE": "x-sendfile"}
"""What repoman.conf sets where mod_xsendfile is there."""
OLD = "Tue, 24 Nov 2015 05:37:00 GMT"


@pytest.fixture
def ini(ini, tmp_path):
    """With a folder that must be quoted in a header."""
    return ini | {"repoman.sendfile": "x-sendfile", "repoman.store": str(tmp_path / "sto%41 é")}


@pytest.fixture
def client(people):
    """Alice's, through a web server that sends files, with an image that has one."""
    people.alice.create(hypervisor="kvm")
    people.alice.upload(status=201)
    people.alice.client.extra_environ |= ON
    return people.alice.client


def stored(ini):
    (path,) = [path for path in Path(ini["repoman.store"]).glob("blobs/*/*") if path.is_file()]
    return path


def headers_of(response):
    found = dict(response.headers)
    found.pop("X-Repoman-Request-Id")
    return found


def test_web_server_is_told_the_file_and_gets_every_header_and_no_body(client, ini):
    response = client.get(RAW, status=200)
    assert response.body == b""
    found = headers_of(response)
    sent = found.pop("X-Sendfile")
    assert sent.isascii()
    assert unquote(sent) == str(stored(ini))
    assert Path(unquote(sent)).is_absolute()
    client.extra_environ.pop("REPOMAN_SENDFILE")
    whole = client.get(RAW)
    assert whole.body == FILE
    assert found == headers_of(whole)
    digest = base64.b64encode(hashlib.sha256(FILE).digest()).decode()
    assert found["Repr-Digest"] == f"sha-256=:{digest}:"
    assert found["Content-Length"] == str(len(FILE))


@pytest.mark.parametrize("wanted", ["0-0", "5-", "-7", "0-999999999", "-999999999"])
def test_one_plain_range_is_left_to_the_web_server(client, wanted):
    tag = client.head(RAW).headers["ETag"]
    for more in ({}, {"If-Range": tag}, {"If-None-Match": '"other"'}):
        response = client.get(RAW, headers={"Range": f"bytes={wanted}"} | more, status=200)
        assert "X-Sendfile" in response.headers
        assert "Content-Range" not in response.headers


NOT_LEFT = {
    "several ranges": ({"Range": "bytes=0-1,4-5"}, 206),
    "overlapping ranges": ({"Range": "bytes=0-5,4-9"}, 200),
    "too many ranges": ({"Range": "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 34, 2))}, 200),
    "another unit": ({"Range": "lines=0-1"}, 200),
    "blanks in a range": ({"Range": "bytes = 0-1"}, 206),
    "a range backwards": ({"Range": "bytes=5-3"}, 200),
    "a range with too many digits": ({"Range": "bytes=0-9999999999999999999"}, 206),
    "a range of another file": ({"Range": "bytes=0-1", "If-Range": '"other"'}, 200),
    "a range from a date": ({"Range": "bytes=0-1", "If-Range": OLD}, 200),
    "a range of 1995": ({"Request-Range": "bytes=0-1"}, 200),
    "If-Match": ({"If-Match": "*"}, 200),
    "If-Match, and a date to be ignored": ({"If-Match": "*", "If-Unmodified-Since": OLD}, 200),
    "If-Modified-Since": ({"If-Modified-Since": OLD}, 200),
    "a range behind the end": ({"Range": "bytes=99999999-"}, 416),
    "a failed condition": ({"If-Match": '"other"'}, 412),
    "a file that is known": ({"If-None-Match": "*"}, 304),
}


@pytest.mark.parametrize("what", NOT_LEFT)
def test_what_the_web_server_might_read_otherwise_is_answered_here(client, what):
    headers, status = NOT_LEFT[what]
    response = client.get(RAW, headers=headers, status=status)
    assert "X-Sendfile" not in response.headers
    client.extra_environ.pop("REPOMAN_SENDFILE")
    plain = client.get(RAW, headers=headers, status=status)
    if "multipart" not in plain.headers.get("Content-Type", ""):
        assert plain.body == response.body
        assert headers_of(plain) == headers_of(response)


def test_other_methods_and_refusals_name_no_file(client, people):
    bob = people.bob.client
    bob.extra_environ |= ON
    for response in (
        client.head(RAW, status=200),
        client.options(RAW, status=204),
        client.get("/api/images/raw/nothing", status=404),
        bob.get(f"/api/images/raw/{people.alice.name}/debian12", status=404),
        client.get("/api/images/debian12", status=200),
        client.get(RAW, headers={"Accept": "application/json"}, status=406),
        client.put(RAW, b"new", status=200),
        client.delete(RAW, status=200),
    ):
        assert "X-Sendfile" not in response.headers


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"REPOMAN_SENDFILE": ""},
        {"REPOMAN_SENDFILE": "x-accel-redirect"},
        {"HTTP_REPOMAN_SENDFILE": "x-sendfile"},
    ],
    ids=str,
)
def test_without_the_web_servers_word_the_file_is_sent_from_here(client, environ):
    client.extra_environ.pop("REPOMAN_SENDFILE")
    client.extra_environ |= environ
    response = client.get(RAW, status=200)
    assert response.body == FILE
    assert "X-Sendfile" not in response.headers


def test_without_the_setting_the_web_servers_word_does_nothing(client, ini):
    for value in ({}, {"repoman.sendfile": "none"}):
        settings = {key: text for key, text in ini.items() if key != "repoman.sendfile"}
        application = repoman.main({}, **settings, **value)
        other = TestApp(application, extra_environ=client.extra_environ)
        response = other.get(RAW, status=200)
        assert response.body == FILE
        assert "X-Sendfile" not in response.headers
        application.sessions.engine.dispose()


def test_missing_or_shortened_file_is_our_error_and_not_the_web_servers(client, ini):
    path = stored(ini)
    path.chmod(0o600)
    path.write_bytes(FILE[:-1])
    response = client.get(RAW, status=503)
    assert_refused(response, 503, "store-unavailable")
    assert str(path) not in response.text
    path.unlink()
    assert_refused(client.get(RAW, status=503), 503, "store-unavailable")

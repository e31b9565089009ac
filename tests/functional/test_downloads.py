"""Downloads: the bytes, their headers, ranges, and that each is wholly of one file."""

import base64
import email
import hashlib
import itertools
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from sqlalchemy import update
from webtest import TestRequest

import repoman
from repoman.errors import StoreUnavailable
from repoman.models import Image, now
from repoman.services.collector import collect
from repoman.storage.filesystem import FilesystemStore
from tests.factories import API, FILE, People
from tests.wsgi import Source, assert_refused, make_environ

pytestmark = pytest.mark.through_apache

RAW = "/api/images/raw/debian12"
DIGITS = b"".join(b"%07d\n" % number for number in range(50_000))
OTHER = DIGITS[::-1]


@pytest.fixture
def alice(people):
    """Somebody with an image whose file is `DIGITS`."""
    people.alice.create(hypervisor="kvm")
    people.alice.upload(data=DIGITS, status=201)
    return people.alice.client


def begin(client, path=RAW, **headers):
    """Begin a download and return status, headers and the iterator that the server would use."""
    environ = make_environ(client, path, Source(b""), method="GET", length=0, headers=headers)
    status, found, body = TestRequest(environ).call_application(client.app)
    return status, dict(found), body


# The whole file


def test_get_sends_the_bytes_and_what_describes_them(alice, people):
    response = alice.get(RAW, status=200)
    assert response.body == DIGITS
    headers = dict(response.headers)
    image = alice.get("/api/images/debian12").json
    digest = base64.b64encode(hashlib.sha256(DIGITS).digest()).decode()
    tag, modified = headers.pop("ETag"), headers.pop("Last-Modified")
    assert tag[0] == tag[-1] == '"'
    assert len(tag) > 20
    assert f"{parsedate_to_datetime(modified):%Y-%m-%dT%H:%M:%SZ}" == image["uploaded"]
    assert headers.pop("X-Repoman-Request-Id")
    assert headers == {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": 'attachment; filename="debian12"',
        "Content-Length": str(len(DIGITS)),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Type": "application/octet-stream",
        "Repr-Digest": f"sha-256=:{digest}:",
        "X-Content-Type-Options": "nosniff",
        "X-Repoman-User": "alice",
        "X-Repoman-Uuid": image["uuid"],
        "X-Repoman-Version": "1",
    }


def test_head_has_the_headers_of_get_and_no_body(alice):
    def steady(response):
        headers = dict(response.headers)
        headers.pop("X-Repoman-Request-Id")
        return headers

    whole, head = alice.get(RAW), alice.head(RAW, status=200)
    assert head.body == b""
    assert steady(head) == steady(whole)
    ranged = alice.head(RAW, headers={"Range": "bytes=0-1"}, status=200)
    assert steady(ranged) == steady(whole)


def test_whatever_was_uploaded_is_sent_as_octets_for_a_browser_to_keep_off(alice, people):
    page = b"<html><script>alert(1)</script>"
    people.alice.upload(data=page, content_type="text/html")
    response = alice.get(RAW, headers={"Accept": "text/html, */*; q=0.1"})
    assert response.body == page
    assert response.headers["Content-Type"] == "application/octet-stream"


def test_without_hypervisor_the_file_is_that_of_the_first(people):
    people.alice.create(hypervisor="xen,kvm")
    people.alice.upload(data=OTHER, path="/api/images/raw/kvm/debian12")
    response = people.alice.client.get(RAW, status=404)
    assert_refused(response, 404, "file-not-uploaded")
    people.alice.upload(data=DIGITS, path="/api/images/raw/xen/debian12")
    assert people.alice.client.get(RAW).body == DIGITS
    people.alice.client.post_json("/api/images/debian12", {"hypervisor": ["kvm", "xen"]})
    assert people.alice.client.get(RAW).body == OTHER


def test_each_file_of_an_image_and_each_overwrite_has_its_own_etag(alice, people):
    tags = [alice.get(RAW).headers["ETag"]]
    people.alice.upload(data=DIGITS)
    tags.append(alice.get(RAW).headers["ETag"])
    people.alice.upload(data=DIGITS, path="/api/images/raw/xen/debian12")
    tags.append(alice.get("/api/images/raw/xen/debian12").headers["ETag"])
    assert len(set(tags)) == 3
    assert alice.get(RAW).headers["ETag"] == tags[1]


def test_a_copy_has_the_bytes_but_not_the_validators_of_its_source(alice, people):
    people.alice.create("copy", copy_of="debian12")
    source, copy = alice.get(RAW), alice.get("/api/images/raw/copy")
    assert copy.body == DIGITS
    assert copy.headers["Repr-Digest"] == source.headers["Repr-Digest"]
    for name in ("ETag", "X-Repoman-Uuid", "Content-Disposition"):
        assert copy.headers[name] != source.headers[name]


def test_an_image_without_file_answers_404_for_it(people):
    people.alice.create()
    for method in ("get", "head"):
        response = getattr(people.alice.client, method)(RAW, status=404)
        assert response.headers["X-Repoman-Error"] == "file-not-uploaded"
    assert_refused(people.alice.client.get(RAW, status=404), 404, "file-not-uploaded")


# Ranges


SINGLE = {
    "0-0": (0, 1),
    "0-99": (0, 100),
    "5-": (5, 400_000),
    "-7": (399_993, 400_000),
    "-999999999": (0, 400_000),
    "399999-999999": (399_999, 400_000),
    "70000-200000": (70_000, 200_001),
}


def test_one_range_is_sent_as_206(alice, subtests):
    whole = alice.head(RAW).headers
    for wanted, (start, stop) in SINGLE.items():
        with subtests.test(wanted):
            response = alice.get(RAW, headers={"Range": f"bytes={wanted}"}, status=206)
            assert response.body == DIGITS[start:stop]
            assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/400000"
            assert response.headers["Content-Length"] == str(stop - start)
            for name in ("Content-Type", "ETag", "Repr-Digest", "X-Repoman-Version"):
                assert response.headers[name] == whole[name]


def test_several_ranges_come_as_multipart_byteranges_in_the_order_asked_for(alice):
    header = "bytes=200000-300000, 0-7 ,-8,399999999-, 16-23"
    response = alice.get(RAW, headers={"Range": header}, status=206)
    kind = response.headers["Content-Type"]
    assert kind.startswith("multipart/byteranges; boundary=")
    assert "Content-Range" not in response.headers
    assert len(response.body) == int(response.headers["Content-Length"])
    message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + response.body)
    parts = message.get_payload()
    assert message.defects == []
    assert [part["Content-Range"] for part in parts] == [
        "bytes 200000-300000/400000",
        "bytes 0-7/400000",
        "bytes 399992-399999/400000",
        "bytes 16-23/400000",
    ]
    assert {part["Content-Type"] for part in parts} == {"application/octet-stream"}
    assert [part.get_payload(decode=True) for part in parts] == [
        DIGITS[200_000:300_001],
        DIGITS[:8],
        DIGITS[-8:],
        DIGITS[16:24],
    ]


WHOLE = (
    "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 34, 2)),
    "bytes=0-10,5-20",
    "bytes=0-,0-",
    "bytes=9-3",
    "lines=0-1",
    "bytes",
)


def test_too_many_overlapping_or_unreadable_ranges_get_the_whole_file(alice, subtests):
    for header in WHOLE:
        with subtests.test(header):
            response = alice.get(RAW, headers={"Range": header}, status=200)
            assert response.body == DIGITS
            assert "Content-Range" not in response.headers


def test_a_range_behind_the_end_is_416_and_says_how_long_the_file_is(alice, subtests):
    for wanted in ("400000-", "400000-400001", "-0", "500000-,-0"):
        with subtests.test(wanted):
            response = alice.get(RAW, headers={"Range": f"bytes={wanted}"}, status=416)
            assert_refused(response, 416, "range-not-satisfiable")
            assert response.headers["Content-Range"] == "bytes */400000"
            assert response.json["size"] == 400_000


def test_if_range_lets_the_range_count_only_for_the_same_file(alice):
    head = alice.head(RAW).headers
    same = {"Range": "bytes=0-7", "If-Range": head["ETag"]}
    assert alice.get(RAW, headers=same, status=206).body == DIGITS[:8]
    for other in ('"other"', "W/" + head["ETag"], head["Last-Modified"], head["ETag"].strip('"')):
        response = alice.get(RAW, headers=same | {"If-Range": other}, status=200)
        assert response.body == DIGITS
    behind = {"Range": "bytes=400000-", "If-Range": '"other"'}
    assert alice.get(RAW, headers=behind, status=200).body == DIGITS


# Conditional requests


def test_if_none_match_answers_304_without_body_while_the_file_is_the_same(alice, people):
    tag = alice.head(RAW).headers["ETag"]
    for value in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        response = alice.get(RAW, headers={"If-None-Match": value}, status=304)
        assert response.body == b""
        assert response.headers["ETag"] == tag
        assert "Content-Type" not in response.headers
        assert response.headers.get("Content-Length", "0") == "0"
    later = format_datetime(now(), usegmt=True)
    for headers in (
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": later},
    ):
        assert alice.get(RAW, headers=headers, status=200).body == DIGITS
    people.alice.upload(data=OTHER)
    assert alice.get(RAW, headers={"If-None-Match": tag}, status=200).body == OTHER
    alice.head(RAW, headers={"If-None-Match": alice.head(RAW).headers["ETag"]}, status=304)


def test_if_modified_since_answers_304_until_the_file_is_newer(alice):
    modified = alice.head(RAW).headers["Last-Modified"]
    alice.get(RAW, headers={"If-Modified-Since": modified}, status=304)
    earlier = "Tue, 24 Nov 2015 05:37:00 GMT"
    alice.get(RAW, headers={"If-Modified-Since": earlier}, status=200)
    assert alice.get(RAW, headers={"If-Modified-Since": modified, "Range": "bytes=0-1"}, status=304)


def test_if_match_and_if_unmodified_since_refuse_another_file(alice):
    head = alice.head(RAW).headers
    fine = [
        {"If-Match": head["ETag"]},
        {"If-Match": f'"other", {head["ETag"]}'},
        {"If-Match": "*"},
        {"If-Unmodified-Since": head["Last-Modified"]},
        {"If-Match": "*", "If-Unmodified-Since": "Tue, 24 Nov 2015 05:37:00 GMT"},
    ]
    for headers in fine:
        assert alice.get(RAW, headers=headers, status=200).body == DIGITS
    for headers in (
        {"If-Match": '"other"'},
        {"If-Match": '""'},
        {"If-Match": "W/" + head["ETag"]},
        {"If-Unmodified-Since": "Tue, 24 Nov 2015 05:37:00 GMT"},
        {"If-Match": '"other"', "If-None-Match": head["ETag"]},
    ):
        assert_refused(alice.get(RAW, headers=headers, status=412), 412, "precondition-failed")


DATES = (
    "yesterday",
    "0",
    "",
    "Sat, 99 Foo 2026 99:99:99 GMT",
    "Sat, 01 Jan 99999 00:00:00 GMT",
    "Sat, 01 Jan 2026 00:00:00 +9999999999",
    "Sat, 01 Jan -2026 00:00:00 GMT",
    "\xff\xfe",
    '"tag"',
)


def test_what_is_no_date_is_ignored(alice, subtests):
    names = ("If-Modified-Since", "If-Unmodified-Since", "If-Range")
    for name, date in itertools.product(names, DATES):
        with subtests.test(f"{name}: {date}"):
            assert alice.get(RAW, headers={name: date}, status=200).body == DIGITS


# Wholly one file


@pytest.mark.in_process
def test_a_running_download_survives_overwrite_deletion_and_collection(
    alice, people, sessions, settings
):
    status, headers, body = begin(alice)
    chunks = iter(body)
    received = [next(chunks)]
    people.alice.upload(data=OTHER, status=200)
    alice.delete(f"{RAW}?version=1&purge=true")
    list(collect(sessions, FilesystemStore(settings.store), 0))
    received.append(next(chunks))
    second = begin(alice)
    alice.delete("/api/images/debian12")
    list(collect(sessions, FilesystemStore(settings.store), 0, trash_ttl=0))
    assert not [path for path in (settings.store / "blobs").rglob("*") if path.is_file()]
    assert b"".join(itertools.chain(received, chunks)) == DIGITS
    assert b"".join(second[2]) == OTHER
    for closable in (body, second[2]):
        closable.close()
    assert (status, headers["Content-Length"]) == ("200 OK", "400000")


@pytest.mark.in_process
def test_ranges_of_a_running_download_survive_an_overwrite(alice, people):
    _, _, body = begin(alice, Range="bytes=0-7,399992-399999")
    chunks = iter(body)
    received = [next(chunks)]
    people.alice.upload(data=OTHER, status=200)
    text = b"".join(itertools.chain(received, chunks))
    body.close()
    assert DIGITS[:8] in text
    assert DIGITS[-8:] in text


@pytest.mark.in_process
def test_a_stored_file_cut_short_breaks_the_download_instead_of_ending_it(alice, settings):
    (stored,) = [path for path in (settings.store / "blobs").rglob("*") if path.is_file()]
    stored.chmod(0o600)
    with open(stored, "r+b") as file:
        file.truncate(100_000)
    for headers in ({}, {"Range": "bytes=99999-100000"}):
        _, _, body = begin(alice, **headers)
        with pytest.raises(StoreUnavailable):
            list(body)
        body.close()


@pytest.mark.in_process
def test_a_download_broken_off_or_never_begun_closes_its_file(alice):
    wanted = ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=0-1,4-5"})
    for headers, chunks_read in itertools.product(wanted, (0, 1)):
        _, _, body = begin(alice, **headers)
        for _ in zip(range(chunks_read), body, strict=False):
            pass
        parts = body.chunks
        file = parts.file if hasattr(parts, "file") else parts.app_iter.file
        assert not file.closed
        body.close()
        assert file.closed


# Whoever has no certificate


@pytest.fixture
def public(alice, people):
    """The same image, open to everybody."""
    return people.alice.client.post_json(
        "/api/images/debian12", {"unauthenticated_access": True}
    ).json


def test_everybody_may_download_a_public_image(people, public):
    stranger = people.client(people.holder("Stranger"))
    for client in (people.anonymous, stranger, people.bob.client):
        for path in (f"/api/images/raw/{public['uuid']}", "/api/images/raw/alice/kvm/debian12"):
            response = client.get(path, status=200)
            assert response.body == DIGITS
            assert client.head(path).headers["ETag"] == response.headers["ETag"]
            assert client.get(path, headers={"Range": "bytes=0-7"}, status=206).body == DIGITS[:8]
    assert "X-Repoman-User" not in people.anonymous.get(public["http_file_url"]).headers


def test_nobody_unknown_learns_which_other_images_there_are(people, public):
    people.alice.create("private")
    people.alice.upload("private")
    people.alice.create("hollow", unauthenticated_access=True)
    answers = set()
    for name in ("private", "hollow", "nothing", "debian12/more"):
        response = people.anonymous.get(f"/api/images/raw/alice/{name}", status=401)
        assert_refused(response, 401, "certificate-required")
        answers.add(response.body)
    assert len(answers) == 1
    people.anonymous.get("/api/images/raw/debian12", status=401)
    people.anonymous.get("/api/images/alice/debian12", status=401)
    assert_refused(
        people.anonymous.put("/api/images/raw/alice/debian12", FILE, status=401),
        401,
        "certificate-required",
    )


def test_an_expired_public_image_is_gone_for_all_but_those_who_may_extend_it(people, public):
    people.alice.client.post("/api/images/debian12/share/user/" + people.bob.name)
    with people.sessions.changing.begin() as session:
        session.execute(update(Image).values(expires=now()))
    path = "/api/images/raw/alice/debian12"
    for client in (people.anonymous, people.bob.client):
        assert_refused(client.get(path, status=410), 410, "image-expired")
    assert people.alice.client.get(path).body == DIGITS


def test_a_server_that_allows_none_without_certificate_does_so_for_public_images_too(
    ini, people, public, sessions, authority
):
    strict = repoman.main({}, **(ini | {"repoman.allow_unauthenticated": "false"}))
    others = People(strict, sessions, authority)
    path = f"/api/images/raw/{public['uuid']}"
    assert_refused(others.anonymous.get(path, status=401), 401, "certificate-required")
    assert_refused(others.bob.client.get(path, status=404), 404, "image-not-found")
    strict.sessions.engine.dispose()


@pytest.mark.parametrize("allowed", [True, False])
def test_http_file_url_names_the_host_that_is_for_such_downloads(ini, sessions, authority, allowed):
    ini |= {
        "repoman.allow_unauthenticated": str(allowed),
        "repoman.http_url": "http://public.example.org:8080/",
    }
    people = People(repoman.main({}, **ini), sessions, authority)
    shown = people.alice.create("x", unauthenticated_access=True, hypervisor="kvm,xen")
    path = "images/raw/alice/__hypervisor__/x"
    url = f"http://public.example.org:8080/api/{path}"
    assert shown["http_file_url"] == (url if allowed else None)
    assert shown["file_url"] == f"{API}/{path}"
    hidden = people.alice.client.patch_json("/api/images/x", {"unauthenticated_access": False}).json
    assert hidden["http_file_url"] is None
    people.application.sessions.engine.dispose()

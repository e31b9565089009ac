"""Uploads by tus that break off, meet another request, or fail at their end."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from repoman.errors import StoreUnavailable, UploadNotFound
from repoman.models import Upload
from repoman.services import own_uploads
from repoman.storage import partials
from tests.factories import FILE
from tests.tus import TUS, create, head, metadata, patch
from tests.wsgi import Source, Untouchable, assert_refused, send

RAW = "/api/images/raw/debian12"
TYPE = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def alice(people):
    """Her client; she has an empty image."""
    people.alice.create()
    return people.alice.client


@pytest.fixture
def url(alice):
    """The URL of an upload of hers, by tus, of which nothing has arrived."""
    return create(alice, status=201).headers["Location"]


def offset(client, url) -> int:
    """Ask how far it has come."""
    return int(head(client, url).headers["Upload-Offset"])


def stream(client, url, at, source, *, length=None, status=None):
    """Send a part that the test makes; chunked, where no length is said."""
    headers = TUS | TYPE | {"Upload-Offset": str(at)}
    options = {"method": "PATCH", "headers": headers, "length": length, "status": status}
    return send(client, url, source, **options)


@pytest.mark.parametrize("length", [len(FILE), None], ids=["length", "chunked"])
@pytest.mark.parametrize("size", [9000, 0])
def test_what_arrived_before_the_break_is_kept(alice, url, length, size):
    source = Source(FILE[:size], ending=OSError("the client has gone"))
    assert_refused(stream(alice, url, 0, source, length=length, status=400), 400, "incomplete-body")
    assert offset(alice, url) == size
    source = Source(FILE[size:-1], ending=OSError("the client has gone"))
    stream(alice, url, size, source, length=length and length - size, status=400)
    assert offset(alice, url) == len(FILE) - 1
    patch(alice, url, len(FILE) - 1, FILE[-1:], status=204)
    assert alice.get(RAW).body == FILE


def test_a_beginning_that_breaks_off_can_be_found_and_gone_on_with(alice):
    headers = TUS | TYPE | {"Upload-Length": str(len(FILE))}
    headers["Upload-Metadata"] = metadata(image="debian12")
    source = Source(FILE[:9000], ending=OSError("the client has gone"))
    options = {"method": "POST", "headers": headers, "length": len(FILE), "status": 400}
    send(alice, "/api/uploads", source, **options)
    (found,) = alice.get("/api/uploads").json
    assert found["offset"] == 9000
    patch(alice, found["url"], 9000, FILE[9000:], status=204)
    assert alice.get(RAW).body == FILE


def test_a_chunked_part_may_be_the_last_one(alice, url):
    assert stream(alice, url, 0, Source(FILE[:9]), status=204).headers["Upload-Offset"] == "9"
    last = stream(alice, url, 9, Source(FILE[9:]), status=204)
    assert last.headers["X-Repoman-Version"] == "1"
    assert alice.get(RAW).body == FILE


def test_a_chunked_part_of_too_many_bytes_ends_the_upload(alice, url, remains):
    refused = stream(alice, url, 0, Source(FILE + b"more"), status=400)
    assert_refused(refused, 400, "invalid-parameter")
    head(alice, url, status=404)
    assert remains.all() == (set(), set(), set(), set())


def test_a_put_that_broke_off_can_be_gone_on_with_by_tus_and_the_reverse(alice, remains):
    source = Source(FILE[:9000], ending=OSError("the client has gone"))
    send(alice, RAW, source, length=len(FILE), status=400)
    (begun,) = alice.get("/api/uploads").json
    assert (begun["protocol"], begun["offset"], begun["length"]) == ("put", 9000, len(FILE))
    assert head(alice, begun["url"]).headers["Upload-Length"] == str(len(FILE))
    patch(alice, begun["url"], 9000, FILE[9000:9500], status=204)
    assert alice.head(RAW, status=404).headers["X-Repoman-Upload-Offset"] == "9500"
    rest = {"Content-Range": f"bytes 9500-{len(FILE) - 1}/{len(FILE)}"}
    alice.put(RAW, FILE[9500:], headers=rest, status=201)
    assert alice.get(RAW).body == FILE
    assert [len(found) for found in remains.all()] == [1, 0, 1, 0]


def test_of_an_upload_whose_length_nobody_knows_tus_takes_no_more(alice):
    send(alice, RAW, Source(FILE[:9000], ending=OSError("the client has gone")), status=400)
    (begun,) = alice.get("/api/uploads").json
    assert begun["length"] is None
    assert "Upload-Length" not in head(alice, begun["url"]).headers
    refused = patch(alice, begun["url"], 9000, FILE[9000:], status=405)
    assert_refused(refused, 405, "method-not-allowed")
    assert refused.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS"
    assert offset(alice, begun["url"]) == 9000


# Two requests to one upload


def test_a_second_writer_is_locked_out_while_the_first_moves(alice, url):
    def intrude():
        refused = stream(alice, url, 0, Untouchable(), length=9, status=423)
        assert_refused(refused, 423, "upload-locked")
        assert_refused(alice.delete(url, status=423), 423, "upload-locked")
        alice.delete(url, headers=TUS, status=423)
        assert 0 < offset(alice, url) < len(FILE)

    stream(alice, url, 0, Source(FILE, intrude), length=len(FILE), status=204)
    assert alice.get(RAW).body == FILE


@pytest.mark.parametrize("length", [len(FILE), None], ids=["length", "chunked"])
def test_one_that_stands_still_is_taken_over_and_writes_nothing_more(
    alice, url, monkeypatch, remains, length
):
    def take_over():
        monkeypatch.setattr(partials, "IDLE", 0)
        at = offset(alice, url)
        patch(alice, url, at, FILE[at : at + 100], status=204)

    stalled = stream(alice, url, 0, Source(FILE, take_over), length=length, status=423)
    assert_refused(stalled, 423, "upload-locked")
    at = offset(alice, url)
    patch(alice, url, at, FILE[at:], status=204)
    assert alice.get(RAW).body == FILE
    assert [len(found) for found in remains.all()] == [1, 0, 1, 0]


def test_an_upload_that_ends_while_another_waits_for_its_image_is_not_found(url, sessions):
    """Else the second would take the file, which is an image's by now, for the upload's."""
    key = url.rpartition("/")[2]
    with sessions.reading() as session:
        caller = SimpleNamespace(user_id=session.scalars(select(Upload.user_id)).one())

    def look():
        with sessions.changing.begin() as session:
            return own_uploads.find(session, caller, key, lock=True)

    with ThreadPoolExecutor(1) as pool:
        with sessions.changing.begin() as session:
            upload = own_uploads.find(session, caller, key, lock=True)
            waiting = pool.submit(look)
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
            session.delete(upload)
        with pytest.raises(UploadNotFound):
            waiting.result(10)


def test_an_upload_whose_image_is_deleted_meanwhile_ends(alice, url, remains):
    source = Source(FILE[:9000], lambda: alice.delete("/api/images/debian12"))
    assert_refused(stream(alice, url, 0, source, status=404), 404, "upload-not-found")
    assert remains.all() == (set(), set(), set(), set())


# At the end


def test_a_right_that_is_lost_on_the_way_ends_it(people, alice):
    people.join("crew", people.alice, people.bob)
    fields = {"group": "crew", "group_access": "write"}
    alice.post_json("/api/images/debian12", fields)
    bob, sent = people.bob.client, {"Upload-Metadata": metadata(image="alice/debian12")}
    url = create(bob, headers=sent, status=201).headers["Location"]

    def unshare():
        alice.post_json("/api/images/debian12", {"group_access": "read"})

    refused = stream(bob, url, 0, Source(FILE, unshare), length=len(FILE), status=403)
    assert_refused(refused, 403, "permission-denied")
    head(bob, url, status=404)
    assert alice.get("/api/images/debian12").json["state"] == "empty"


def test_the_condition_of_the_last_part_is_asked_again_at_its_end(alice, url):
    headers = TUS | TYPE | {"Upload-Offset": "0", "If-None-Match": "*"}
    source = Source(FILE, lambda: alice.post(RAW, upload_files=[("file", "x", b"first")]))
    options = {"method": "PATCH", "headers": headers, "length": len(FILE), "status": 412}
    assert_refused(send(alice, url, source, **options), 412, "precondition-failed")
    assert alice.get(RAW).body == b"first"
    head(alice, url, status=404)


def test_nobody_takes_an_upload_for_finished_that_is_not(alice, url, monkeypatch):
    def fail(self):
        raise StoreUnavailable("The image store failed; tell an administrator.")

    with monkeypatch.context() as failing:
        failing.setattr(partials.FilePartial, "commit", fail)
        assert_refused(patch(alice, url, 0, FILE, status=503), 503, "store-unavailable")
    assert offset(alice, url) == len(FILE) - 1
    assert alice.get("/api/uploads").json[0]["offset"] == len(FILE) - 1
    patch(alice, url, len(FILE) - 1, FILE[-1:], status=204)
    assert alice.get(RAW).body == FILE


def test_no_connection_is_held_while_a_part_comes_in(alice, url, application):
    pool = application.sessions.engine.pool
    out = []
    source = Source(FILE[:9000], lambda: out.append(pool.checkedout()))
    stream(alice, url, 0, source, length=9000, status=204)
    source = Source(FILE[9000:], lambda: out.append(pool.checkedout()))
    stream(alice, url, 9000, source, length=len(FILE) - 9000, status=204)
    assert out == [0, 0]


def test_an_unsafe_image_is_refused_when_it_is_whole_and_ends_the_upload(alice, remains, disks):
    data = disks.read("qcow2-backing")
    length = {"Upload-Length": str(len(data))}
    url = create(alice, data[:5000], headers=length, status=201).headers["Location"]
    refused = patch(alice, url, 5000, data[5000:], status=422)
    assert_refused(refused, 422, "unsafe-image")
    head(alice, url, status=404)
    assert remains.all() == (set(), set(), set(), set())

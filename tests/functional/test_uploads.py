"""Uploads: what becomes an image's file, what is refused, and that a refusal changes nothing."""

import hashlib
import itertools
import json

import pytest
from gunicorn.http.errors import NoMoreData

from tests.factories import FILE
from tests.wsgi import (
    FORM,
    MIB,
    Remains,
    Source,
    Untouchable,
    assert_refused,
    assert_refused_unread,
    multipart,
    send,
)

pytestmark = pytest.mark.through_apache

RAW = "/api/images/raw/debian12"
NEW = b"another virtual machine image" * 1000


@pytest.fixture
def empty(people, remains) -> Remains:
    """What is there after alice has made an image without a file."""
    people.alice.create(hypervisor="kvm")
    return remains


# What is taken in


def test_first_put_is_201_and_an_overwrite_200_each_with_the_image_as_it_now_is(people, empty):
    first = people.alice.upload(status=201).json
    assert first["state"] == "active"
    assert first["raw_file_uploaded"] is True
    assert first["size"] == len(FILE)
    assert first["checksum"] == {"type": "sha256", "value": hashlib.sha256(FILE).hexdigest()}
    assert first["version"] == 1
    second = people.alice.upload(data=NEW, status=200).json
    assert second["checksum"]["value"] == hashlib.sha256(NEW).hexdigest()
    assert second["version"] == 2
    assert second == people.alice.client.get("/api/images/debian12").json
    assert people.alice.client.get(RAW).body == NEW


def test_post_takes_the_part_file_as_curl_f_sends_it(people, empty):
    response = people.alice.client.post(RAW, multipart(FILE), headers=FORM, status=201)
    assert response.json["size"] == len(FILE)
    people.alice.client.post(RAW, multipart(NEW), headers=FORM, status=200)
    assert people.alice.client.get(RAW).body == NEW


def test_a_part_whose_bytes_look_like_boundaries_comes_in_whole(people, empty):
    tricky = b"\r\n--limi\r\n--limit" * 20_000 + b"\r\n\r\n--\r\n-"
    tricky = tricky.replace(b"--limit", b"--limiT")
    people.alice.client.post(RAW, multipart(tricky), headers=FORM, status=201)
    assert people.alice.client.get(RAW).body == tricky


KINDS = (
    "application/x-www-form-urlencoded",
    "application/json",
    "multipart/form-data; boundary=limit",
    "text/plain; charset=nonsense",
    "no media type",
    None,
)


def test_put_takes_the_bytes_as_they_are_under_any_content_type(people, empty, subtests):
    data = multipart(b"a=b&c=%zz{")
    for kind in KINDS:
        with subtests.test(kind):
            headers = {} if kind is None else {"Content-Type": kind}
            put = {"length": len(data), "headers": headers, "status": "20*"}
            send(people.alice.client, RAW, Source(data), **put)
            assert people.alice.client.get(RAW).body == data


def test_a_chunked_put_and_a_chunked_post_are_taken(people, empty):
    send(people.alice.client, RAW, Source(FILE), status=201)
    assert people.alice.client.get(RAW).body == FILE
    form = Source(multipart(NEW))
    send(people.alice.client, RAW, form, method="POST", headers=FORM, status=200)
    assert people.alice.client.get(RAW).body == NEW


@pytest.mark.in_process
def test_a_chunked_body_is_refused_where_the_server_cannot_tell_its_end(people, empty):
    headers = {"Transfer-Encoding": "chunked"}
    response = send(people.alice.client, RAW, Untouchable(), length="", headers=headers, status=411)
    assert_refused(response, 411, "length-required")


def test_files_of_several_hypervisors_live_side_by_side_and_share_one_version_counter(people):
    people.alice.create(hypervisor="kvm,xen")
    assert people.alice.upload(path="/api/images/raw/xen/debian12", status=201).json["size"] is None
    shown = people.alice.upload(data=NEW, path="/api/images/raw/kvm/debian12", status=201).json
    assert {name: file["version"] for name, file in shown["files"].items()} == {"xen": 1, "kvm": 2}
    assert (shown["size"], shown["version"]) == (len(NEW), 2)
    shown = people.alice.upload(path="/api/images/raw/xen/debian12", status=200).json
    assert {name: file["version"] for name, file in shown["files"].items()} == {"xen": 3, "kvm": 2}
    assert people.alice.client.get("/api/images/raw/xen/debian12").body == FILE
    assert people.alice.client.get(RAW).body == NEW


def test_a_put_to_a_hypervisor_that_the_image_lacks_adds_it_last(people, kept):
    shown = people.alice.upload(data=NEW, path="/api/images/raw/lxc/debian12", status=201).json
    assert shown["hypervisor"] == ["kvm", "lxc"]
    assert people.alice.client.get(RAW).body == FILE
    assert people.alice.client.get("/api/images/raw/lxc/debian12").body == NEW


def raw_urls(uuid: str) -> list[str]:
    """List the ways to write the URL of alice's ``debian12``."""
    dashed = f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"
    shapes = ("", "alice/", "ALICE/", "kvm/", "KVM/", "alice/kvm/", "alice/Kvm/")
    spellings = ("debian12/", uuid, uuid.upper(), dashed)
    pairs = [*((shape, "debian12") for shape in shapes), *itertools.product(shapes[::3], spellings)]
    return [f"/api/images/raw/{shape}{name}" for shape, name in pairs]


def test_every_raw_url_means_the_same_file(people, empty, subtests):
    for url in raw_urls(people.alice.client.get("/api/images/debian12").json["uuid"]):
        with subtests.test(url):
            people.alice.upload(path=url, status=201)
            assert people.alice.client.get(url).body == FILE
            assert people.alice.client.get(RAW).body == FILE
            deleted = people.alice.client.delete(url).json["deleted"]
            assert deleted == "https://localhost:80/api/images/raw/alice/kvm/debian12"


def test_a_raw_url_of_nothing_is_404(people, empty, subtests):
    assert people.bob
    for path, status, code in (
        ("debian13", 404, "image-not-found"),
        ("bob/debian12", 404, "image-not-found"),
        ("nobody/debian12", 404, "image-not-found"),
        ("alice/bhyve/debian12", 404, "not-found"),
        ("alice/kvm/debian12/more", 404, "not-found"),
        ("", 405, "method-not-allowed"),
    ):
        with subtests.test(path):
            response = people.alice.client.put(f"/api/images/raw/{path}", FILE, status=status)
            assert_refused(response, status, code)


def test_delete_takes_the_file_off_and_the_next_upload_has_the_next_version(people, kept):
    answer = people.alice.client.delete(RAW)
    assert answer.json == {"deleted": "https://localhost:80/api/images/raw/alice/kvm/debian12"}
    shown = people.alice.client.get("/api/images/debian12").json
    assert (shown["state"], shown["hypervisor"], shown["size"]) == ("empty", ["kvm"], None)
    assert_refused(people.alice.client.get(RAW, status=404), 404, "file-not-uploaded")
    assert_refused(people.alice.client.delete(RAW, status=404), 404, "file-not-uploaded")
    assert people.alice.upload(status=201).json["version"] == 2


def test_an_image_is_uploading_while_its_first_file_comes_in(people, empty):
    states = []

    def look():
        states.append(people.alice.client.get("/api/images/debian12").json["state"])
        states.append((len(empty.uploads()), len(empty.partials()), len(empty.files())))

    send(people.alice.client, RAW, Source(FILE, look), length=len(FILE), status=201)
    assert states == ["uploading", (1, 1, 0)]
    assert [len(found) for found in empty.all()] == [1, 0, 1, 0]


# Bodies that are no file


EMPTY = {
    "PUT of no bytes": ("PUT", b"", {"length": 0}),
    "PUT without length": ("PUT", b"", {"length": ""}),
    "chunked PUT": ("PUT", b"", {"length": None}),
    "empty part": ("POST", multipart(b""), {"headers": FORM}),
}


def test_an_empty_file_is_refused_and_wipes_nothing(people, kept, subtests):
    for case, (method, body, options) in EMPTY.items():
        with subtests.test(case):
            response = send(
                people.alice.client, RAW, Source(body), method=method, status=400, **options
            )
            assert_refused(response, 400, "empty-file")
            kept.check()


_whole = multipart(FILE)
MALFORMED = {
    "an extra part": (
        multipart(b"x", "other", closing=False) + _whole,
        FORM,
        400,
        "unknown-parameter",
    ),
    "an extra part after it": (
        multipart(FILE, closing=False) + multipart(b"x", "other"),
        FORM,
        400,
        "unknown-parameter",
    ),
    "two files": (multipart(NEW, closing=False) + _whole, FORM, 400, "repeated-parameter"),
    "no part": (b"--limit--\r\n", FORM, 400, "missing-parameter"),
    "a wrong name": (multipart(FILE, "image"), FORM, 400, "unknown-parameter"),
    "a name in other letters": (multipart(FILE, "File"), FORM, 400, "unknown-parameter"),
    "a missing end": (multipart(FILE, closing=False), FORM, 400, "malformed-body"),
    "half a file": (_whole[: len(_whole) // 2], FORM, 400, "malformed-body"),
    "half a header": (_whole[:40], FORM, 400, "malformed-body"),
    "no multipart at all": (FILE, FORM, 400, "malformed-body"),
    "nothing": (b"", FORM, 400, "malformed-body"),
    "another boundary": (
        _whole,
        {"Content-Type": "multipart/form-data; boundary=other"},
        400,
        "malformed-body",
    ),
    "no boundary": (_whole, {"Content-Type": "multipart/form-data"}, 415, None),
    "an empty boundary": (_whole, {"Content-Type": 'multipart/form-data; boundary=""'}, 415, None),
    "a boundary of odd letters": (
        _whole,
        {"Content-Type": 'multipart/form-data; boundary="\xe9\\n"'},
        400,
        "malformed-body",
    ),
    "a boundary too long": (
        _whole,
        {"Content-Type": f"multipart/form-data; boundary={'b' * 2000}"},
        400,
        "malformed-body",
    ),
    "a header too long": (
        _whole.replace(b"application/", b"a" * 10_000),
        FORM,
        400,
        "malformed-body",
    ),
    "another multipart": (_whole, {"Content-Type": "multipart/mixed; boundary=limit"}, 415, None),
    "a plain POST": (FILE, {"Content-Type": "application/octet-stream"}, 415, None),
    "a form": (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, None),
    "no type": (FILE, {"Content-Type": ""}, 415, None),
}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_post_takes_exactly_one_part_named_file(people, kept, subtests, chunked):
    for case, (body, headers, status, code) in MALFORMED.items():
        with subtests.test(case):
            length = None if chunked else len(body)
            source = Source(body, step=len(body) or 1)
            options = {"method": "POST", "length": length, "headers": headers, "status": status}
            response = send(people.alice.client, RAW, source, **options)
            assert_refused(response, status, code or "unsupported-media-type")
            kept.check()


def test_a_form_comes_in_whole_wherever_the_network_splits_it(people, empty):
    data = FILE[:2000]
    body = multipart(data)
    # Also right before the last line break, and with an epilogue behind it (RFC 2046).
    for sent, step in (
        (body, 1),
        (body, 7),
        (body, len(body) - 2),
        (body + b"epilogue", len(body)),
    ):
        options = {"method": "POST", "headers": FORM, "status": "20*"}
        send(people.alice.client, RAW, Source(sent, step=step), **options)
        assert people.alice.client.get(RAW).body == data


BROKEN = {
    "a short read": (NEW, None, 10, {}),
    "an error": (NEW, OSError("the client has gone"), 10, {}),
    "an error in a chunk": (NEW, OSError("the client has gone"), None, {}),
    "a server's own error": (NEW, NoMoreData(), None, {}),
    "a short form": (multipart(NEW)[:-50], None, 50, {"method": "POST", "headers": FORM}),
    "a broken form": (multipart(NEW)[:-50], OSError(), None, {"method": "POST", "headers": FORM}),
}


@pytest.mark.in_process
def test_a_body_that_breaks_off_is_refused(people, kept, subtests):
    for case, (body, ending, missing, options) in BROKEN.items():
        with subtests.test(case):
            length, before = missing and len(body) + missing, kept.remains.all()
            source = Source(body, ending=ending)
            response = send(people.alice.client, RAW, source, length=length, status=400, **options)
            assert_refused(response, 400, "incomplete-body")
            # What arrived is kept for the same person (test_resumption.py), and never of a form.
            if "form" in case:
                assert kept.remains.all() == before
            else:
                offset = people.alice.client.head(RAW).headers["X-Repoman-Upload-Offset"]
                assert offset == str(len(body))
            kept.check_file()


@pytest.mark.in_process
def test_a_first_upload_that_breaks_off_leaves_the_image_empty(people, empty):
    source = Source(FILE, ending=OSError("the client has gone"))
    send(people.alice.client, RAW, source, length=len(FILE) + 1, status=400)
    assert people.alice.client.get("/api/images/debian12").json["state"] == "uploading"
    assert not empty.files() | empty.blobs()
    people.alice.upload(status=201)
    assert [len(found) for found in empty.all()] == [1, 0, 1, 0]


def test_no_more_than_content_length_bytes_count(people, empty):
    source = Source(FILE + b"and more", step=len(FILE) * 2)
    response = send(people.alice.client, RAW, source, length=len(FILE), status=201)
    assert response.json["size"] == len(FILE)
    assert people.alice.client.get(RAW).body == FILE


@pytest.mark.in_process
def test_a_content_length_that_is_no_number_is_refused(people, kept, subtests):
    people.alice.client.lint = False
    for length in ("-1", "+7", "1e3", "0x10", "seven", "\u0661\u0662", "9" * 5000):
        with subtests.test(length[:9]):
            response = send(people.alice.client, RAW, Untouchable(), length=length, status=400)
            assert_refused(response, 400, "invalid-parameter")
            kept.check()


@pytest.mark.in_process
def test_more_bytes_than_any_disk_holds_are_refused_before_they_are_sent(people, kept):
    for length in (1 << 60, 10**25):
        assert_refused_unread(people.alice.client, RAW, 507, "store-full", length=length)
    kept.check()


def test_the_answer_is_json_though_the_request_was_not(people, empty):
    response = people.alice.upload(content_type="application/octet-stream")
    assert json.loads(response.body)["name"] == "debian12"
    assert response.headers["X-Repoman-User"] == "alice"


def test_more_than_one_chunk_arrives_in_order(people, empty):
    data = b"".join(index.to_bytes(4, "big") for index in range(MIB))
    people.alice.upload(data=data, status=201)
    assert people.alice.client.get(RAW).body == data

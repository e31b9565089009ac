"""What an upload's headers say of its body: digests, ranges, codings; each is taken at its word."""

import base64
import hashlib

import pytest

from tests.factories import FILE
from tests.wsgi import (
    FORM,
    Source,
    assert_refused,
    assert_refused_unread,
    multipart,
    send,
)

pytestmark = pytest.mark.through_apache

RAW = "/api/images/raw/debian12"
NEW = b"another virtual machine image" * 1000


def b64(algorithm: str, data: bytes) -> str:
    return base64.b64encode(hashlib.new(algorithm, data).digest()).decode()


def field(data: bytes, *algorithms: str) -> str:
    """Write a digest field of RFC 9530."""
    names = {"sha256": "sha-256", "sha512": "sha-512"}
    return ", ".join(f"{names[one]}=:{b64(one, data)}:" for one in algorithms)


RIGHT = [
    {"Repr-Digest": field(NEW, "sha256")},
    {"Repr-Digest": field(NEW, "sha512")},
    {"Repr-Digest": field(NEW, "sha256", "sha512")},
    {"Content-Digest": field(NEW, "sha512", "sha256")},
    {"X-Repoman-Checksum": f"sha256={hashlib.sha256(NEW).hexdigest()}"},
    {"X-Repoman-Checksum": f"sha256={hashlib.sha256(NEW).hexdigest().upper()}"},
    {"Repr-Digest": "md5=:AAAA:, unixsum=:AA==:"},
    {"Content-Digest": "md5=:AAAA:", "Repr-Digest": f"md5=:AAAA:,{field(NEW, 'sha256')}"},
]


def test_a_right_digest_is_accepted_and_unknown_algorithms_are_passed_over(people, kept, subtests):
    for headers in RIGHT:
        with subtests.test(str(headers)):
            put = {"length": len(NEW), "headers": headers, "status": 200}
            send(people.alice.client, RAW, Source(NEW), **put)
            assert people.alice.client.get(RAW).body == NEW


# Of a file that the caller could read, the digest alone would do (test_known_content.py).
OTHER = b"a file that nobody keeps"
WRONG = [
    {"Repr-Digest": field(OTHER, "sha256")},
    {"Repr-Digest": field(OTHER, "sha512")},
    {"Repr-Digest": f"{field(NEW, 'sha256')}, {field(OTHER, 'sha512')}"},
    {"Content-Digest": field(OTHER, "sha256")},
    {"Content-Digest": field(OTHER, "sha512"), "Repr-Digest": field(NEW, "sha512")},
    {"X-Repoman-Checksum": f"sha256={hashlib.sha256(OTHER).hexdigest()}"},
]


@pytest.mark.parametrize("length", [len(NEW), None])
def test_a_wrong_digest_is_refused_and_the_image_keeps_its_file(people, kept, subtests, length):
    for headers in WRONG:
        with subtests.test(str(headers)):
            put = {"length": length, "headers": headers, "status": 400}
            response = send(people.alice.client, RAW, Source(NEW), **put)
            assert_refused(response, 400, "digest-mismatch")
            kept.check()


MALFORMED_DIGESTS = (
    ("Repr-Digest", hashlib.sha256(NEW).hexdigest()),
    ("Repr-Digest", f"sha-256={b64('sha256', NEW)}"),
    ("Repr-Digest", "sha-256=:AAAA:"),
    ("Repr-Digest", f"sha-512=:{b64('sha256', NEW)}:"),
    ("Content-Digest", "sha-256=:!:"),
    ("Content-Digest", "sha-256=:AAA:"),
    ("Content-Digest", ","),
    ("X-Repoman-Checksum", hashlib.sha256(NEW).hexdigest()),
    ("X-Repoman-Checksum", f"md5={hashlib.md5(NEW).hexdigest()}"),
    ("X-Repoman-Checksum", ""),
)


def test_a_malformed_digest_is_refused_before_the_body_is_read(people, kept, subtests):
    for name, value in MALFORMED_DIGESTS:
        with subtests.test(f"{name}: {value}"):
            response = assert_refused_unread(
                people.alice.client, RAW, 400, "invalid-parameter", {name: value}
            )
            assert response.json["field"] == name
    kept.check()


def test_two_digests_of_one_file_must_not_contradict_each_other(people, kept):
    checksum = f"sha256={hashlib.sha256(FILE).hexdigest()}"
    headers = {"Repr-Digest": field(NEW, "sha256"), "X-Repoman-Checksum": checksum}
    assert_refused_unread(people.alice.client, RAW, 400, "invalid-parameter", headers)
    kept.check()


def test_in_a_form_repr_digest_covers_the_file_and_content_digest_the_message(people, kept):
    body = multipart(NEW)
    right = {"Repr-Digest": field(NEW, "sha256"), "Content-Digest": field(body, "sha256")}
    people.alice.client.post(RAW, body, headers=FORM | right, status=200)
    for name, value in (("Repr-Digest", body), ("Content-Digest", NEW)):
        wrong = FORM | {name: field(value, "sha256")}
        response = people.alice.client.post(RAW, body, headers=wrong, status=400)
        assert_refused(response, 400, "digest-mismatch")
    epilogue = FORM | {"Content-Digest": field(body + b"epilogue", "sha256")}
    people.alice.client.post(RAW, body, headers=epilogue, status=400)


def test_a_content_range_of_the_whole_file_is_the_whole_file(people):
    people.alice.create()
    for given in (f"bytes 0-{len(FILE) - 1}/{len(FILE)}", f"Bytes  0-{len(FILE) - 1}/{len(FILE)}"):
        headers = {"Content-Range": given}
        send(people.alice.client, RAW, Source(FILE), length=len(FILE), headers=headers, status="2*")
        assert people.alice.client.get(RAW).body == FILE


PARTS = (
    "bytes 1000-22998/23000",
    "bytes 2000-1000/1001",
    "bytes 0-21999/23000",
    "bytes 0-22998/23000",
    "bytes 0-*/*",
    "bytes */23000",
    "bytes 0-21999/*",
    "bytes -1-21998/21999",
    "items 0-21999/22000",
    "0-21999/22000",
    f"bytes 0-{'9' * 3000}/{'9' * 3000}",
    "",
)


@pytest.mark.parametrize("length", [22_000, None])
def test_a_part_of_a_file_is_refused_before_the_body_is_read(people, kept, subtests, length):
    for part in PARTS:
        with subtests.test(part[:30]):
            headers = {"Content-Range": part}
            response = assert_refused_unread(
                people.alice.client, RAW, 400, "invalid-parameter", headers, length=length
            )
            assert response.json["field"] == "Content-Range"
    kept.check()


@pytest.mark.parametrize("last", [len(NEW), len(NEW) - 2])
def test_a_chunked_body_of_another_length_than_its_content_range_is_refused(people, kept, last):
    headers = {"Content-Range": f"bytes 0-{last}/{last + 1}"}
    response = send(people.alice.client, RAW, Source(NEW), headers=headers, status=400)
    assert_refused(response, 400, "invalid-parameter")
    kept.check()


def test_a_content_encoding_is_refused_for_it_would_be_stored_as_the_file(people, kept, subtests):
    for coding in ("gzip", "GZIP", "identity, gzip", "br", "x"):
        with subtests.test(coding):
            headers = {"Content-Encoding": coding}
            assert_refused_unread(people.alice.client, RAW, 415, "unsupported-media-type", headers)
    kept.check()


def test_a_part_in_a_transfer_encoding_is_refused_likewise(people, kept):
    encoded = multipart(base64.b64encode(NEW)).replace(
        b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1
    )
    response = people.alice.client.post(RAW, encoded, headers=FORM, status=415)
    assert_refused(response, 415, "unsupported-media-type")
    kept.check()


def test_the_content_encoding_identity_says_nothing(people):
    people.alice.create()
    headers = {"Content-Encoding": "Identity"}
    send(people.alice.client, RAW, Source(FILE), length=len(FILE), headers=headers, status=201)


def test_a_query_parameter_is_an_error_before_the_body_is_read(people, kept):
    assert_refused_unread(people.alice.client, f"{RAW}?x=1", 400, "unknown-parameter")
    kept.check()

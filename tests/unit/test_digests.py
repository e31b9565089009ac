"""Digests: reading what clients write, and computing them beside the stream."""

import base64
import hashlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoman.digests import (
    Hasher,
    content_digests,
    file_digests,
    parse_digest_field,
    verified,
    verify,
)
from repoman.errors import DigestMismatch, InvalidParameter

DATA = b"a virtual machine image"
SHA256, SHA512 = hashlib.sha256(DATA).digest(), hashlib.sha512(DATA).digest()


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {}),
        ("", {}),
        (f"sha-256=:{b64(SHA256)}:", {"sha256": SHA256}),
        (f"  sha-256=:{b64(SHA256)}:\t", {"sha256": SHA256}),
        (f"sha-512=:{b64(SHA512)}:", {"sha512": SHA512}),
        (
            f"sha-256=:{b64(SHA256)}:,sha-512=:{b64(SHA512)}:",
            {"sha256": SHA256, "sha512": SHA512},
        ),
        (f"md5=:AAAA:, sha-256=:{b64(SHA256)}:", {"sha256": SHA256}),
        ("unixsum=:AA==:, *x.y-z_1=::", {}),
        # RFC 8941 section 4.2.2: of two members of one name the last counts.
        (f"sha-256=:{b64(bytes(32))}:, sha-256=:{b64(SHA256)}:", {"sha256": SHA256}),
    ],
)
def test_digest_fields_are_read_as_rfc_9530_writes_them(value, expected):
    assert parse_digest_field("Repr-Digest", value) == expected


@pytest.mark.parametrize(
    "value",
    [
        " ",
        ",",
        "sha-256",
        "sha-256=",
        f"sha-256={b64(SHA256)}",
        f"sha-256=:{b64(SHA256)}",
        f"SHA-256=:{b64(SHA256)}:",
        f"sha-256=:{b64(SHA256)[:-1]}:",
        "sha-256=::",
        f"sha-256=:{b64(SHA256)}:,",
        f"sha-512=:{b64(SHA256)}:",
        f"sha-256=:{b64(SHA256)}:; x=:AA==:, sha-512",
        "sha-256=:Ä:",
        "sha-256=:=AAA:",
    ],
)
def test_a_malformed_digest_field_is_refused_by_its_name(value):
    with pytest.raises(InvalidParameter) as caught:
        parse_digest_field("Repr-Digest", value)
    assert caught.value.extra["field"] == "Repr-Digest"
    assert "Repr-Digest" in caught.value.detail


@given(st.text(max_size=60))
def test_no_digest_header_makes_it_fail_otherwise(text):
    for headers in (
        {"Repr-Digest": text},
        {"Repr-Digest": f"sha-256=:{text}:"},
        {"X-Repoman-Checksum": text},
        {"X-Repoman-Checksum": f"sha256={text}"},
    ):
        try:
            found = file_digests(headers)
        except InvalidParameter:
            continue
        assert all(len(digest) == hashlib.new(name).digest_size for name, digest in found.items())


def test_the_checksum_header_is_sha256_in_hex():
    for value in (f"sha256={SHA256.hex()}", f"sha256:{SHA256.hex().upper()}"):
        assert file_digests({"X-Repoman-Checksum": value}) == {"sha256": SHA256}
        both = {"X-Repoman-Checksum": value, "Repr-Digest": f"sha-512=:{b64(SHA512)}:"}
        assert file_digests(both) == {"sha256": SHA256, "sha512": SHA512}
        same = {"X-Repoman-Checksum": value, "Repr-Digest": f"sha-256=:{b64(SHA256)}:"}
        assert file_digests(same) == {"sha256": SHA256}
    assert content_digests(same | both) == {}


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_the_digests_are_those_of_the_bytes_however_they_are_cut(chunks):
    hasher = Hasher(["sha256", "sha512"])
    for chunk in chunks:
        hasher.update(chunk)
    whole = b"".join(chunks)
    expected = {name: hashlib.new(name, whole).digest() for name in ("sha256", "sha512")}
    assert hasher.close() == expected
    assert hasher.close() == expected
    assert list(verified(chunks, expected)) == chunks


def test_a_stream_with_the_wrong_digest_fails_at_its_end_and_not_before():
    stream = verified([b"a virtual", b" machine"], {"sha256": SHA256})
    assert next(stream) == b"a virtual"
    assert next(stream) == b" machine"
    with pytest.raises(DigestMismatch, match=SHA256.hex()):
        next(stream)


def test_every_given_digest_must_match():
    found = {"sha256": SHA256, "sha512": SHA512}
    verify({}, found, "it")
    verify(found, found, "it")
    for name, digest in found.items():
        with pytest.raises(DigestMismatch, match=name):
            verify(found | {name: bytes(len(digest))}, found, "it")


def test_a_stream_that_breaks_or_is_broken_off_leaves_no_thread():
    def broken():
        yield b"x"
        raise OSError("the client has gone")

    before = threading.active_count()
    with pytest.raises(OSError, match="gone"):
        list(verified(broken(), {"sha256": SHA256}))
    stream = verified([b"x"] * 10, {"sha256": SHA256})
    next(stream)
    assert threading.active_count() == before + 1
    stream.close()
    assert threading.active_count() == before


class Collector:
    """Keeps what it is given, and chokes on ``bad``."""

    def __init__(self):
        self.found = []

    def update(self, chunk):
        if chunk == b"bad":
            raise ValueError("choked")
        self.found.append(chunk)


def test_consumers_get_every_chunk_and_one_that_fails_holds_nobody_up():
    hasher = Hasher(["sha256"], collector := Collector())
    for chunk in (b"a virtual", b" machine"):
        hasher.update(chunk)
    assert hasher.close() == {"sha256": hashlib.sha256(b"a virtual machine").digest()}
    assert collector.found == [b"a virtual", b" machine"]
    before = threading.active_count()
    hasher = Hasher(["sha256"], Collector())
    for chunk in [b"bad"] * (3 * Hasher.DEPTH):
        hasher.update(chunk)
    with pytest.raises(ValueError, match="choked"):
        hasher.close()
    assert threading.active_count() == before


def test_nothing_to_compute_takes_no_thread():
    before = threading.active_count()
    hasher = Hasher([])
    hasher.update(b"x")
    assert threading.active_count() == before
    assert hasher.close() == {}

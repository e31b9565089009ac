"""tus 1.0: what an independent client may count on, part by part."""

import hashlib
from email.utils import parsedate_to_datetime

import pytest

from repoman.services.audit import detail_of, find
from tests.factories import API, FILE
from tests.tus import TUS, b64, checksum, create, head, metadata, patch
from tests.wsgi import FORM, Untouchable, assert_refused, multipart, send

pytestmark = pytest.mark.through_apache

RAW = "/api/images/raw/debian12"
ALGORITHMS = ("sha1", "sha256", "sha512")


@pytest.fixture
def alice(people):
    """Her client; she has an empty image."""
    people.alice.create(hypervisor="kvm,xen")
    return people.alice.client


@pytest.fixture
def url(alice):
    """The URL of an upload of hers, by tus, of which nothing has arrived."""
    return create(alice, status=201).headers["Location"]


def offset(client, url) -> int:
    """Ask how far it has come."""
    return int(head(client, url).headers["Upload-Offset"])


# Beginning


def test_a_file_sent_in_parts_becomes_the_images(alice, remains):
    made = create(alice, status=201)
    url = made.headers["Location"]
    assert url.startswith(f"{API}/uploads/")
    assert made.headers["Tus-Resumable"] == "1.0.0"
    assert made.headers["Upload-Offset"] == "0"
    assert made.body == b""
    assert head(alice, url).headers["Upload-Offset"] == "0"
    first = patch(alice, url, 0, FILE[:5000], status=204)
    assert first.headers["Upload-Offset"] == "5000"
    assert first.headers["Tus-Resumable"] == "1.0.0"
    assert parsedate_to_datetime(first.headers["Upload-Expires"])
    assert first.headers["Upload-Expires"].endswith(" GMT")
    assert alice.get("/api/images/debian12").json["state"] == "uploading"
    patch(alice, url, 5000, FILE[5000:9000], status=204)
    told = head(alice, url).headers
    assert (told["Upload-Offset"], told["Upload-Length"]) == ("9000", str(len(FILE)))
    assert told["Cache-Control"] == "no-store"
    assert told["Upload-Metadata"] == metadata(image="debian12", filename="disk.img")
    last = patch(alice, url, 9000, FILE[9000:], status=204)
    assert last.headers["Upload-Offset"] == str(len(FILE))
    shown = alice.get("/api/images/debian12").json
    assert (last.headers["X-Repoman-Uuid"], last.headers["X-Repoman-Version"]) == (
        shown["uuid"],
        "1",
    )
    assert shown["checksum"]["value"] == hashlib.sha256(FILE).hexdigest()
    assert alice.get(RAW).body == FILE
    assert_refused(alice.get(url, status=404), 404, "upload-not-found")
    assert [len(found) for found in remains.all()] == [1, 0, 1, 0]


def test_the_image_is_named_in_any_form(people, alice):
    uuid = alice.get("/api/images/debian12").json["uuid"]
    image = f"{API}/images"
    for name in ("debian12", "alice/debian12", uuid, f"{image}/alice/debian12", f"{image}/{uuid}"):
        sent = {"Upload-Metadata": metadata(image=name, hypervisor="XEN")}
        made = create(alice, FILE, headers=sent, status=201)
        assert made.headers["X-Repoman-Uuid"] == uuid
    assert set(alice.get("/api/images/debian12").json["files"]) == {"xen"}
    people.bob.create()
    sent = {"Upload-Metadata": metadata(image="bob/debian12")}
    assert_refused(create(alice, headers=sent, status=404), 404, "image-not-found")


@pytest.mark.parametrize(
    ("path", "hypervisor"),
    [("debian12", "kvm"), ("xen/debian12", "xen"), ("alice/debian12", "kvm")],
)
def test_a_raw_url_begins_an_upload_to_what_it_names(alice, path, hypervisor):
    made = create(alice, path=f"/api/images/raw/{path}", status=201)
    assert made.headers["Tus-Resumable"] == "1.0.0"
    patch(alice, made.headers["Location"], 0, FILE, status=204)
    assert set(alice.get("/api/images/debian12").json["files"]) == {hypervisor}
    alice.post(f"/api/images/raw/{path}", multipart(FILE), headers=FORM, status=200)


def test_the_first_bytes_may_come_with_the_beginning(alice):
    made = create(alice, FILE[:7000], headers=checksum(FILE[:7000]), status=201)
    assert made.headers["Upload-Offset"] == "7000"
    assert parsedate_to_datetime(made.headers["Upload-Expires"])
    patch(alice, made.headers["Location"], 7000, FILE[7000:], status=204)
    assert alice.get(RAW).body == FILE
    made = create(alice, FILE, status=201)
    assert made.headers["Upload-Offset"] == str(len(FILE))
    assert "Upload-Expires" not in made.headers
    assert made.headers["X-Repoman-Version"] == "2"


NO_BEGINNINGS = {
    "no length": ({"Upload-Length": None}, 400, "missing-parameter", "Upload-Length"),
    "a length that is no number": (
        {"Upload-Length": "-1"},
        400,
        "invalid-parameter",
        "Upload-Length",
    ),
    "no bytes": ({"Upload-Length": "0"}, 400, "empty-file", None),
    "a deferred length": (
        {"Upload-Length": None, "Upload-Defer-Length": "1"},
        400,
        "invalid-parameter",
        "Upload-Defer-Length",
    ),
    "a part of a concatenation": (
        {"Upload-Concat": "partial"},
        400,
        "invalid-parameter",
        "Upload-Concat",
    ),
    "no metadata": ({"Upload-Metadata": None}, 400, "missing-parameter", "Upload-Metadata"),
    "no image": ({"Upload-Metadata": metadata(filename="x")}, 400, "missing-parameter", None),
    "no base64": ({"Upload-Metadata": "image debian12!"}, 400, "invalid-parameter", None),
    "a key twice": ({"Upload-Metadata": "image YQ==,image Yg=="}, 400, "invalid-parameter", None),
    "an empty key": ({"Upload-Metadata": "image ZGViaWFuMTI=,,"}, 400, "invalid-parameter", None),
    "another server's image": (
        {"Upload-Metadata": metadata(image="https://other.example.org/api/images/debian12")},
        400,
        "invalid-parameter",
        "Upload-Metadata",
    ),
    "an image that is not there": (
        {"Upload-Metadata": metadata(image="nothing")},
        404,
        "image-not-found",
        None,
    ),
    "an unknown hypervisor": (
        {"Upload-Metadata": metadata(image="debian12", hypervisor="vm370")},
        400,
        "invalid-parameter",
        None,
    ),
    "a malformed digest": (
        {"Upload-Metadata": metadata(image="debian12", checksum="md5:abc")},
        400,
        "invalid-parameter",
        "Upload-Metadata",
    ),
    "more than any disk holds": ({"Upload-Length": str(1 << 70)}, 507, "store-full", None),
    "another version": ({"Tus-Resumable": "0.2.2"}, 412, "tus-version", None),
    "no version": ({"Tus-Resumable": None}, 412, "tus-version", None),
    "another type": ({"Content-Type": "text/plain"}, 415, "unsupported-media-type", None),
    "a coding": ({"Content-Encoding": "gzip"}, 415, "unsupported-media-type", None),
    "a condition that fails": ({"If-Match": '"x"'}, 412, "precondition-failed", None),
    "another site's page": ({"Origin": "https://evil.example.org"}, 403, "foreign-origin", None),
}


def test_what_cannot_begin_is_refused_and_leaves_nothing(alice, remains, subtests):
    for case, (headers, status, code, field) in NO_BEGINNINGS.items():
        with subtests.test(case):
            body = b"x" if "Content-" in str(headers) else b""
            refused = create(alice, body, headers=headers, status=status)
            assert_refused(refused, status, code)
            assert field in {None, refused.json.get("field")}
            assert refused.headers["Tus-Resumable"] == "1.0.0"
            assert refused.headers.get("Tus-Version") == (
                "1.0.0" if code == "tus-version" else None
            )
    assert remains.all() == (set(), set(), set(), set())


def test_options_tell_what_of_tus_there_is(alice):
    for path in ("/api/uploads", "/api/uploads/x", RAW):
        told = alice.options(path, status=204).headers
        assert told["Tus-Version"] == "1.0.0"
        extensions = "creation,creation-with-upload,checksum,expiration,termination"
        assert told["Tus-Extension"] == extensions
        assert told["Tus-Checksum-Algorithm"] == "sha1,sha256,sha512"
    assert alice.options("/api/uploads").headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    allowed = alice.options("/api/uploads/x").headers["Allow"]
    assert allowed == "DELETE, GET, HEAD, OPTIONS, PATCH"
    assert "Tus-Max-Size" not in told
    assert "Tus-Version" not in alice.options("/api/images").headers


class TestOfASmallServer:
    """It takes files of less than `FILE`'s size."""

    @pytest.fixture(autouse=True)
    def small(self, ini):
        ini["repoman.max_image_size"] = "9000"

    def test_a_larger_file_does_not_begin(self, alice, remains):
        assert alice.options("/api/uploads").headers["Tus-Max-Size"] == "9000"
        assert_refused(create(alice, status=413), 413, "file-too-large")
        assert remains.all() == (set(), set(), set(), set())


def test_the_whole_length_is_reserved_from_the_beginning(people, alice):
    people.admin.client.post_json("/api/users/alice", {"quota": len(FILE)})
    url = create(alice, FILE[:9], status=201).headers["Location"]
    assert alice.get("/api/users/alice/usage").json["free"] == 0
    assert_refused(create(alice, status=413), 413, "quota-exceeded")
    patch(alice, url, 9, FILE[9:100], status=204)
    alice.delete(url)
    assert alice.get("/api/users/alice/usage").json["free"] == len(FILE)
    create(alice, FILE, status=201)


def test_it_takes_the_right_to_the_image_to_begin(people, alice):
    alice.post(f"/api/images/debian12/share/user/{people.bob.name}")
    sent = {"Upload-Metadata": metadata(image="alice/debian12")}
    refused = create(people.bob.client, headers=sent, status=403)
    assert_refused(refused, 403, "permission-denied")
    create(people.admin.client, FILE, headers=sent, status=201)
    refused = create(people.anonymous, headers=sent, status=401)
    assert refused.headers["Tus-Resumable"] == "1.0.0"


# Going on


NO_PARTS = {
    "an offset before": ({"Upload-Offset": "0"}, 409, "offset-mismatch", "offset"),
    "an offset behind": ({"Upload-Offset": "1001"}, 409, "offset-mismatch", "offset"),
    "no offset": ({"Upload-Offset": None}, 400, "missing-parameter", "field"),
    "an offset that is no number": ({"Upload-Offset": "x"}, 400, "invalid-parameter", "field"),
    "another type": ({"Content-Type": "text/plain"}, 415, "unsupported-media-type", None),
    "a coding": ({"Content-Encoding": "gzip"}, 415, "unsupported-media-type", None),
    "another version": ({"Tus-Resumable": "2.0.0"}, 412, "tus-version", None),
    "no version": ({"Tus-Resumable": None}, 412, "tus-version", None),
    "an unknown algorithm": ({"Upload-Checksum": "crc32 AAAA"}, 400, "invalid-parameter", "field"),
    "half a checksum": ({"Upload-Checksum": "sha1 AAAA"}, 400, "invalid-parameter", "field"),
    "a condition that fails": ({"If-Match": '"x"'}, 412, "precondition-failed", None),
    "another site's page": ({"Sec-Fetch-Site": "cross-site"}, 403, "foreign-origin", None),
}


def test_what_cannot_go_on_is_refused_unread_and_harms_nothing(alice, url, subtests):
    patch(alice, url, 0, FILE[:1000], status=204)
    right = {"Upload-Offset": "1000", "Content-Type": "application/offset+octet-stream"}
    options = {"method": "PATCH", "length": 100}
    for case, (headers, status, code, member) in NO_PARTS.items():
        with subtests.test(case):
            sent = {k: v for k, v in (TUS | right | headers).items() if v is not None}
            refused = send(alice, url, Untouchable(), headers=sent, status=status, **options)
            assert_refused(refused, status, code)
            assert member is None or member in refused.json
            assert refused.json.get("offset") in {None, 1000}
    options["length"] = len(FILE) - 999
    refused = send(alice, url, Untouchable(), headers=TUS | right, status=400, **options)
    assert_refused(refused, 400, "invalid-parameter")
    assert offset(alice, url) == 1000
    patch(alice, url, 1000, FILE[1000:], status=204)
    assert alice.get(RAW).body == FILE


def test_repeating_a_part_is_harmless(alice, url):
    patch(alice, url, 0, FILE[:1000], status=204)
    refused = patch(alice, url, 0, FILE[:1000], status=409)
    assert refused.json["offset"] == 1000
    patch(alice, url, 1000, b"", status=204)
    patch(alice, url, 1000, FILE[1000:], status=204)
    assert alice.get(RAW).body == FILE


def test_a_part_with_another_checksum_is_cut_off_again(alice, url, remains, subtests):
    wrong = {name: checksum(b"other", name) for name in ALGORITHMS}
    for name in ALGORITHMS:
        with subtests.test(name):
            at = offset(alice, url)
            refused = patch(alice, url, at, FILE[at:], headers=wrong[name], status=460)
            assert_refused(refused, 460, "checksum-mismatch")
            assert offset(alice, url) == at
            part = FILE[at : at + 1000]
            patch(alice, url, at, part, headers=checksum(part, name), status=204)
            refused = patch(alice, url, at + 1000, FILE[:10], headers=wrong[name], status=460)
    patch(alice, url, 3000, FILE[3000:], headers=checksum(FILE[3000:]), status=204)
    assert alice.get(RAW).body == FILE
    # Who begins with a wrong part does not learn where it would be gone on with.
    assert_refused(create(alice, b"x", headers=wrong["sha1"], status=460), 460, "checksum-mismatch")
    assert [len(found) for found in remains.all()] == [1, 0, 1, 0]


@pytest.mark.parametrize("form", ["sha256:{}", "sha256={}"])
def test_the_digest_given_at_the_beginning_is_of_the_whole_file(alice, remains, form):
    sha256 = form.format(hashlib.sha256(FILE).hexdigest())
    sent = {"Upload-Metadata": metadata(image="debian12", checksum=sha256)}
    url = create(alice, FILE[:9], headers=sent, status=201).headers["Location"]
    other = {"X-Repoman-Checksum": f"sha256={'0' * 64}"}
    contradicting = patch(alice, url, 9, FILE[9:], headers=other, status=400)
    assert_refused(contradicting, 400, "invalid-parameter")
    refused = patch(alice, url, 9, bytes(len(FILE) - 9), status=400)
    assert_refused(refused, 400, "digest-mismatch")
    assert head(alice, url, status=404).headers["X-Repoman-Error"] == "upload-not-found"
    assert remains.all() == (set(), set(), set(), set())
    create(alice, FILE, headers=sent, status=201)


def test_the_last_part_may_bring_the_digest_of_the_whole_file(alice, url):
    patch(alice, url, 0, FILE[:9], status=204)
    digest = {"Repr-Digest": f"sha-512=:{b64(hashlib.sha512(FILE).digest())}:"}
    patch(alice, url, 9, FILE[9:], headers=digest, status=204)
    url = create(alice, FILE[:9], status=201).headers["Location"]
    refused = patch(alice, url, 9, bytes(len(FILE) - 9), headers=digest, status=400)
    assert_refused(refused, 400, "digest-mismatch")
    head(alice, url, status=404)


def test_the_right_is_asked_with_every_part_and_a_lost_one_ends_nothing(people, alice):
    people.join("crew", people.alice, people.bob)
    alice.post_json("/api/images/debian12", {"group": "crew", "group_access": "write"})
    bob, sent = people.bob.client, {"Upload-Metadata": metadata(image="alice/debian12")}
    url = create(bob, FILE[:9], headers=sent, status=201).headers["Location"]
    alice.post_json("/api/images/debian12", {"group_access": "read"})
    assert_refused(patch(bob, url, 9, FILE[9:], status=403), 403, "permission-denied")
    alice.post_json("/api/images/debian12", {"group_access": "write", "read_only": True})
    assert_refused(patch(bob, url, 9, FILE[9:], status=409), 409, "image-read-only")
    alice.post_json("/api/images/debian12", {"read_only": False})
    patch(bob, url, 9, FILE[9:], status=204)


def test_a_new_owner_ends_uploads(people, alice, url):
    assert people.bob
    people.admin.client.post_json("/api/images/alice/debian12", {"owner": "bob"})
    head(alice, url, status=404)
    assert_refused(patch(alice, url, 0, FILE, status=404), 404, "upload-not-found")


def test_the_file_leaves_one_row_in_the_audit_trail(alice, url, sessions):
    patch(alice, url, 0, FILE[:9], status=204)
    patch(alice, url, 9, FILE[9:], status=204)
    with sessions.reading() as session:
        rows = [one for one in find(session, user="alice") if "upload" in one.request]
    path = url.removeprefix(API.removesuffix("/api"))
    assert [(one.action, one.object, one.request) for one in rows] == [
        ("image:edit", "/api/images/alice/debian12", f"PATCH {path}")
    ]
    assert detail_of(rows[0])["size"] == len(FILE)


# Methods that stand in a header


def test_a_post_may_say_another_method_of_an_upload(alice, url):
    def post(method, path=url, data=b"", headers=(), **options):
        sent = TUS | {"X-HTTP-Method-Override": method} | dict(headers)
        return alice.post(path, data, headers=sent, **options)

    part = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert post("PATCH", data=FILE[:9], headers=part, status=204).headers["Upload-Offset"] == "9"
    told = post("HEAD", status=200)
    assert (told.headers["Upload-Offset"], told.body) == ("9", b"")
    missing = post("HEAD", f"{url}0", status=404)
    assert (missing.headers["Content-Length"], missing.body) == ("0", b"")
    foreign = post("DELETE", headers={"Origin": "null"}, status=403)
    assert_refused(foreign, 403, "foreign-origin")
    for method in ("GET", "PUT", "", "nonsense"):
        assert_refused(post(method, status=405), 405, "method-not-allowed")
    # Nowhere else.
    post("DELETE", "/api/images/debian12", status=200)
    assert alice.get("/api/images/debian12").json["state"] == "uploading"
    alice.get(url, headers=TUS | {"X-HTTP-Method-Override": "DELETE"}, status=200)
    post("delete", f"{url}/", status=204)
    head(alice, url, status=404)


def test_an_image_that_may_not_be_seen_is_as_one_that_is_not_there(people, alice):
    bob = people.bob.client
    for hypervisor, status in ((None, 404), ("xen", 404), ("nonsense", 400)):
        answers = []
        for image in ("alice/debian12", "alice/nothing"):
            given = {"image": image} | ({"hypervisor": hypervisor} if hypervisor else {})
            answers.append(
                create(bob, headers={"Upload-Metadata": metadata(**given)}, status=status)
            )
        assert answers[0].json == answers[1].json


def test_what_was_reserved_can_be_sent_after_the_quota_was_lowered(people, alice, url):
    patch(alice, url, 0, FILE[:5000], status=204)
    people.admin.client.post_json("/api/users/alice", {"quota": 5001})
    patch(alice, url, 5000, FILE[5000:], status=204)
    assert alice.get(RAW).body == FILE

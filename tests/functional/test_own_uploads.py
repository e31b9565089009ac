"""Unfinished uploads: whose they are, what is shown of them, and ending one."""

import pytest

from repoman.certificates.names import from_x509
from tests.factories import API, FILE
from tests.tus import TUS, create, head, metadata, patch
from tests.wsgi import assert_refused

pytestmark = pytest.mark.through_apache

RAW = "/api/images/raw/debian12"


@pytest.fixture
def alice(people):
    """Her client; she has an empty image."""
    people.alice.create(hypervisor="kvm,xen")
    return people.alice.client


@pytest.fixture
def url(alice):
    """The URL of an upload of hers, by tus, of which nine bytes have arrived."""
    return create(alice, FILE[:9], status=201).headers["Location"]


def test_an_upload_is_shown_to_whoever_began_it(alice, url):
    shown = alice.get(url)
    assert shown.headers["Tus-Resumable"] == "1.0.0"
    assert shown.headers["Cache-Control"] == "private, no-cache"
    created, expires = shown.json.pop("created"), shown.json.pop("expires")
    assert created < expires
    assert alice.get("/api/uploads").json == [
        {
            "id": url.rpartition("/")[2],
            "url": url,
            "image": f"{API}/images/alice/debian12",
            "hypervisor": "kvm",
            "protocol": "tus",
            "offset": 9,
            "length": len(FILE),
            "metadata": metadata(image="debian12", filename="disk.img"),
            "created": created,
            "expires": expires,
        }
    ]
    tag = shown.headers["ETag"]
    alice.get(url, headers={"If-None-Match": tag}, status=304)
    patch(alice, url, 9, FILE[9:10])
    assert alice.get(url, headers={"If-None-Match": tag}, status=200).json["offset"] == 10
    alice.head("/api/uploads", status=200)
    # Without tus's header too: what GET has, and how far it has come.
    assert alice.head(url, status=200).headers["Upload-Offset"] == "10"


def test_uploads_are_listed_from_the_oldest_on_until_they_end(people, alice):
    urls = [create(alice, status=201).headers["Location"] for _ in range(3)]
    people.bob.create()
    create(people.bob.client, status=201)
    assert [one["url"] for one in alice.get("/api/uploads").json] == urls
    patch(alice, urls[1], 0, FILE, status=204)
    alice.delete(urls[0])
    assert [one["url"] for one in alice.get("/api/uploads").json] == urls[2:]
    alice.get("/api/uploads?limit=1", status=400)


def test_another_persons_upload_is_as_if_it_were_not_there(people, alice, url):
    people.alice.client.post(f"/api/images/debian12/share/user/{people.bob.name}")
    for client in (people.admin.client, people.bob.client):
        for refused in (
            client.get(url, status=404),
            patch(client, url, 9, FILE[9:], status=404),
            client.delete(url, status=404),
            client.delete(url, headers=TUS, status=404),
        ):
            assert_refused(refused, 404, "upload-not-found")
        head(client, url, status=404)
        assert client.get("/api/uploads").json == []
    assert_refused(people.anonymous.get("/api/uploads", status=401), 401, "certificate-required")
    for name in ("x", "0" * 32, "%ff"):
        assert alice.get(f"/api/uploads/{name}", status="*").status_int in {400, 404}
    assert alice.get(url).json["offset"] == 9


def test_an_upload_belongs_to_the_person_whatever_certificate_is_shown(people, alice, url):
    second = people.holder("Alice's Machine")
    fields = {"client_dn": from_x509(second.certificate.subject).slash}
    people.admin.client.post_json("/api/users/alice/certificates", fields, status=201)
    patch(people.client(second), url, 9, FILE[9:], status=204)
    assert alice.get(RAW).body == FILE


def test_it_takes_no_right_to_the_image_to_see_and_end_an_upload(people, alice):
    people.join("crew", people.alice, people.bob)
    alice.post_json("/api/images/debian12", {"group": "crew", "group_access": "write"})
    bob, sent = people.bob.client, {"Upload-Metadata": metadata(image="alice/debian12")}
    url = create(bob, headers=sent, status=201).headers["Location"]
    alice.post_json("/api/images/debian12", {"name": "secret", "group": ""})
    assert bob.get(url).json["image"] is None
    assert head(bob, url).headers["Upload-Offset"] == "0"
    assert_refused(patch(bob, url, 0, FILE, status=404), 404, "image-not-found")
    assert bob.delete(url).json == {"deleted": url}


def test_deleting_an_upload_removes_what_has_arrived(alice, url, remains):
    assert len(remains.partials()) == 1
    stale = {"If-Match": '"x"'}
    assert_refused(alice.delete(url, headers=stale, status=412), 412, "precondition-failed")
    ended = alice.delete(url, headers=TUS, status=204)
    assert (ended.body, ended.headers["Tus-Resumable"]) == (b"", "1.0.0")
    assert remains.all() == (set(), set(), set(), set())
    assert_refused(alice.delete(url, status=404), 404, "upload-not-found")
    assert alice.get("/api/images/debian12").json["state"] == "empty"
    url = create(alice, status=201).headers["Location"]
    assert_refused(
        alice.delete(url, headers={"Tus-Resumable": "0.1"}, status=412), 412, "tus-version"
    )
    assert alice.delete(f"{url}/", status=200).json == {"deleted": url}


def test_uploads_by_tus_count_among_the_twenty(alice, remains):
    urls = [create(alice, status=201).headers["Location"] for _ in range(20)]
    refused = create(alice, status=409)
    assert_refused(refused, 409, "too-many-uploads")
    assert len(remains.partials()) == len(remains.uploads()) == 20
    alice.delete(urls[7])
    create(alice, status=201)

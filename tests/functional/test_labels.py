"""What files are found to be: refused, quarantined or shown, and held against the format named."""

import gzip

import pytest
from sqlalchemy import update

import repoman
from repoman.models import Blob
from repoman.services import labels
from tests.disks import SIZE, inspect
from tests.factories import FILE
from tests.tus import create, patch
from tests.wsgi import Source, assert_refused, post_form, send

URL, RAW = "/api/images/debian12", "/api/images/raw/debian12"
THEIRS = "/api/images/raw/alice/debian12"
LABEL = ("format", "virtual_size", "compression", "dangers")
quarantining = pytest.mark.parametrize("unsafe_images", ["quarantine"])


@pytest.fixture
def unsafe_images() -> str:
    """What the server does with unsafe files."""
    return "refuse"


@pytest.fixture
def ini(ini, unsafe_images):
    """The settings with it."""
    return ini | {"repoman.unsafe_images": unsafe_images}


@pytest.fixture
def shared(people, disks):
    """Alice's quarantined image, which is shared with bob and open to everybody."""
    people.alice.create(hypervisor="kvm,xen", unauthenticated_access=True)
    people.alice.client.post(f"{URL}/share/user/{people.bob.name}")
    return people.alice.upload(data=disks.read("qcow2-backing"), status=201).json


def label_of(shown, hypervisor=None):
    """Return the four fields of an image, or of its file for a hypervisor."""
    return tuple((shown["files"][hypervisor] if hypervisor else shown)[name] for name in LABEL)


# What is shown


def test_a_file_is_labelled_while_it_comes_in(people, disks):
    alice = people.alice
    assert label_of(alice.create(hypervisor="kvm,xen")) == (None,) * 4
    qcow2 = disks.read("qcow2")
    for data, expected in (
        (qcow2, ("qcow2", SIZE, None, [])),
        (gzip.compress(qcow2), ("qcow2", SIZE, "gzip", [])),
        (FILE, ("raw", len(FILE), None, [])),
    ):
        shown = alice.upload(data=data).json
        assert label_of(shown) == label_of(shown, "kvm") == expected
    post_form(alice.client, "/api/images/raw/xen/debian12", disks.read("vmdk-stream"))
    shown = alice.client.get(URL).json
    assert label_of(shown, "xen") == ("vmdk", SIZE, None, [])
    for order, first, other in (("kvm,xen", "raw", "vmdk"), ("xen,kvm", "vmdk", "raw")):
        shown = alice.client.patch_json(URL, {"hypervisor": order}).json
        assert shown["format"] == first
        assert alice.client.get(f"/api/images?format={first}").json == [shown["url"]]
        assert alice.client.get(f"/api/images?format={other}").json == []


def test_a_file_that_nobody_has_looked_at_is_unknown_until_somebody_does(people, shared_file):
    alice, blob = people.alice.client, shared_file
    assert label_of(alice.get(URL).json) == (None,) * 4
    assert alice.get("/api/images?format=").json == [alice.get(URL).json["url"]]
    assert alice.patch_json(URL, {"format": "iso"}, status=200).json["format"] is None
    with people.sessions.changing.begin() as session:
        labels.label(session.get(Blob, blob), inspect(FILE))
    assert label_of(alice.get(URL).json) == ("raw", len(FILE), None, [])


@pytest.fixture
def shared_file(people) -> int:
    """The blob of a file of alice's from before files were looked at."""
    people.alice.create()
    people.alice.upload(status=201)
    with people.sessions.changing.begin() as session:
        session.execute(update(Blob).values(dict.fromkeys(LABEL)))
        return session.query(Blob).one().id


# Unsafe files are refused


@pytest.mark.parametrize("name", ["qcow2-backing", "qcow2-data-file", "vmdk-flat"])
def test_an_unsafe_file_is_refused_and_nothing_of_it_is_kept(people, kept, disks, name):
    data = disks.read(name)
    for send_it in (people.alice.client.put, lambda path, data, **o: post_form(
        people.alice.client, path, data, **o)):  # fmt: skip
        refused = assert_refused(send_it(RAW, data, status=422), 422, "unsafe-image")
        assert refused.json["dangers"] == list(inspect(data).dangers)
        assert "qemu-img convert -O qcow2" in refused.json["detail"]
    kept.check()


def test_what_arrived_before_a_break_is_inspected_too(people, kept, disks):
    alice, data = people.alice.client, disks.read("qcow2-backing")
    first = Source(data[:5000], ending=OSError("the client has gone"))
    send(alice, RAW, first, length=len(data), status=400)
    rest = {"Content-Range": f"bytes 5000-{len(data) - 1}/{len(data)}"}
    assert_refused(alice.put(RAW, data[5000:], headers=rest, status=422), 422, "unsafe-image")
    kept.check()


# Or they are quarantined


@quarantining
def test_a_quarantined_file_is_its_owners_alone(people, shared, disks):
    assert (shared["state"], shared["dangers"]) == ("quarantined", ["backing-file"])
    assert shared["http_file_url"] is None
    assert people.alice.client.get(RAW).body == disks.read("qcow2-backing")
    for person in (people.bob, people.admin):
        for method in (person.client.get, person.client.head):
            assert method(THEIRS, status=403).headers["X-Repoman-Error"] == "image-quarantined"
        refused = assert_refused(person.client.get(THEIRS, status=403), 403, "image-quarantined")
        assert refused.json["dangers"] == ["backing-file"]
        assert person.client.get("/api/images/alice/debian12").json["state"] == "quarantined"
        listed = person.client.get("/api/images?state=quarantined&format=qcow2").json
        assert listed == [shared["url"]]
        assert person.client.get("/api/images?state=active").json == []


@quarantining
def test_a_quarantined_file_is_not_public(people, shared):
    assert_refused(people.anonymous.get(THEIRS, status=401), 401, "certificate-required")
    assert_refused(people.zoe.client.get(THEIRS, status=404), 404, "image-not-found")
    people.alice.upload(data=FILE)
    for client in (people.anonymous, people.zoe.client):
        assert client.get(THEIRS).body == FILE


@quarantining
def test_only_the_unsafe_file_of_an_image_is_barred(people, shared):
    people.alice.upload(path="/api/images/raw/xen/debian12", status=201)
    xen = "/api/images/raw/alice/xen/debian12"
    assert people.bob.client.get(xen).body == people.anonymous.get(xen).body == FILE
    assert people.bob.client.get(THEIRS, status=403)
    assert people.bob.client.get("/api/images/alice/debian12").json["state"] == "quarantined"
    fields = {"name": "mine", "copy_of": "alice/debian12", "hypervisor": "xen"}
    assert people.bob.client.post_json("/api/images", fields).json["state"] == "active"


@quarantining
def test_only_the_owner_copies_a_quarantined_file_and_the_copy_is_quarantined(people, shared):
    people.bob.create("mine")
    for person in (people.bob, people.admin):
        fields = {"name": "mine", "copy_of": "alice/debian12"}
        refused = person.client.post_json("/api/images", fields, status=403)
        assert_refused(refused, 403, "image-quarantined")
    copy = people.alice.create("mine", copy_of="debian12")
    assert (copy["state"], copy["dangers"]) == ("quarantined", ["backing-file"])
    people.alice.client.post("/api/images/mine/share/user/bob")
    assert people.bob.client.get("/api/images/raw/alice/mine", status=403)


@quarantining
def test_a_server_that_refuses_again_keeps_what_is_quarantined(people, shared, ini, disks):
    strict = repoman.main({}, **(ini | {"repoman.unsafe_images": "refuse"}))
    alice, bob, admin = (
        type(one.client)(strict, extra_environ=one.holder.environ())
        for one in (people.alice, people.bob, people.admin)
    )
    data = disks.read("qcow2-backing")
    assert_refused(alice.put(RAW, data, status=422), 422, "unsafe-image")
    assert alice.get(RAW).body == data
    for client in (bob, admin):
        assert_refused(client.get(THEIRS, status=403), 403, "image-quarantined")
    strict.sessions.engine.dispose()


def test_an_old_file_that_proves_unsafe_is_quarantined(people, shared_file, disks):
    with people.sessions.changing.begin() as session:
        labels.label(session.get(Blob, shared_file), inspect(disks.read("qcow2-data-file")))
    assert people.alice.client.get(URL).json["state"] == "quarantined"
    assert people.alice.client.get(RAW).body == FILE
    assert_refused(people.admin.client.get(THEIRS, status=403), 403, "image-quarantined")


@quarantining
def test_an_earlier_version_stays_quarantined_and_so_does_one_that_is_put_back(people, shared):
    people.alice.upload(data=FILE)
    assert people.bob.client.get(THEIRS).body == FILE
    refused = people.admin.client.get(f"{THEIRS}?version=1", status=403)
    assert_refused(refused, 403, "image-quarantined")
    assert people.alice.client.get(f"{RAW}?version=1").status_int == 200
    assert people.alice.client.patch_json(URL, {"version": 1}).json["state"] == "quarantined"
    assert_refused(people.admin.client.get(THEIRS, status=403), 403, "image-quarantined")


# The format that an image is to have


def test_a_file_of_another_format_than_the_images_is_refused(people, kept, disks):
    alice = people.alice.client
    people.alice.create("disk", format="qcow2")
    assert alice.get("/api/images/disk").json["format"] == "qcow2"
    kept.remember()
    for data in (FILE, disks.read("vdi"), gzip.compress(FILE)):
        refused = alice.put("/api/images/raw/disk", data, status=422)
        assert_refused(refused, 422, "format-mismatch")
        assert refused.json["field"] == "format"
    kept.check()
    packed = gzip.compress(disks.read("qcow2"))
    assert alice.put("/api/images/raw/disk", packed, status=201).json["format"] == "qcow2"
    assert_refused(alice.put("/api/images/raw/disk", FILE, status=422), 422, "format-mismatch")
    alice.patch_json("/api/images/disk", {"format": None})
    assert alice.put("/api/images/raw/disk", FILE, status=200).json["format"] == "raw"


def test_the_format_cannot_be_set_against_a_file_that_is_there(people, disks):
    alice = people.alice.client
    people.alice.create(hypervisor="kvm,xen")
    alice.put("/api/images/raw/xen/debian12", disks.read("vmdk-sparse"), status=201)
    for path, send_it in ((URL, alice.patch_json), ("/api/images", alice.post_json)):
        fields = {"format": "qcow2"} | ({"name": "a", "copy_of": "debian12"} if path != URL else {})
        refused = assert_refused(send_it(path, fields, status=422), 422, "format-mismatch")
        assert refused.json["field"] == "format"
        assert "xen is vmdk" in refused.json["detail"]
    assert alice.patch_json(URL, {"format": "vmdk"}).json["format"] == "vmdk"
    alice.patch_json(URL, {"format": "qcow2", "hypervisor": "kvm"}, status=200)
    assert_refused(alice.patch_json(URL, {"format": "vpc"}, status=400), 400, "invalid-parameter")


def test_a_fetched_image_can_be_sent_back_and_binds_nothing(people, disks):
    alice = people.alice.client
    people.alice.create()
    shown = people.alice.upload(data=disks.read("qcow2")).json
    assert alice.patch_json(URL, shown | {"description": "mine"}).json["format"] == "qcow2"
    assert alice.put(RAW, FILE, status=200).json["format"] == "raw"
    refused = alice.patch_json(URL, {"format": "qcow2"}, status=422)
    assert_refused(refused, 422, "format-mismatch")


def test_a_copy_is_bound_to_no_format(people, disks):
    people.alice.create(format="qcow2")
    people.alice.upload(data=disks.read("qcow2"))
    people.alice.create("copy", copy_of="debian12")
    assert people.alice.upload("copy", FILE, status=200).json["format"] == "raw"


def test_who_may_edit_an_image_sets_its_format(people):
    people.join("lab", people.alice, people.bob)
    people.alice.create(group="lab", group_access="write")
    theirs = "/api/images/alice/debian12"
    assert people.bob.client.patch_json(theirs, {"format": "iso"}).json["format"] == "iso"
    fields = {"name": "cleaners", "users": people.carol.name, "permissions": "image_delete"}
    people.admin.client.post_json("/api/groups", fields, status=201)
    refused = people.carol.client.patch_json(theirs, {"format": "raw"}, status=403)
    assert_refused(refused, 403, "permission-denied")
    assert refused.json["permission"] == "image_modify"


def test_a_version_of_another_format_is_not_put_back(people, disks):
    alice = people.alice.client
    people.alice.create()
    people.alice.upload(status=201)
    people.alice.upload(data=disks.read("qcow2"))
    alice.delete(RAW)
    alice.patch_json(URL, {"format": "vdi"})
    assert_refused(alice.patch_json(URL, {"version": 1}, status=422), 422, "format-mismatch")
    assert alice.get(URL).json["format"] == "vdi"
    assert alice.patch_json(URL, {"version": 1, "format": "raw"}).json["format"] == "raw"


def test_an_upload_by_tus_ends_where_its_file_is_refused(people, kept, disks):
    alice, data = people.alice.client, disks.read("qcow2-backing")
    url = create(alice, headers={"Upload-Length": str(len(data))}, status=201).headers["Location"]
    patch(alice, url, 0, data[:5000], status=204)
    assert_refused(patch(alice, url, 5000, data[5000:], status=422), 422, "unsafe-image")
    assert_refused(alice.get(url, status=404), 404, "upload-not-found")
    kept.check()

"""What lists of images can be filtered and sorted by, held against the objects themselves."""

from itertools import product

import pytest

from repoman.services import images
from tests.gallery import Gallery, by, walk
from tests.wsgi import assert_refused

SORTS = ["name", "-name", "modified", "-modified", "size", "-size"]


@pytest.fixture
def gallery(people) -> Gallery:
    return Gallery(people)


def listed(client, **query):
    return client.get("/api/images", query, status=200).json


def urls(found):
    return [image["url"] for image in found]


def test_every_order_is_the_same_on_every_page_size(gallery, subtests):
    for sort in SORTS:
        expected = urls(by(sort)(gallery.shown))
        with subtests.test(sort=sort):
            assert len(set(expected)) == 24
            assert listed(gallery.admin, sort=sort) == expected
            for limit in (1, 5, 24, 1000):
                found = walk(gallery.admin, f"/api/images?sort={sort}&limit={limit}")
                assert [url for page in found for url in page] == expected
                assert max(map(len, found)) <= limit


def test_names_sort_by_code_point_and_then_by_age(people):
    for name in ("b", "B", "a-b", "a_b", "a.b", "ab", "a", "Z"):
        people.alice.create(name)
    people.bob.create("b")
    people.carol.create("a")
    expected = ["alice/B", "alice/Z", "alice/a", "carol/a", "alice/a-b", "alice/a.b", "alice/a_b",
                "alice/ab", "alice/b", "bob/b"]  # fmt: skip
    found = [url.split("/images/")[1] for url in listed(people.admin.client)]
    assert found == expected


def test_an_absent_size_sorts_before_every_other(people):
    for name, data in (("three", b"333"), ("none", None), ("one", b"1")):
        people.alice.create(name)
        if data:
            people.alice.upload(name, data)
    found = [url.rsplit("/", 1)[1] for url in listed(people.alice.client, sort="size")]
    assert found == ["none", "one", "three"]
    found = [url.rsplit("/", 1)[1] for url in listed(people.alice.client, sort="-size")]
    assert found == ["three", "one", "none"]


FILTERS = {
    "name": ("alpha", lambda image: image["name"] == "alpha"),
    "os_type": ("linux", lambda image: image["os_type"] == "linux"),
    "os_arch": ("a7", lambda image: image["os_arch"] == "a7"),
    "hypervisor": ("KVM", lambda image: "kvm" in image["hypervisor"]),
    "owner": ("Alice", lambda image: image["owner_user_name"] == "alice"),
    "group": ("LAB", lambda image: (image["group"] or "").endswith("/groups/lab")),
    "format": ("raw", lambda image: image["format"] == "raw"),
    "state": ("uploading", lambda image: image["state"] == "uploading"),
    "q": ("DEBIAN", lambda image: "debian" in (image["description"] or "").lower()),
}


def test_filters_choose_what_the_objects_say_alone_and_together(gallery):
    for (one, (first, fits)), (other, (second, fits_too)) in product(FILTERS.items(), repeat=2):
        expected = [image for image in by("name")(gallery.shown) if fits(image) and fits_too(image)]
        assert one != other or expected, one
        assert listed(gallery.admin, **{one: first, other: second}) == urls(expected), (one, other)


def test_every_state_can_be_asked_for(gallery, subtests):
    for state in ("empty", "uploading", "active"):
        with subtests.test(state=state):
            expected = [image for image in by("name")(gallery.shown) if image["state"] == state]
            assert expected
            assert listed(gallery.admin, state=state) == urls(expected)


def test_an_empty_value_means_images_without(gallery):
    for field in ("os_type", "os_variant", "group", "format"):
        expected = [image for image in by("name")(gallery.shown) if image[field] is None]
        assert expected
        assert listed(gallery.admin, **{field: ""}) == urls(expected)


def test_what_does_not_exist_selects_nothing(gallery, subtests):
    for field in ("name", "os_type", "os_variant", "os_arch", "hypervisor", "owner", "group", "q"):
        with subtests.test(field=field):
            assert listed(gallery.admin, **{field: "no-such-thing"}) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a b"), ("name", "0" * 32), ("name", "x" * 257), ("name", "a\0"),
        ("owner", "https://localhost:80/api/users/alice"), ("owner", "\u212aelvin"),
        ("owner", "a,b"),
        ("group", "a b"), ("group", "x" * 101),
        ("hypervisor", "kvm,xen"), ("hypervisor", "\u212avm"), ("hypervisor", "x" * 33),
        ("os_type", "a\0"), ("os_type", "x" * 256), ("os_arch", "\u202e"), ("os_variant", "a\nb"),
        ("format", "QCOW2"), ("format", "vpc"), ("format", "raw,iso"),
        ("state", "ready"), ("state", "ACTIVE"), ("state", "active,empty"),
        ("sort", "owner"), ("sort", "--name"), ("sort", "name,size"), ("sort", "Name"),
        ("q", "a"), ("q", "x" * 101), ("q", "a\0b"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_value_is_refused(people, field, value):
    answer = people.alice.client.get("/api/images", {field: value}, status=400)
    assert_refused(answer, 400, "invalid-parameter")
    assert answer.json["field"] == field


@pytest.mark.parametrize("field", ["name", "owner", "hypervisor", "state", "sort", "q"])
def test_what_an_image_always_has_cannot_be_asked_for_empty(people, field):
    answer = people.alice.client.get("/api/images", {field: ""}, status=400)
    assert_refused(answer, 400, "missing-parameter")
    assert answer.json["field"] == field


def test_unknown_and_repeated_parameters_are_refused(people):
    client = people.alice.client
    for query, code, field in (
        ("size=1", "unknown-parameter", "size"),
        ("Name=x", "unknown-parameter", "Name"),
        ("sort=name&sort=name", "repeated-parameter", "sort"),
    ):
        for url in ("/api/images", "/api/users/alice/shared", "/api/groups/users/images"):
            answer = assert_refused(client.get(f"{url}?{query}", status=400), 400, code)
            assert answer.json["field"] == field
    for url in ("/api/users", "/api/groups", "/api/users/alice/groups"):
        assert_refused(client.get(f"{url}?sort=name", status=400), 400, "unknown-parameter")
    for url in ("/api/users/alice/permissions", "/api/whoami", "/api/users/alice"):
        for parameter in ("limit=1", "expand=true", "after="):
            answer = client.get(f"{url}?{parameter}", status=400)
            assert_refused(answer, 400, "unknown-parameter")


# Typed by hand: what of the gallery's descriptions and names each text is in.
TEXTS = {
    "debian": ["100% Debian", "100 percent debian"],
    "0%": ["100% Debian"],
    "100_": [],
    "%%": [],
    r":\d": [r"C:\disk"],
    ":/D": ["C:/disk"],
    "r_s": ["under_score"],
    "rs": ["underscore"],
    "ÄRGER": ["ÄRGER"],
    "Ärger": ["ÄRGER"],
    "ärger": ["ärger"],
    "istanbul": [],
    "İSTANBUL": ["İstanbul"],
    "kk": [],
    "k\u212ak": ["K\u212aK"],
}


def test_q_folds_ascii_alone_and_takes_every_character_for_itself(gallery, subtests):
    for q, found in TEXTS.items():
        with subtests.test(q=q):
            expected = [one for one in by("name")(gallery.shown) if one["description"] in found]
            assert listed(gallery.admin, q=q) == urls(expected)


def test_q_looks_at_names_too(gallery):
    expected = [one for one in by("name")(gallery.shown) if one["name"].lower() == "alpha"]
    assert len(expected) == 4
    assert listed(gallery.admin, q="LPH") == urls(expected)
    assert listed(gallery.admin, q="a_B") == urls(
        [one for one in by("name")(gallery.shown) if one["name"] == "a_b"]
    )


def test_filters_show_nothing_that_one_may_not_see(people, gallery):
    for field, (value, _) in FILTERS.items():
        assert listed(people.stranger.client, **{field: value}) == []
    mine = listed(people.alice.client, q="debian")
    assert mine
    assert all("/images/alice/" in url for url in mine)


def test_every_list_of_images_takes_the_filters(people, gallery):
    client = people.bob.client
    client.patch(gallery.shown[1]["uuid_url"], {"name": "only", "group": "lab"})
    client.post(f"{gallery.shown[1]['uuid_url']}/share/user/alice")
    client.post(f"{gallery.shown[1]['uuid_url']}/share/group/lab")
    url = f"{gallery.shown[1]['owner'].replace('/users/', '/images/')}/only"
    for path in ("users/bob/images", "users/bob/sharing", "users/alice/shared",
                 "groups/lab/images", "groups/lab/shared"):  # fmt: skip
        assert client.get(f"/api/{path}?name=only&sort=-size").json == [url], path
        assert client.get(f"/api/{path}?name=other").json == [], path


def test_the_size_of_a_list_is_that_of_the_object_however_it_came_about(people):
    """`Image.size` is a copy: after each kind of change it is what GET shows."""
    people.join("lab", people.alice, people.bob)
    alice, bob = people.alice, people.bob.client

    def check(path, expected):
        shown = people.admin.client.get(f"/api/images/{path}").json
        with people.sessions.reading() as session:
            kept = images.find(session, None, shown["uuid"]).size
        assert (shown["size"], kept) == (expected, -1 if expected is None else expected)

    alice.create("x", hypervisor="kvm,xen")
    check("alice/x", None)
    alice.upload(path="/api/images/raw/xen/x", data=b"22")
    check("alice/x", None)
    alice.upload("x", b"1")
    check("alice/x", 1)
    alice.upload("x", b"4444")
    check("alice/x", 4)
    alice.client.patch_json("/api/images/x", {"hypervisor": ["xen", "kvm"]})
    check("alice/x", 2)
    alice.client.patch_json("/api/images/x", {"hypervisor": ["lxc", "xen", "kvm"]})
    check("alice/x", None)
    alice.client.patch_json("/api/images/x", {"hypervisor": ["kvm"]})
    check("alice/x", 4)
    alice.client.patch_json("/api/images/x", {"description": "other", "name": "y"})
    check("alice/y", 4)
    alice.create("copy", copy_of="y")
    check("alice/copy", 4)
    alice.create("of-xen", copy_of="y", hypervisor="xen")
    check("alice/of-xen", None)
    alice.upload(path="/api/images/raw/qemu/of-xen", data=b"333")
    check("alice/of-xen", None)
    alice.client.patch_json("/api/images/of-xen", {"hypervisor": "qemu"})
    check("alice/of-xen", 3)
    alice.client.delete("/api/images/raw/y")
    check("alice/y", None)
    check("alice/copy", 4)
    people.admin.client.patch_json("/api/images/alice/copy", {"owner": "bob"})
    check("bob/copy", 4)
    bob.post("/api/images/raw/copy", upload_files=[("file", "disk", b"55555")])
    check("bob/copy", 5)

"""Images: their fields, names, groups, and how they are looked up."""

import re
import uuid

import pytest

import repoman
from repoman.identity import Permission
from repoman.services import groups
from repoman.settings import InvalidSetting
from tests.factories import API, People

pytestmark = pytest.mark.through_apache

URL = "/api/images"
PAST, LATER = "2001-01-01T00:00:00Z", "2099-12-31T23:59:59Z"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def refused(answer, code, field=None):
    assert answer.headers["X-Repoman-Error"] == answer.json["code"] == code
    assert answer.json.get("field") == field


# --- making and showing


def test_a_new_image_is_answered_whole_with_its_raw_url_as_location(people, alice):
    answer = alice.post_json(URL, {"name": "Debian_12.x-y"}, status=201)
    assert answer.headers["Location"] == f"{API}/images/raw/alice/kvm/Debian_12.x-y"
    made = answer.json
    assert re.fullmatch(r"[0-9a-f]{32}", made["uuid"])
    assert re.fullmatch(TIME, made["created"])
    url = f"{API}/images/alice/Debian_12.x-y"
    assert made == {
        "uuid": made["uuid"],
        "name": "Debian_12.x-y",
        "url": url,
        "uuid_url": f"{API}/images/{made['uuid']}",
        "owner": f"{API}/users/alice",
        "owner_user_name": "alice",
        "group": f"{API}/groups/users",
        "group_access": "none",
        "description": None,
        "os_type": None,
        "os_variant": None,
        "os_arch": None,
        "format": None,
        "virtual_size": None,
        "compression": None,
        "dangers": None,
        "hypervisor": ["kvm"],
        "state": "empty",
        "raw_file_uploaded": False,
        "size": None,
        "checksum": None,
        "version": None,
        "uploaded": None,
        "files": {},
        "read_only": False,
        "unauthenticated_access": False,
        "expires": None,
        "expired": False,
        "created": made["created"],
        "modified": made["created"],
        "file_url": f"{API}/images/raw/alice/kvm/Debian_12.x-y",
        "http_file_url": None,
        "copy_of": None,
        "shared_with": {"users": [], "groups": []},
        "versions": {},
    }
    assert alice.get(url).json == alice.get(made["uuid_url"]).json == made
    assert alice.get(URL).json == [url]


FIELDS = {
    "description": "Two\nlines, ünïcode 😀",
    "os_type": "linux",
    "os_variant": "debian",
    "os_arch": "x86_64",
    "format": "qcow2",
    "hypervisor": ["xen", "kvm"],
    "group": None,
    "group_access": "read",
    "read_only": True,
    "unauthenticated_access": True,
    "expires": LATER,
}


def test_every_field_can_be_given_at_creation_and_changed_later(people, alice):
    people.join("lab", people.alice)
    made = alice.post_json(URL, {"name": "x", **FIELDS}, status=201).json
    assert made.items() >= FIELDS.items()
    changes = {
        "description": "other",
        "os_type": "bsd",
        "os_variant": "freebsd",
        "os_arch": "arm64",
        "format": "iso",
        "hypervisor": ["kvm", "xen", "lxc"],
        "group_access": "write",
        "read_only": False,
        "unauthenticated_access": False,
        "expires": "2098-01-01T00:00:00Z",
    }
    for method in (alice.patch_json, alice.post_json):
        changed = method(f"{URL}/x", {"group": "lab", **changes}, status=200).json
        assert changed.items() >= changes.items()
        assert changed["group"] == f"{API}/groups/lab"
        assert (changed["uuid"], changed["created"]) == (made["uuid"], made["created"])
        assert alice.get(f"{URL}/x").json == changed


def test_what_is_not_given_stays_as_it_is(people, alice):
    made = alice.post_json(URL, {"name": "x", **FIELDS}, status=201).json
    for field, value in FIELDS.items():
        changed = alice.patch_json(f"{URL}/x", {field: value}, status=200).json
        assert changed | {"modified": None} == made | {"modified": None}
    assert alice.patch_json(f"{URL}/x", {}, status=200).json["description"] == made["description"]


def test_an_empty_value_or_null_clears(people, alice):
    alice.post_json(URL, {"name": "x", **FIELDS}, status=201)
    optional = ("description", "os_type", "os_variant", "os_arch", "format", "expires", "group")
    cleared = dict.fromkeys(optional)
    form = dict.fromkeys(cleared, "")
    assert alice.post(f"{URL}/x", form, status=200).json.items() >= cleared.items()
    alice.patch_json(f"{URL}/x", FIELDS)
    assert alice.patch_json(f"{URL}/x", cleared, status=200).json.items() >= cleared.items()
    reset = {"group_access": "", "read_only": "", "unauthenticated_access": ""}
    shown = alice.post(f"{URL}/x", reset, status=200).json
    assert [shown[field] for field in reset] == ["none", False, False]
    refused(alice.post(f"{URL}/x", {"name": ""}, status=400), "invalid-parameter", "name")


BAD_NAMES = ["", ".x", "-x", "_x", "a b", "a/b", "..", "a\n", "a\0", "ä", "\u212aelvin", "😀",
             "a" * 257, "raw", "a%2fb", "0123456789abcdef0123456789ABCDEF"]  # fmt: skip


def test_an_image_name_that_no_url_could_hold_is_refused_wherever_it_is_set(alice, subtests):
    alice.post_json(URL, {"name": "x"})
    for name in BAD_NAMES:
        with subtests.test(name=name):
            code = "invalid-parameter" if name else "missing-parameter"
            refused(alice.post_json(URL, {"name": name}, status=400), code, "name")
            answer = alice.patch_json(f"{URL}/x", {"name": name}, status=400)
            refused(answer, "invalid-parameter", "name")
            assert alice.get(URL).json == [f"{API}/images/alice/x"]


def test_an_image_name_keeps_its_case(alice, subtests):
    for name in ["a", "0", "a" * 256, "kvm", "share", "users", "Raw", "12-34", "a.."]:
        with subtests.test(name=name):
            assert alice.post_json(URL, {"name": name}, status=201).json["name"] == name
            assert alice.get(f"{URL}/alice/{name}").json["name"] == name
            if name.swapcase() != name:
                alice.get(f"{URL}/alice/{name.swapcase()}", status=404)


def test_a_name_is_unique_for_its_owner(people, alice):
    alice.post_json(URL, {"name": "x"}, status=201)
    alice.post_json(URL, {"name": "X"}, status=201)
    people.bob.client.post_json(URL, {"name": "x"}, status=201)
    answer = alice.post_json(URL, {"name": "x"}, status=409)
    refused(answer, "image-exists")
    refused(alice.patch_json(f"{URL}/X", {"name": "x"}, status=409), "image-exists")
    renamed = alice.patch_json(f"{URL}/X", {"name": "y"}, status=200).json
    assert renamed["url"] == f"{API}/images/alice/y"
    alice.get(f"{URL}/X", status=404)
    assert alice.get(renamed["uuid_url"]).json == renamed


# --- look-up


def test_a_uuid_finds_an_image_in_every_spelling(people, alice):
    made = alice.post_json(URL, {"name": "x"}).json
    dashed = str(uuid.UUID(made["uuid"]))
    for spelling in (made["uuid"], made["uuid"].upper(), dashed, dashed.upper()):
        for path in (spelling, f"alice/{spelling}", f"ALICE/{spelling}"):
            assert alice.get(f"{URL}/{path}", status=200).json["uuid"] == made["uuid"]
        people.bob.client.get(f"{URL}/{spelling}", status=404)
        # In {user}/{image} a UUID must be that user's image.
        alice.get(f"{URL}/{people.bob.name}/{spelling}", status=404)
    for wrong in (dashed[:-1], f"{{{dashed}}}", f"urn:uuid:{dashed}", dashed.replace("-", "")[1:]):
        alice.get(f"{URL}/{wrong}", status=404)


def test_ones_own_image_of_a_name_comes_before_a_uuid(people, alice):
    other = people.bob.create("x")
    dashed = str(uuid.UUID(other["uuid"]))
    people.bob.client.post(f"{URL}/x/share/user/{people.alice.name}")
    assert alice.get(f"{URL}/{dashed}").json["owner_user_name"] == "bob"
    alice.post_json(URL, {"name": dashed}, status=201)
    assert alice.get(f"{URL}/{dashed}").json["owner_user_name"] == "alice"
    assert alice.get(f"{URL}/bob/{dashed}").json["uuid"] == other["uuid"]
    assert alice.get(f"{URL}/{other['uuid']}").json["owner_user_name"] == "bob"


def test_a_bare_name_is_the_callers_own(people, alice):
    people.bob.create("x")
    people.bob.client.post(f"{URL}/x/share/user/{people.alice.name}")
    refused(alice.get(f"{URL}/x", status=404), "image-not-found")
    refused(people.admin.client.get(f"{URL}/x", status=404), "image-not-found")
    alice.get(f"{URL}/bob/x", status=200)


@pytest.mark.in_process
def test_an_unknown_image_is_404(alice, subtests):
    for path in [
        "x",
        "alice/x",
        "nobody/x",
        "a%00",
        "%F0%9F%98%80",
        "..%2f..",
        "a" * 300,
        "%20/x",
        "alice/" + "0" * 32,
    ]:
        with subtests.test(path=path):
            refused(alice.get(f"{URL}/{path}", status=404), "image-not-found")
            refused(alice.delete(f"{URL}/{path}", status=404), "image-not-found")


# --- hypervisors


def test_hypervisors_are_an_ordered_list_of_those_configured(people, alice):
    made = alice.post(URL, {"name": "x", "hypervisor": "XEN, kvm"}, status=201)
    assert made.json["hypervisor"] == ["xen", "kvm"]
    assert made.headers["Location"] == f"{API}/images/raw/alice/xen/x"
    # As the first Repoman did, where there are several.
    assert made.json["file_url"] == f"{API}/images/raw/alice/__hypervisor__/x"
    one = alice.patch_json(f"{URL}/x", {"hypervisor": "lxc"}).json
    assert one["file_url"] == f"{API}/images/raw/alice/lxc/x"


def test_other_hypervisors_are_refused(alice, subtests):
    alice.post_json(URL, {"name": "x"})
    for listed in ["nosuch", "kvm,nosuch", "kvm,kvm", "kvm,KVM", ",", "kvm,", [""]]:
        with subtests.test(listed=listed):
            answer = alice.post_json(URL, {"name": "y", "hypervisor": listed}, status=400)
            refused(answer, "invalid-parameter", "hypervisor")
            answer = alice.patch_json(f"{URL}/x", {"hypervisor": listed}, status=400)
            refused(answer, "invalid-parameter", "hypervisor")
    assert alice.get(f"{URL}/x").json["hypervisor"] == ["kvm"]


def test_an_image_keeps_a_hypervisor(alice):
    assert alice.post_json(URL, {"name": "x", "hypervisor": []}, status=201).json["hypervisor"] == [
        "kvm"
    ]
    for nothing in ("", []):
        answer = alice.patch_json(f"{URL}/x", {"hypervisor": nothing}, status=400)
        refused(answer, "invalid-parameter", "hypervisor")


def test_a_hypervisor_taken_off_goes_with_its_file(people, alice):
    people.alice.create("x", hypervisor="kvm,xen")
    for hypervisor in ("kvm", "xen"):
        people.alice.upload(path=f"{URL}/raw/{hypervisor}/x", data=hypervisor.encode())
    shown = alice.patch_json(f"{URL}/x", {"hypervisor": ["xen"]}).json
    assert list(shown["files"]) == ["xen"]
    assert alice.get(f"{URL}/raw/x").body == b"xen"
    again = alice.patch_json(f"{URL}/x", {"hypervisor": "kvm,xen"}).json
    assert list(again["files"]) == ["xen"]
    assert (again["raw_file_uploaded"], again["size"], again["state"]) == (False, None, "active")


def test_the_order_of_hypervisors_says_which_file_is_the_images(people, alice):
    people.alice.create("x", hypervisor="kvm,xen")
    for hypervisor, data in (("kvm", b"1"), ("xen", b"22")):
        people.alice.upload(path=f"{URL}/raw/{hypervisor}/x", data=data)
    assert alice.get(f"{URL}/x").json["size"] == 1
    assert alice.patch_json(f"{URL}/x", {"hypervisor": "xen,kvm"}).json["size"] == 2


# --- groups


def test_group_must_be_one_that_the_owner_is_in(people, alice):
    people.join("lab", people.bob)
    answer = alice.post_json(URL, {"name": "x", "group": "lab"}, status=403)
    refused(answer, "not-group-member", "group")
    alice.post_json(URL, {"name": "x"}, status=201)
    refused(alice.patch_json(f"{URL}/x", {"group": "lab"}, status=403), "not-group-member", "group")
    answer = alice.patch_json(f"{URL}/x", {"group": "nosuch"}, status=400)
    refused(answer, "invalid-parameter", "group")
    people.join("lab", people.alice)
    assert alice.patch_json(f"{URL}/x", {"group": "LAB"}).json["group"] == f"{API}/groups/lab"


def test_an_owner_outside_the_default_group_has_images_of_none(people, alice):
    people.join("makers", people.alice, permissions=[Permission.IMAGE_CREATE])
    alice.delete("/api/groups/users/users/alice", status=200)
    assert alice.post_json(URL, {"name": "x"}, status=201).json["group"] is None


def test_the_default_group_is_a_setting(ini, sessions, authority):
    ini["repoman.default_group"] = "Lab"
    with pytest.raises(InvalidSetting, match=r"default_group.*'lab'"):
        repoman.main({}, **ini)
    with sessions.changing.begin() as session:
        groups.create(session, "lab")
    people = People(repoman.main({}, **ini), sessions, authority)
    assert people.alice.create("x")["group"] is None
    people.join("lab", people.alice)
    assert people.alice.create("y")["group"].endswith("/api/groups/lab")
    people.application.sessions.engine.dispose()


def test_it_takes_image_create_to_make_images(people, alice):
    alice.delete("/api/groups/users/users/alice", status=200)
    answer = alice.post_json(URL, {"name": "x"}, status=403)
    refused(answer, "permission-denied")
    assert answer.headers["X-Repoman-Permission"] == "image_create"
    people.join("lab", people.alice, admin=True)
    alice.post_json(URL, {"name": "x"}, status=403)
    # A group's admin makes images in the group even so.
    alice.post_json(URL, {"name": "x", "group": "lab"}, status=201)


# --- owners


@pytest.mark.parametrize("field", ["owner", "user_name"])
def test_an_image_in_anothers_name_takes_image_modify(people, alice, field):
    fields = {"name": "x", field: people.bob.name}
    answer = alice.post_json(URL, fields, status=403)
    refused(answer, "permission-denied")
    assert answer.headers["X-Repoman-Permission"] == "image_modify"
    made = people.admin.client.post_json(URL, fields, status=201).json
    assert (made["owner_user_name"], made["url"]) == ("bob", f"{API}/images/bob/x")
    alice.post_json(URL, {"name": "x", field: "alice"}, status=201)
    both = {"name": "y", "owner": "bob", "user_name": "alice"}
    refused(people.admin.client.post_json(URL, both, status=400), "invalid-parameter", "user_name")
    nobody = {"name": "y", field: "nobody"}
    refused(people.admin.client.post_json(URL, nobody, status=400), "invalid-parameter", "owner")


def test_with_a_new_owner_shares_group_and_group_access_end(people, alice):
    people.join("lab", people.alice, people.carol)
    made = people.alice.create("x", group="lab", group_access="write", description="kept")
    people.alice.upload("x", b"bytes")
    alice.post(f"{URL}/x/share/user/{people.dave.name}")
    alice.post(f"{URL}/x/share/group/lab")
    given = people.admin.client.patch_json(
        f"{URL}/alice/x", {"owner": people.bob.name}, status=200
    ).json
    assert given["url"] == f"{API}/images/bob/x"
    assert given["uuid_url"] == made["uuid_url"]
    assert given["shared_with"] == {"users": [], "groups": []}
    assert (given["group"], given["group_access"]) == (None, "none")
    assert (given["description"], given["size"]) == ("kept", 5)
    for person in (people.alice, people.carol, people.dave):
        person.client.get(made["uuid_url"], status=404)
        assert person.client.get(URL).json == []
    assert people.bob.client.get(f"{URL}/raw/x").body == b"bytes"


def test_a_new_owner_who_has_the_name_is_a_conflict_unless_it_is_changed_too(people):
    people.alice.create("x")
    people.bob.create("x")
    url, admin = f"{URL}/alice/x", people.admin.client
    refused(admin.patch_json(url, {"owner": "bob"}, status=409), "image-exists")
    refused(admin.patch_json(url, {"owner": "nobody"}, status=400), "invalid-parameter", "owner")
    refused(admin.patch_json(url, {"owner": ""}, status=400), "invalid-parameter", "owner")
    assert people.alice.client.get(URL).json == [f"{API}/images/alice/x"]
    given = admin.patch_json(url, {"owner": "bob", "name": "y"}, status=200).json
    assert given["url"] == f"{API}/images/bob/y"


def test_giving_an_image_to_its_owner_changes_nothing(people):
    people.join("lab", people.alice)
    people.alice.create("x", group="lab", group_access="write")
    people.alice.client.post(f"{URL}/x/share/user/{people.bob.name}")
    shown = people.admin.client.patch_json(f"{URL}/alice/x", {"owner": "alice"}, status=200).json
    assert (shown["group"], shown["group_access"]) == (f"{API}/groups/lab", "write")
    assert shown["shared_with"]["users"] == [f"{API}/users/bob"]


# --- read_only, unauthenticated_access


def test_read_only_bars_files_and_deletion_and_lets_metadata_change(people, alice):
    people.alice.create("x", hypervisor="kvm,xen")
    people.alice.upload("x", b"bytes")
    alice.patch_json(f"{URL}/x", {"read_only": True}, status=200)
    admin = people.admin.client
    for client, path in ((alice, "alice"), (admin, "alice")):
        for answer in (
            client.put(f"{URL}/raw/{path}/x", b"other", status=409),
            client.put(f"{URL}/raw/{path}/xen/x", b"other", status=409),
            client.post(f"{URL}/raw/{path}/x", upload_files=[("file", "f", b"x")], status=409),
            client.delete(f"{URL}/raw/{path}/x", status=409),
            client.delete(f"{URL}/{path}/x", status=409),
            client.patch_json(f"{URL}/{path}/x", {"hypervisor": "xen"}, status=409),
        ):
            refused(answer, "image-read-only")
    assert alice.get(f"{URL}/raw/x").body == b"bytes"
    changes = {"description": "new", "name": "y", "hypervisor": ["kvm"], "expires": LATER}
    assert alice.patch_json(f"{URL}/x", changes, status=200).json.items() >= changes.items()
    alice.patch_json(f"{URL}/y", {"read_only": False})
    assert alice.delete(f"{URL}/y", status=200).json == {"deleted": f"{API}/images/alice/y"}


@pytest.mark.parametrize("allowed", [True, False])
def test_http_file_url_is_there_where_anyone_may_download(ini, sessions, authority, allowed):
    ini["repoman.allow_unauthenticated"] = str(allowed)
    people = People(repoman.main({}, **ini), sessions, authority)
    people.alice.create("x", unauthenticated_access=True)
    people.alice.upload("x", b"bytes")
    shown = people.alice.client.get(f"{URL}/x").json
    url = f"{API}/images/raw/alice/kvm/x"
    assert shown["http_file_url"] == (url if allowed else None)
    people.anonymous.get("/api/images/raw/alice/kvm/x", status=200 if allowed else 401)
    shown = people.alice.client.patch_json(f"{URL}/x", {"unauthenticated_access": False}).json
    assert shown["http_file_url"] is None
    people.anonymous.get("/api/images/raw/alice/kvm/x", status=401)
    people.application.sessions.engine.dispose()


def test_a_public_image_without_file_is_not_told_from_none(people):
    people.alice.create("x", unauthenticated_access=True)
    answer = people.anonymous.get(f"{URL}/raw/alice/x", status=401)
    refused(answer, "certificate-required")


# --- deleting, expiring


def test_a_deleted_image_is_gone_and_its_name_free(people, alice):
    made = people.alice.create("x")
    people.alice.upload("x")
    assert alice.delete(f"{URL}/x", status=200).json == {"deleted": made["url"]}
    for path in ("x", "alice/x", "raw/x", f"raw/{made['uuid']}"):
        refused(alice.get(f"{URL}/{path}", status=404), "image-not-found")
    assert alice.get(URL).json == []
    assert people.alice.create("x")["uuid"] != made["uuid"]


@pytest.mark.parametrize("expires", [PAST, "2001-01-01T00:00:00+05:00"])
def test_an_image_cannot_begin_expired(alice, expires):
    answer = alice.post_json(URL, {"name": "x", "expires": expires}, status=400)
    refused(answer, "invalid-parameter", "expires")


def test_an_expired_image_is_gone_for_readers_and_there_for_who_may_set_expires(people, alice):
    people.join("lab", people.alice, people.writer)
    people.join("lab", people.adam, admin=True)
    made = people.alice.create(
        "x", group="lab", group_access="write", unauthenticated_access=True, expires=LATER
    )
    people.alice.upload("x", b"bytes")
    alice.post(f"{URL}/x/share/user/{people.sue.name}")
    people.zoe.client.get(f"{URL}/alice/x", status=404)
    assert alice.patch_json(f"{URL}/x", {"expires": PAST}, status=200).json["expired"] is True

    paths = (f"{URL}/alice/x", f"{URL}/raw/alice/x")
    for person in (people.alice, people.adam, people.admin):
        for path in paths:
            person.client.get(path, status=200)
        assert made["url"] in person.client.get(URL).json
    for person in (people.writer, people.sue):
        for path in paths:
            refused(person.client.get(path, status=410), "image-expired")
        copy = {"name": "mine", "copy_of": "alice/x"}
        refused(person.client.post_json(URL, copy, status=410), "image-expired")
        assert person.client.get(URL).json == []
    people.writer.client.put(paths[1], b"other", status=410)
    people.writer.client.patch_json(paths[0], {"description": "x"}, status=410)
    people.writer.client.delete(paths[0], status=403)
    people.zoe.client.get(paths[0], status=404)
    # A public file answers 410 to everyone who could read it: anybody.
    refused(people.anonymous.get(paths[1], status=410), "image-expired")
    people.zoe.client.get(paths[1], status=410)

    people.adam.client.patch_json(paths[0], {"expires": LATER}, status=200)
    for person in (people.writer, people.sue):
        person.client.get(paths[1], status=200)


@pytest.mark.parametrize("kelvin", ["\u212avm", "%E2%84%AAvm"])
def test_a_hypervisors_name_is_ascii_before_it_is_folded(people, kelvin):
    """The Kelvin sign is a k by Unicode's rules."""
    people.alice.create("x")
    client = people.alice.client
    if kelvin.startswith("%"):
        client.put(f"/api/images/raw/{kelvin}/x", b"1", status=404)
    else:
        client.patch_json("/api/images/x", {"hypervisor": [kelvin]}, status=400)
    client.put("/api/images/raw/KVM/x", b"1", status=201)

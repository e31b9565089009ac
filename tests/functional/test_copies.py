"""Copies: anybody who may read an image can have one of their own, at once and for nothing."""

import uuid

import pytest

import repoman
from repoman.models import Blob
from tests.factories import API, FILE, People

URL = "/api/images"
LATER = "2099-12-31T23:59:59Z"
DESCRIBED = {
    "description": "A disk",
    "os_type": "linux",
    "os_variant": "debian",
    "os_arch": "x86_64",
    "hypervisor": ["xen", "kvm", "lxc"],
}


@pytest.fixture
def source(people):
    """Alice's image with two files, shared with bob."""
    people.join("lab", people.alice)
    people.alice.create(
        "src",
        **DESCRIBED,
        group="lab",
        group_access="write",
        unauthenticated_access=True,
        expires=LATER,
    )
    for hypervisor in ("kvm", "xen"):
        people.alice.upload(path=f"{URL}/raw/{hypervisor}/src", data=FILE + hypervisor.encode())
    people.alice.client.post(f"{URL}/src/share/user/{people.bob.name}")
    return people.alice.client.patch_json(f"{URL}/src", {"read_only": True}).json


def refused(answer, code, field=None):
    assert answer.headers["X-Repoman-Error"] == answer.json["code"] == code
    assert answer.json.get("field") == field


def copy(person, reference, status=201, name="mine", **fields):
    fields = {"name": name, "copy_of": reference, **fields}
    return person.client.post_json(URL, fields, status=status)


def test_a_copy_has_the_files_and_description_and_none_of_the_access(people, source):
    answer = copy(people.bob, "alice/src")
    assert answer.headers["Location"] == f"{API}/images/raw/bob/xen/mine"
    made = answer.json
    assert made.items() >= DESCRIBED.items()
    assert made["copy_of"] == source["url"]
    assert made["uuid"] != source["uuid"]
    assert made["state"] == "active"
    for hypervisor in ("kvm", "xen"):
        assert made["files"][hypervisor]["checksum"] == source["files"][hypervisor]["checksum"]
        body = people.bob.client.get(f"{URL}/raw/{hypervisor}/mine").body
        assert body == FILE + hypervisor.encode()
    assert set(made["files"]) == {"kvm", "xen"}
    assert made["owner_user_name"] == "bob"
    assert (made["group"], made["group_access"]) == (f"{API}/groups/users", "none")
    assert made["shared_with"] == {"users": [], "groups": []}
    assert (made["read_only"], made["expires"]) == (False, None)
    assert made["unauthenticated_access"] is False
    people.alice.client.get(f"{URL}/bob/mine", status=404)
    with people.sessions.reading() as session:
        assert session.query(Blob).count() == 2


def test_what_is_given_beside_copy_of_counts(people, source):
    given = {"description": "Mine", "os_type": "", "hypervisor": ["kvm"], "read_only": True}
    made = copy(people.bob, "alice/src", **given).json
    assert (made["description"], made["os_type"], made["read_only"]) == ("Mine", None, True)
    assert made["os_variant"] == "debian"
    assert list(made["files"]) == made["hypervisor"] == ["kvm"]


def test_every_spelling_of_the_source_will_do(people, source):
    spellings = [
        "alice/src",
        "ALICE/src",
        source["uuid"],
        str(uuid.UUID(source["uuid"])).upper(),
        f"alice/{source['uuid']}",
        source["url"],
        source["uuid_url"],
        source["url"] + "/",
        "/api/images/alice/src",
    ]
    for number, spelling in enumerate(spellings):
        made = copy(people.bob, spelling, name=f"copy-{number}").json
        assert made["copy_of"] == source["url"], spelling
    # One's own by its name alone, and a copy of a copy.
    assert copy(people.bob, "copy-0").json["copy_of"] == f"{API}/images/bob/copy-0"
    refused(copy(people.bob, "src", name="other", status=404), "image-not-found")


def test_with_a_base_url_that_is_this_server(ini, sessions, authority):
    ini["repoman.base_url"] = "https://images.example.org/repo/"
    people = People(repoman.main({}, **ini), sessions, authority)
    made = people.alice.create("src")
    assert made["url"] == "https://images.example.org/repo/api/images/alice/src"
    shouted = made["url"].replace("images.example.org", "IMAGES.example.org")
    for number, url in enumerate((made["url"], made["uuid_url"], shouted)):
        assert copy(people.alice, url, name=f"copy-{number}").json["copy_of"] == made["url"]
    for url in (f"{API}/images/alice/src", "https://images.example.org/api/images/alice/src"):
        refused(copy(people.alice, url, status=400), "invalid-parameter", "copy_of")
    people.application.sessions.engine.dispose()


def test_a_url_of_another_server_or_of_no_image_is_refused(people, source, subtests):
    for reference in [
        "https://elsewhere.example.org/api/images/alice/src",
        "https://localhost:80@elsewhere.example.org/api/images/alice/src",
        "http://localhost:80/api/images/alice/src",
        "file:///api/images/alice/src",
        f"{API}/users/alice",
        f"{API}/images/alice/src?x=1",
        f"{API}/images/alice/src#x",
        "https://[/api/images/alice/src",
        "https://localhost:x/api/images/alice/src",
        "://",
        "a/b/c",
        "alice/src/share/user",
    ]:
        with subtests.test(reference=reference):
            refused(copy(people.bob, reference, status=400), "invalid-parameter", "copy_of")


def test_a_source_that_is_not_there_is_404(people, source, subtests):
    for reference in [
        "nosuch",
        "nobody/src",
        "alice/nosuch",
        "a\0",
        "😀",
        "..",
        "/",
        "\ud800",
        f"{API}/images/",
    ]:
        with subtests.test(reference=reference):
            refused(copy(people.bob, reference, status=404), "image-not-found")


def test_a_source_that_one_may_not_see_is_as_if_it_were_not_there(people, source):
    for reference in ("alice/src", source["uuid"], source["url"]):
        hidden = copy(people.zoe, reference, status=404)
        refused(hidden, "image-not-found")
        assert hidden.body == copy(people.zoe, "alice/nosuch", status=404).body


def test_copy_of_is_null_to_who_may_not_see_the_source(people, source):
    copy(people.bob, "alice/src")
    people.bob.client.post(f"{URL}/mine/share/user/{people.zoe.name}")
    assert people.zoe.client.get(f"{URL}/bob/mine").json["copy_of"] is None
    people.alice.client.delete(f"{URL}/src/share/user/bob")
    assert people.bob.client.get(f"{URL}/mine").json["copy_of"] is None
    assert people.admin.client.get(f"{URL}/bob/mine").json["copy_of"] == source["url"]


def test_a_copy_outlives_its_source_and_changes_without_it(people, source):
    copy(people.bob, "alice/src")
    bob, alice = people.bob.client, people.alice.client
    bob.put(f"{URL}/raw/kvm/mine", b"changed", status=200)
    assert alice.get(f"{URL}/raw/kvm/src").body == FILE + b"kvm"
    alice.patch_json(f"{URL}/src", {"read_only": False})
    alice.put(f"{URL}/raw/xen/src", b"other", status=200)
    assert bob.get(f"{URL}/raw/xen/mine").body == FILE + b"xen"
    alice.delete(f"{URL}/src", status=200)
    assert bob.get(f"{URL}/raw/xen/mine").body == FILE + b"xen"
    assert bob.get(f"{URL}/mine").json["copy_of"] is None


def test_a_copy_is_made_under_the_rules_of_any_image(people, source):
    people.bob.create("mine")
    refused(copy(people.bob, "alice/src", status=409), "image-exists")
    refused(copy(people.bob, "alice/src", name="raw", status=400), "invalid-parameter", "name")
    answer = copy(people.bob, "alice/src", name="y", group="lab", status=403)
    refused(answer, "not-group-member", "group")
    people.bob.client.delete("/api/groups/users/users/bob")
    refused(copy(people.bob, "alice/src", name="y", status=403), "permission-denied")
    assert len(people.bob.client.get(URL).json) == 2


def test_copy_of_cannot_be_changed(people, source):
    copy(people.bob, "alice/src")
    answer = people.bob.client.patch_json(f"{URL}/mine", {"copy_of": "mine"}, status=400)
    refused(answer, "unknown-parameter", "copy_of")


def test_an_admin_copies_into_anothers_name(people, source):
    made = copy(people.admin, "alice/src", owner="bob").json
    assert made["url"] == f"{API}/images/bob/mine"
    assert people.bob.client.get(f"{URL}/raw/kvm/mine").body == FILE + b"kvm"
    refused(copy(people.alice, "src", name="x", owner="bob", status=403), "permission-denied")


def test_an_empty_image_can_be_copied(people):
    people.alice.create("src", hypervisor="lxc")
    made = copy(people.alice, "src").json
    assert (made["hypervisor"], made["files"], made["state"]) == (["lxc"], {}, "empty")

"""The README's tour, through WebTest."""

import pytest

from tests.factories import FILE

pytestmark = pytest.mark.through_apache


def test_tour(people):
    alice, bob = people.alice, people.bob
    me = alice.client.get("/api/whoami").json
    assert me["user_name"] == "alice"
    made = alice.client.post(
        "/api/images", {"name": "debian12", "os_type": "linux", "hypervisor": "kvm"}, status=201
    )
    assert made.json["state"] == "empty"
    put = alice.upload("debian12", status=201)
    assert put.json["size"] == len(FILE)
    bob.client.get("/api/images/raw/alice/debian12", status=404)
    alice.client.post("/api/images/debian12/share/user/bob", status=200)
    got = bob.client.get("/api/images/raw/alice/debian12", status=200)
    assert got.body == FILE
    copy = bob.client.post("/api/images", {"name": "mine", "copy_of": "alice/debian12"}, status=201)
    assert copy.json["size"] == len(FILE)
    assert bob.client.get("/api/images/raw/mine").body == FILE

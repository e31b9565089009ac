"""``?expand=true``: the objects of GET of their URLs, in a number of queries that does not grow."""

from itertools import product

import pytest

from repoman.models import User
from tests.gallery import Gallery
from tests.statements import counted

LISTS = ["/api/images", "/api/users", "/api/groups", "/api/users/alice/groups",
         "/api/groups/lab/users", "/api/users/alice/images", "/api/users/alice/certificates",
         "/api/users/bob/shared", "/api/users/alice/sharing", "/api/groups/lab/images",
         "/api/groups/lab/shared"]  # fmt: skip


@pytest.fixture
def site(people):
    """Twenty-odd of everything that is listed: images are shared, copies, and have files."""
    people.join("lab", people.alice, people.bob)
    names = [f"user{number:02}" for number in range(20)]
    with people.sessions.changing.begin() as session:
        session.add_all([User(name=name) for name in names])
    client = people.admin.client
    for number, name in enumerate(names):
        people.join(f"lab{number:02}", people.alice, people.bob, admin=number % 2 == 0)
        client.put(f"/api/groups/lab/users/{name}")
        client.post("/api/users/alice/certificates", {"cert_dn": f"/CN=Alice {number}"})
        client.post(f"/api/users/{name}/certificates", {"cert_dn": f"/CN={name}"})
        made = people.alice.create(f"image{number:02}", group="lab", group_access="read")
        people.alice.client.post(f"{made['url']}/share/user/bob")
        people.alice.client.post(f"{made['url']}/share/group/lab")
        people.alice.upload(f"image{number:02}")
        people.bob.create(f"copy{number:02}", copy_of=made["uuid"])
        client.post("/api/images", {"name": f"of-{name}", "owner": name, "copy_of": made["uuid"]})
    return people


def test_a_page_takes_as_many_queries_for_20_objects_as_for_2(site, subtests):
    for url, who, expand in product(LISTS, ("alice", "admin"), ("", "&expand=true")):
        client, counts = getattr(site, who).client, {}
        with subtests.test(url=url, who=who, expand=expand):
            for limit in (2, 20):
                with counted(site.application) as statements:
                    assert len(client.get(f"{url}?limit={limit}{expand}").json) == limit
                counts[limit] = len(statements)
            assert counts[2] == counts[20], statements
            # Two transactions begin; the caller, the URL's object, the ids and the page are read.
            assert counts[20] <= (15 if expand else 6), statements


@pytest.mark.parametrize("who", ["alice", "bob", "admin", "stranger"])
def test_the_objects_are_those_of_their_urls(people, who):
    Gallery(people)
    people.join("lab", people.carol, admin=True)
    people.alice.create("copy", copy_of=people.alice.client.get("/api/images").json[0])
    people.alice.client.post("/api/images/copy/share/user/carol")
    people.alice.client.post("/api/images/copy/share/group/lab")
    client = getattr(people, who).client
    for url in (*LISTS, "/api/users/carol/shared"):
        urls, objects = client.get(url).json, client.get(f"{url}?expand=true").json
        assert [one["url"] for one in objects] == urls
        assert objects == [client.get(one).json for one in urls], url


def test_the_permissions_of_a_user_are_names(people):
    people.join("lab", people.alice, permissions=["user_create"])
    url = "/api/users/ALICE/permissions"
    found = people.bob.client.get(url, status=200)
    assert found.json == ["user_create", "user_modify_self", "image_create"]
    assert found.headers["ETag"] == people.bob.client.head(url).headers["ETag"]
    assert len(people.bob.client.get(f"/api/users/{people.admin.name}/permissions").json) == 14

"""Pages of many people: as many queries as for few, and figures that are those of each alone."""

import pytest

from repoman.models import User
from repoman.services import consumers, quotas, users
from tests import tus
from tests.pages import BROWSER
from tests.statements import counted

PAGES = ["/users", "/groups", "/groups?view=all", "/groups/lab", "/groups/lab?q=user&role="]


@pytest.mark.parametrize("who", ["alice", "admin"])
def test_a_page_takes_as_many_queries_for_20_people_as_for_2(people, who, subtests):
    names = [f"user{number:02}" for number in range(20)]
    with people.sessions.changing.begin() as session:
        session.add_all([User(name=name, full_name=f"User {name}") for name in names])
    people.join("lab", people.alice, admin=True)
    for number, name in enumerate(names):
        people.join(f"lab{number:02}", people.alice, people.admin, admin=number % 2 == 0)
        people.admin.client.put(f"/api/groups/lab/users/{name}")
        people.admin.client.post("/api/images", {"name": "image", "owner": name})
    client = getattr(people, who).client
    for page in PAGES:
        with subtests.test(page=page):
            found = {}
            for limit in (2, 20):
                path = f"{page}{'&' if '?' in page else '?'}limit={limit}"
                with counted(people.application) as statements:
                    client.get(path, headers=BROWSER)
                found[limit] = len(statements)
            assert found[2] == found[20] < 25, statements


def test_what_the_list_of_users_says_is_in_use_is_what_counts_for_the_quota(people, settings):
    people.alice.create("one")
    people.alice.upload("one")
    people.alice.create("same", copy_of="one", group="users", group_access="read")
    people.bob.create("copy", copy_of="alice/same")
    people.bob.create("debian12")
    people.bob.upload("debian12", b"x" * 5000)
    tus.create(people.bob.client, headers={"Upload-Length": "777"})
    people.carol  # noqa: B018 - registers her
    with people.sessions.reading() as session:
        some = [users.find(session, name) for name in ("alice", "bob", "carol")]
        together = consumers.of(session, some, settings)
        alone = {user.id: quotas.measure(session, user, settings) for user in some}
        assert {key: one.usage for key, one in together.items()} == {
            key: one.total for key, one in alone.items()
        }
        assert [together[user.id].usage for user in some] == [23000, 28777, 0]
        assert consumers.of(session, some[2:], settings).keys() == {some[2].id}
        assert consumers.of(session, [], settings) == {}

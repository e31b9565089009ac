"""``q`` in the lists of users and groups. What is found is typed by hand."""

import pytest

from repoman.models import Group, User
from tests.factories import API
from tests.gallery import following, walk
from tests.wsgi import assert_refused

USERS = {
    "bob": ("Robert Doe", "bob@example.org"),
    "bo_b": ("100% Zoë", None),
    "zed": (None, "Zed.Boole@example.org"),
    "kim": ("K\u212aim ÄRGER", None),
    "ida": ("İda", None),
    "nobody": (None, None),
}
GROUPS = {
    "biology": "The lab of Bob",
    "bo_x": "100% of us",
    "physics": "ÄRGER\nK\u212aim",
    "zoo": None,
}


@pytest.fixture
def client(people):
    """Alice's; she is found by her name alone."""
    with people.sessions.changing.begin() as session:
        session.add_all(
            User(name=name, full_name=full_name, email=email)
            for name, (full_name, email) in USERS.items()
        )
        session.add_all(Group(name=name, description=text) for name, text in GROUPS.items())
    return people.alice.client


def found(client, url, **query):
    return [one.rsplit("/", 1)[1] for one in client.get(url, query, status=200).json]


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("bo", "bo_b bob nobody zed"),
        ("BO", "bo_b bob nobody zed"),
        ("o_b", "bo_b"),
        ("_", "bo_b"),
        ("%", "bo_b"),
        ("%%", ""),
        ("rt D", "bob"),
        ("@example", "bob zed"),
        ("zed.b", "zed"),
        ("ä", ""),
        ("Ä", "kim"),
        ("kk", ""),
        ("k\u212a", "kim"),
        ("zoë", "bo_b"),
        ("lice", "alice"),
        ("no such", ""),
        ("\\", ""),
    ],
)
def test_q_finds_users_by_name_full_name_and_email(client, q, names):
    assert found(client, "/api/users", q=q) == names.split()


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("bo", "biology bo_x"),
        ("LAB", "biology"),
        ("z", "zoo"),
        ("_", "bo_x"),
        ("%", "bo_x"),
        ("ä", ""),
        ("Ä", "physics"),
        ("kk", ""),
        ("s", "admins bo_x physics users"),
    ],
)
def test_q_finds_groups_by_name_and_description(client, q, names):
    assert found(client, "/api/groups", q=q) == names.split()


@pytest.mark.parametrize(
    ("url", "names"), [("/api/users", "bo_b bob nobody zed"), ("/api/groups", "biology bo_x")]
)
def test_q_goes_with_pages_and_objects(client, url, names):
    expected = [f"{API}{url.removeprefix('/api')}/{name}" for name in names.split()]
    first = client.get(f"{url}?q=Bo&limit=1&expand=true", status=200)
    assert "q=Bo" in following(first)
    for limit in (1, 2, 10):
        pages = walk(client, f"{url}?q=bo&limit={limit}&expand=true")
        assert [one["url"] for page in pages for one in page] == expected
        assert [one for page in walk(client, f"{url}?q=bo&limit={limit}") for one in page] == (
            expected
        )
    assert client.head(f"{url}?q=bo").headers["ETag"] != client.head(url).headers["ETag"]


@pytest.mark.parametrize("url", ["/api/users", "/api/groups"])
def test_q_has_1_to_100_characters(client, url):
    assert found(client, url, q="x" * 100) == []
    for q in ("x" * 101, "a\0b", "a\nb", "\u202e"):
        answer = assert_refused(client.get(url, {"q": q}, status=400), 400, "invalid-parameter")
        assert answer.json["field"] == "q"
    answer = assert_refused(client.get(f"{url}?q=", status=400), 400, "missing-parameter")
    assert answer.json["field"] == "q"
    assert_refused(client.get(f"{url}?q=a&q=b", status=400), 400, "repeated-parameter")


@pytest.mark.parametrize("url", ["/api/users/alice/groups", "/api/groups/users/users"])
def test_other_lists_of_people_take_no_q(client, url):
    assert_refused(client.get(f"{url}?q=bo", status=400), 400, "unknown-parameter")

"""Errors, and the headers and URLs of every answer."""

import re

import pytest
import simplejson
from sqlalchemy import delete

import repoman
from repoman.models import ImageHypervisor
from tests.factories import API, People

pytestmark = pytest.mark.through_apache

URL = "/api/images"


@pytest.fixture
def alice(people):
    """Alice's client; she has an image ``x`` with a file."""
    people.alice.create("x")
    people.alice.upload("x")
    return people.alice.client


ERRORS = [
    ("GET", "/api/nosuch", {}, 404, "not-found"),
    ("GET", "/nosuch", {}, 404, "not-found"),
    ("GET", "/api/images/raw/nosuch/alice/x/y", {}, 404, "not-found"),
    ("GET", "/api/images/raw/alice/nosuch/x", {}, 404, "not-found"),
    ("GET", "/api/images/nosuch", {}, 404, "image-not-found"),
    ("GET", "/api/images/raw/xen/x", {}, 404, "file-not-uploaded"),
    ("GET", "/api/users/nosuch", {}, 404, "user-not-found"),
    ("GET", "/api/users/alice/certificates/0", {}, 404, "certificate-not-found"),
    ("GET", "/api/groups/nosuch", {}, 404, "group-not-found"),
    ("PUT", "/api/groups/users/permissions/nosuch", {}, 404, "permission-not-found"),
    ("PUT", "/api/whoami", {}, 405, "method-not-allowed"),
    ("GET", "/api/users?x=1", {}, 400, "unknown-parameter"),
    ("POST", "/api/images", {}, 400, "missing-parameter"),
    ("POST", "/api/images", {"name": "/"}, 400, "invalid-parameter"),
    ("POST", "/api/images", {"name": "y", "x": 1}, 400, "unknown-parameter"),
    ("POST", "/api/images", {"name": "x"}, 409, "image-exists"),
    ("POST", "/api/users", {}, 403, "permission-denied"),
    ("PUT", "/api/images/raw/x", None, 400, "empty-file"),
    ("POST", "/api/images/raw/x", None, 415, "unsupported-media-type"),
]


@pytest.mark.parametrize("accept", ["*/*", "application/json, application/octet-stream; q=0.5"])
def test_every_error_is_a_problem_that_a_program_and_a_person_can_read(alice, subtests, accept):
    for method, url, fields, status, code in ERRORS:
        with subtests.test(method=method, url=url, fields=fields):
            answer = alice.request(
                url,
                method=method,
                body=simplejson.dumps(fields).encode() if fields else b"",
                headers={"Content-Type": "application/json", "Accept": accept},
                status=status,
            )
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["X-Repoman-Error"] == answer.json["code"] == code
            assert answer.json["status"] == status
            assert {"type", "title", "status", "detail", "code"} <= answer.json.keys()
            assert answer.json["detail"].endswith(".")
            assert "Traceback" not in answer.text
            assert "sqlalchemy" not in answer.text


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
ALLOWED = {
    "/api": "GET, HEAD, OPTIONS",
    "/api/openapi.yaml": "GET, HEAD, OPTIONS",
    "/api/whoami": "GET, HEAD, OPTIONS",
    "/api/users": "GET, HEAD, OPTIONS, POST",
    "/api/users/alice": "DELETE, GET, HEAD, OPTIONS, PATCH, POST",
    "/api/users/alice/certificates": "GET, HEAD, OPTIONS, POST",
    "/api/users/alice/certificates/1": "DELETE, GET, HEAD, OPTIONS",
    "/api/groups": "GET, HEAD, OPTIONS, POST",
    "/api/groups/users": "DELETE, GET, HEAD, OPTIONS, PATCH, POST",
    "/api/groups/users/users": "GET, HEAD, OPTIONS, POST",
    "/api/groups/users/users/alice": "DELETE, OPTIONS, POST, PUT",
    "/api/groups/users/admins": "GET, HEAD, OPTIONS, POST",
    "/api/groups/users/admins/alice": "DELETE, OPTIONS, POST, PUT",
    "/api/groups/users/permissions": "GET, HEAD, OPTIONS, POST",
    "/api/groups/users/permissions/image_create": "DELETE, OPTIONS, POST, PUT",
    "/api/images": "GET, HEAD, OPTIONS, POST",
    "/api/images/x": "DELETE, GET, HEAD, OPTIONS, PATCH, POST",
    "/api/images/alice/x": "DELETE, GET, HEAD, OPTIONS, PATCH, POST",
    "/api/images/x/share/user/alice": "DELETE, OPTIONS, POST, PUT",
    "/api/images/alice/x/share/group/users": "DELETE, OPTIONS, POST, PUT",
    "/api/images/raw/x": "DELETE, GET, HEAD, OPTIONS, POST, PUT",
    "/api/images/raw/kvm/x": "DELETE, GET, HEAD, OPTIONS, POST, PUT",
    "/api/images/raw/alice/kvm/x": "DELETE, GET, HEAD, OPTIONS, POST, PUT",
}


def test_a_wrong_method_is_405_and_allow_says_the_right_ones(alice, subtests):
    for url, allowed in ALLOWED.items():
        for method in set(METHODS) - set(allowed.split(", ")):
            with subtests.test(url=url, method=method):
                answer = alice.request(url, method=method, status=405)
                assert answer.headers["Allow"] == allowed
                assert answer.headers["X-Repoman-Error"] == "method-not-allowed"


def test_the_method_is_settled_before_the_object(alice):
    alice.put(f"{URL}/nosuch", status=405)
    alice.put("/api/groups/nosuch", status=405)


def test_head_answers_as_get_without_the_body(alice, subtests):
    urls = [url for url, allowed in ALLOWED.items() if "GET" in allowed]
    for url in urls:
        with subtests.test(url=url):
            got, head = alice.get(url, status="*"), alice.head(url, status="*")
            assert head.body == b""
            assert head.status == got.status
            for name in ("Content-Type", "Content-Length", "ETag", "X-Repoman-User"):
                assert head.headers.get(name) == got.headers.get(name)
    for url in ("/api/users/nosuch", f"{URL}/nosuch"):
        answer = alice.head(url, status=404)
        assert answer.body == b""
        assert answer.headers["X-Repoman-Error"].endswith("-not-found")


def test_a_trailing_slash_equals_none(people, alice, subtests):
    for url, allowed in ALLOWED.items():
        if "GET" in allowed and "openapi" not in url:
            with subtests.test(url=url):
                assert alice.get(f"{url}/", status="*").body == alice.get(url, status="*").body
    made = alice.post_json(f"{URL}/", {"name": "y"}, status=201).json
    assert made["url"] == f"{API}/images/alice/y"
    alice.put(f"{URL}/raw/y/", b"bytes", status=201)
    alice.post(f"{URL}/y/share/user/{people.bob.name}/", status=200)
    alice.delete(f"{URL}/y/", status=200)


@pytest.mark.in_process
def test_two_slashes_are_not_one(alice):
    """Behind Apache they are: mod_wsgi hands over one."""
    alice.get(f"{URL}/x", status=200)
    alice.get(f"{URL}/x//", status=404)
    alice.get("/api//images", status=404)


@pytest.mark.in_process
def test_trace_is_a_method_like_others(alice):
    """Behind Apache it is Apache's to refuse."""
    for url, allowed in ALLOWED.items():
        answer = alice.request(url, method="TRACE", status=405)
        assert answer.headers["Allow"] == allowed
        assert answer.headers["X-Repoman-Error"] == "method-not-allowed"


def test_answers_are_neither_sniffed_nor_kept(alice):
    for url, status in ((URL, 200), (f"{URL}/x", 200), (f"{URL}/nosuch", 404), ("/api", 200)):
        headers = alice.get(url, status=status).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "private, no-cache"
        assert headers["Vary"] == "Accept"
    assert alice.get(URL).headers["Content-Type"] == "application/json"


def test_the_api_page_says_where_to_start(alice):
    page = alice.get("/api").json
    assert (page["name"], page["user"]) == ("repoman", f"{API}/users/alice")
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", page["version"])
    assert page["links"] == {
        name: f"{API}/{path}"
        for name, path in {
            "whoami": "whoami",
            "users": "users",
            "groups": "groups",
            "images": "images",
            "uploads": "uploads",
            "openapi": "openapi.yaml",
        }.items()
    }


# --- hosts and URLs


@pytest.fixture
def serve(ini, sessions, authority):
    """Start a server with other settings; return its people."""
    started = []

    def start(**changes):
        ini.update({f"repoman.{key}": value for key, value in changes.items()})
        started.append(repoman.main({}, **ini))
        return People(started[-1], sessions, authority)

    yield start
    for application in started:
        application.sessions.engine.dispose()


def whoami(people, host, status=200):
    return people.alice.client.get("/api/whoami", headers={"Host": host}, status=status)


def test_urls_are_of_the_host_that_was_asked(people):
    for host in ("images.example.org", "images.example.org:8443", "[::1]:8443", "127.0.0.1"):
        assert whoami(people, host).json["url"] == f"https://{host}/api/users/alice"


@pytest.mark.in_process
@pytest.mark.parametrize(
    "host", ["a.org/x", "a b", 'a"b', "<script>", "a@b", "a:b", "a:123456", "ä", "a,b", "?"]
)
def test_a_host_that_is_none_is_refused(people, host):
    answer = whoami(people, host.encode().decode("latin-1"), status=400)
    assert answer.headers["X-Repoman-Error"] == "unknown-host"


def test_with_hosts_set_no_other_will_do(serve):
    people = serve(hosts="images.example.org, other.example.org:8443")
    shown = whoami(people, "IMAGES.example.org").json
    assert shown["url"].lower() == "https://images.example.org/api/users/alice"
    whoami(people, "other.example.org:8443")
    for host in (
        "evil.example.org",
        "localhost",
        "images.example.org.evil.org",
        "other.example.org",
    ):
        answer = whoami(people, host, status=400)
        assert answer.headers["X-Repoman-Error"] == answer.json["code"] == "unknown-host"
        assert "images.example.org" in answer.json["detail"]
    # Who is calling comes first, and the host counts on unknown URLs as well.
    people.anonymous.get("/api/whoami", headers={"Host": "evil.example.org"}, status=401)
    people.anonymous.get("/api", headers={"Host": "evil.example.org"}, status=400)
    people.alice.client.get("/nosuch", headers={"Host": "evil.example.org"}, status=400)


def test_base_url_is_what_all_urls_begin_with(serve):
    people = serve(base_url="https://images.example.org/repo/")
    base = "https://images.example.org/repo/api"
    for host in ("localhost", "10.0.0.1:8443"):
        assert whoami(people, host).json["url"] == f"{base}/users/alice"
    answer = people.alice.client.post_json(URL, {"name": "x"}, status=201)
    assert answer.headers["Location"] == f"{base}/images/raw/alice/kvm/x"
    assert answer.json["group"] == f"{base}/groups/users"
    deleted = people.alice.client.delete(f"{URL}/x").json
    assert deleted == {"deleted": f"{base}/images/alice/x"}


# --- defects of ours


@pytest.mark.in_process
def test_a_defect_is_500_with_the_request_id_and_no_traceback(people, caplog):
    """An image without hypervisor cannot come about; one in the database stands for any defect."""
    people.alice.create("x")
    with people.sessions.changing.begin() as session:
        session.execute(delete(ImageHypervisor))
    answer = people.alice.client.get(f"{URL}/x", status=500)
    assert answer.headers["X-Repoman-Error"] == answer.json["code"] == "internal-error"
    assert answer.json["request_id"] == answer.headers["X-Repoman-Request-Id"]
    assert "IndexError" not in answer.text
    assert "IndexError" in caplog.text
    assert answer.json["request_id"] in caplog.text

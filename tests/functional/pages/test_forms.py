"""What a form needs to be taken, and what nobody can make of one."""

from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from webtest import TestRequest

import repoman
from repoman.errors import CertificateRequired
from repoman.models import AuditEntry
from repoman.pages.asking import ask
from tests.factories import FILE, People
from tests.pages import BROWSER, OWN, fill, notice, refuse, visit
from tests.wsgi import Source, assert_refused, multipart, send

pytestmark = pytest.mark.through_apache

PAGE = "/images/alice/debian12"
FORM = "/forms/images/alice/debian12"


@pytest.fixture
def alice(people):
    people.alice.create()
    people.alice.upload()
    return people.alice.client


def is_unchanged(client):
    return client.get("/api/images/debian12").json["description"] is None


def token(client):
    return visit(client, PAGE).forms["edit"]["_token"].value


def test_a_form_without_the_token_changes_nothing(alice):
    fields = {"_method": "PATCH", "description": "x"}
    for wrong in ({}, {"_token": ""}, {"_token": "0" * 40}, {"_token": "é"}):
        visit(alice, PAGE)
        assert_refused(alice.post(FORM, fields | wrong, status=403), 403, "form-expired")
    assert is_unchanged(alice)


def test_a_token_without_its_cookie_is_none(alice):
    known = token(alice)
    alice.reset()
    fields = {"_method": "PATCH", "description": "x", "_token": known}
    assert_refused(alice.post(FORM, fields, status=403), 403, "form-expired")
    assert is_unchanged(alice)


def test_a_token_is_good_for_whoever_has_the_cookie_and_for_no_other(people, alice):
    mine, theirs = token(alice), visit(people.bob.client, "/me").forms["self"]["_token"].value
    assert mine != theirs
    fields = {"_method": "PATCH", "description": "x", "_token": theirs}
    assert_refused(alice.post(FORM, fields, status=403), 403, "form-expired")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_site_changes_nothing(alice, headers):
    form = fill(visit(alice, PAGE), "edit", description="x")
    refused = form.submit(headers=OWN | headers, status=403)
    assert refused.headers["X-Repoman-Error"] == "foreign-origin"
    assert is_unchanged(alice)


@pytest.mark.parametrize(
    "fields",
    [
        {"_then": "https://evil.example.org/"},
        {"_then": "//evil.example.org/"},
        {"_then": "/\\evil.example.org/"},
        {"_then": "/x\r\nSet-Cookie: a=b"},
        {"_then": "javascript:alert(1)"},
        {"_then": "/\u2713"},
        {"_then": "/\u010a\u010dSet-Cookie:a=b"},
        {"_page": "//evil.example.org/"},
        {"_page": "/images?q=\u2713"},
        {"_method": "GET"},
        {"_method": "TRACE"},
        {"_method": "patch"},
    ],
)
def test_a_form_leads_nowhere_else_and_asks_nothing_else(alice, fields):
    sent = {"_method": "PATCH", "_token": token(alice), "description": "x"} | fields
    assert_refused(alice.post(FORM, sent, status=400), 400, "invalid-parameter")
    assert is_unchanged(alice)


def test_the_cookie_is_for_this_server_and_its_pages_alone(alice):
    page = visit(alice, PAGE)
    (cookie,) = page.headers.getall("Set-Cookie")
    assert cookie.startswith("__Host-repoman-token=")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"path=/", "secure", "httponly", "samesite=lax"} <= parts
    assert not any(part.startswith("domain") for part in parts)


def test_a_form_has_the_rights_of_the_api(people, alice):
    bob = people.bob.client
    bobs = visit(bob, "/me").forms["self"]["_token"].value
    fields = {"_method": "PATCH", "_token": bobs, "description": "x"}
    assert_refused(bob.post(FORM, fields, status=404), 404, "image-not-found")
    sent = {"_method": "PATCH", "_token": token(alice), "description": "x"}
    alice.post(FORM, sent, headers=OWN, status=303)
    assert alice.get("/api/images/debian12").json["description"] == "x"


def test_a_form_that_says_not_where_to_go_leads_back_to_its_page(alice):
    sent = {"_method": "DELETE", "_token": token(alice), "_page": "/images?view=all"}
    answer = alice.post(FORM, sent, headers=OWN, status=303)
    assert answer.location.endswith("/images?view=all")
    alice.get("/api/images/debian12", status=404)


@pytest.mark.parametrize(
    "page",
    ["/static/page.js", "/metrics", "/healthz", "/api/whoami", "/api/images/raw/debian12", FORM],
)
def test_what_is_no_page_is_not_shown_in_place_of_a_refused_form(alice, page):
    sent = {"_method": "PATCH", "_token": token(alice), "name": "!", "_page": page}
    refused = alice.post(FORM, sent, headers=OWN, status=400)
    assert refused.content_type == "text/html"
    assert "Status 400, code" in refused.html.footer.get_text()


def test_a_page_with_a_refused_form_has_the_headers_of_the_error(alice):
    sent = {"_method": "PUT", "_token": token(alice), "_page": "/me"}
    refused = alice.post("/forms/whoami", sent, headers=OWN, status=405)
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert "Registered certificates" in refused


@pytest.mark.in_process
def test_who_is_suspended_while_the_form_comes_in_is_shown_no_page(people, alice):
    body = urlencode({"_token": token(alice), "_method": "DELETE", "x": "y", "_page": "/me"})
    source = Source(body.encode(), lambda: suspend(people))
    headers = OWN | {"Content-Type": "application/x-www-form-urlencoded"}
    refused = send(
        alice, FORM, source, method="POST", length=len(body), headers=headers, status=403
    )
    assert refused.headers["X-Repoman-Error"] == "account-suspended"
    assert "Registered certificates" not in refused


def suspend(people):
    people.admin.client.patch_json("/api/users/alice", {"suspended": True})


@pytest.mark.in_process
def test_what_a_page_asks_comes_through_the_same_proxies(application):
    """So no page can show a client behind a proxy on the server what is for the server itself."""
    router = application.application.application
    nobody = {"repoman.identity": None, "repoman.refusal": CertificateRequired("nobody")}
    local = nobody | {"REMOTE_ADDR": "127.0.0.1", "repoman.request_id": "1"}
    for headers, status in (({}, 200), ({"X-Forwarded-For": "192.0.2.1"}, 401)):
        environ = TestRequest.blank("/", environ=dict(local), headers=headers).environ
        with router.request_context(environ) as request:
            assert ask(request, "GET", "/metrics")[1].status_int == status


def test_pages_stand_where_the_base_url_says(ini, sessions, authority):
    ini["repoman.base_url"] = "https://localhost:80/repo"
    application = repoman.main({}, **ini)
    client = People(application, sessions, authority).alice.client
    assert client.get("/", status=303).location == "https://localhost:80/repo/images"
    page = visit(client, "/me")
    loaded = page.html.select("[href], [src]")
    assert all((one.get("href") or one["src"]).startswith(("/repo/", "#")) for one in loaded)
    form = fill(page, "self", full_name="Ann")
    assert form.action == "/repo/forms/users/alice"
    form.action = form.action.removeprefix("/repo")
    assert form.submit(headers=OWN, status=303).location == "https://localhost:80/repo/me"
    application.sessions.engine.dispose()


@pytest.mark.in_process
def test_a_form_finds_back_to_a_page_whose_query_was_not_quoted(people):
    people.join("lab", people.alice, admin=True)
    page = visit(people.alice.client, "/groups/lab?q=\u00e9".encode().decode("latin-1"))
    refused = refuse(page, "add", 400, name="nosuch")
    assert refused.forms["add"]["name"].value == "nosuch"


def test_a_form_is_no_way_to_what_is_no_form(alice):
    sent = {"_method": "DELETE", "_token": token(alice)}
    for path in ("/forms/nosuch", "/forms/../api/images/debian12", "/forms/"):
        refused = alice.post(path, sent, expect_errors=True)
        assert refused.status_int in {400, 404, 405}
    assert alice.get(FORM, headers=BROWSER, status=405).headers["Allow"] == "OPTIONS, POST"
    alice.get("/api/images/debian12")


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"a=b;c&%zz", "application/x-www-form-urlencoded", "malformed-body"),
        (b"\xff=1", "application/x-www-form-urlencoded", "malformed-body"),
        (b"{}", "application/json", "unsupported-media-type"),
        (b"x", "multipart/form-data; boundary=b", "malformed-body"),
        (b"x" * ((1 << 20) + 1), "application/x-www-form-urlencoded", "body-too-large"),
    ],
)
def test_a_body_that_is_no_form_is_refused(alice, body, kind, code):
    answer = alice.post(FORM, body, headers={"Content-Type": kind}, expect_errors=True)
    assert_refused(answer, answer.status_int, code)


def test_nobody_unknown_gets_as_far_as_the_form(people, alice):
    assert_refused(people.anonymous.post(FORM, {"a": "b"}, status=401), 401, "certificate-required")
    stranger = people.client(people.holder("Stranger"))
    assert_refused(stranger.post(FORM, {"a": "b"}, status=403), 403, "certificate-unknown")


def upload(client, *parts, status):
    body = b"".join(parts) + multipart(b"new file" * 100)
    headers = OWN | {"Content-Type": "multipart/form-data; boundary=limit"}
    path = "/forms/file/alice/kvm/debian12"
    return send(
        client, path, Source(body), method="POST", length=len(body), headers=headers, status=status
    )


def part(name, value):
    return f'--limit\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def test_a_file_streams_in_behind_its_token(alice):
    answer = upload(alice, part("_token", token(alice)), status=303)
    page = answer.follow(headers=BROWSER)
    assert page.request.path == PAGE
    assert notice(page) == "The file is here."
    assert alice.get("/api/images/raw/debian12").body == b"new file" * 100


def test_a_file_without_its_token_is_not_kept(alice, remains):
    before = remains.all()
    known = token(alice)
    for parts, status in (
        ([], 400),
        ([part("_token", "wrong")], 403),
        ([part("_token", "x" * 5000)], 400),
        ([part("other", "x"), part("_token", known)], 400),
        ([part("_token", known), part("_token", known)], 400),
    ):
        answer = upload(alice, *parts, status=status)
        assert answer.content_type == "text/html"
    assert alice.get("/api/images/raw/debian12").body == FILE
    assert remains.all() == before


def test_each_form_leaves_one_row_in_the_audit_trail_and_a_refused_one_none(alice, sessions):
    def rows():
        with sessions.reading() as session:
            found = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        return [(row.user_name, row.action, row.request) for row in found]

    before = rows()
    sent = {"_method": "PATCH", "_token": token(alice), "description": "x"}
    alice.post(FORM, sent | {"name": "no blanks"}, headers=OWN, status=400)
    alice.post(FORM, sent, headers=OWN, status=303)
    upload(alice, part("_token", token(alice)), status=303)
    assert rows() == [
        *before,
        ("alice", "image:change", "PATCH /api/images/alice/debian12"),
        ("alice", "image:edit", "POST /forms/file/alice/kvm/debian12"),
    ]

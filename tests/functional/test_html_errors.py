"""Errors as browsers get them: pages that show everything and run nothing."""

import re
from html.parser import HTMLParser

import pytest
from sqlalchemy import delete

import repoman
from repoman.models import ImageHypervisor
from repoman.pages.headers import HEADERS
from tests.factories import People

pytestmark = pytest.mark.through_apache

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)
OLD = "text/html, application/xhtml+xml, image/jxr, */*"
BROWSER = {"Accept": FIREFOX}
EVIL = "<script>alert('1')</script>&amp;\"x\""


class Page(HTMLParser):
    """What a browser makes of a page: its elements, their attributes, and the text in them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.copies = [], [], []
        self.text, self._copying = "", False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if ("class", "copy") in attributes:
            self.copies.append("")
            self._copying = True

    def handle_endtag(self, tag):
        self._copying = self._copying and tag != "code"

    def handle_data(self, data):
        if self._copying:
            self.copies[-1] += data
        self.text += data


def page(answer, status, code):
    """Check what every error page has, and return it."""
    assert answer.status_int == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["X-Repoman-Error"] == code
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "Accept"
    found = Page(answer.text)
    assert f"Status {status}, code {code}," in found.text
    assert answer.headers["X-Repoman-Request-Id"] in found.text
    assert set(found.tags) <= {
        *("html", "head", "meta", "title", "link", "script", "body", "header", "main", "footer"),
        *("nav", "ul", "li", "a", "img", "div", "h1", "h2", "h3", "p", "code", "ol", "br"),
    }
    loaded = [value for name, value in found.attributes if name in {"src", "href"}]
    assert all(re.match(r"/(?!/)|#main$", value) for value in loaded)
    assert not {name for name, _ in found.attributes if name.startswith("on") or name == "style"}
    return found


def scripts(answer):
    """Count the scripts of a page, which has one of its own."""
    return answer.text.count("<script")


@pytest.fixture
def alice(people):
    people.alice.create()
    return people.alice.client


ERRORS = [
    ("GET", "/nosuch", 404, "not-found", "There is no such URL"),
    ("GET", "/api/images/nosuch", 404, "image-not-found", "There is no such image"),
    ("GET", "/api/users/nosuch", 404, "user-not-found", "User not found"),
    ("GET", "/api/images/raw/debian12", 404, "file-not-uploaded", "No file has been uploaded"),
    ("GET", "/api/users?x=1", 400, "unknown-parameter", "There is no query parameter 'x'"),
    ("GET", "/api/images/%ff", 400, "invalid-parameter", "not valid UTF-8"),
    ("PUT", "/api/whoami", 405, "method-not-allowed", "GET, HEAD, OPTIONS"),
    ("POST", "/api/images", 400, "missing-parameter", "'name' is missing"),
    ("POST", "/api/users", 403, "permission-denied", "user_create"),
    ("PUT", "/api/images/raw/debian12", 400, "empty-file", "curl -T"),
]


@pytest.mark.parametrize(("method", "url", "status", "code", "sentence"), ERRORS)
def test_an_error_is_a_page_for_a_browser(alice, method, url, status, code, sentence):
    answer = alice.request(url, method=method, headers=BROWSER, status=status)
    assert sentence in page(answer, status, code).text
    program = alice.request(url, method=method, status=status)
    assert program.json["code"] == code
    own = {"X-Repoman-Request-Id", "Content-Type", "Content-Length", *HEADERS}
    for name in ({*answer.headers} | {*program.headers}) - own:
        assert answer.headers[name] == program.headers[name]


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (FIREFOX, True),
        (CHROME, True),
        (OLD, True),
        ("text/html", True),
        ("TEXT/HTML", True),
        ("text/html;level=1, */*;q=0.9", True),
        ("text/*", True),
        ("text/html;q=0.5, application/json;q=0.4", True),
        ("application/json;q=0.4, text/html;q=0.5", True),
        ("*/*", False),
        ("", False),
        (None, False),
        ("application/json", False),
        ("application/problem+json, text/html;q=0.9", False),
        ("text/html, application/json", False),
        ("application/json, text/html", False),
        ("text/html;q=0.5, */*", False),
        ("text/html;q=0, */*", False),
        ("text/html;q=0", False),
        ("image/png", False),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", False),
        ("text/html;q=2", False),
        ("\xe4", False),
    ],
)
def test_who_is_a_browser_is_said_by_accept(alice, accept, is_page):
    headers = {} if accept is None else {"Accept": accept}
    answer = alice.get("/nosuch", headers=headers, status=404)
    kind = "text/html" if is_page else "application/problem+json"
    assert answer.content_type == kind


def test_the_page_may_load_what_is_the_servers_own_and_nothing_else(alice):
    answer = alice.get("/nosuch", headers=BROWSER, status=404)
    page(answer, 404, "not-found")
    assert answer.headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in answer.text


def test_what_the_page_loads_is_there_for_everybody(people, alice):
    for link in re.findall(
        r'(?:src|href)="(/static/[^"]+)"', alice.get("/nosuch", headers=BROWSER, status=404).text
    ):
        found = people.anonymous.get(link, status=200)
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        again = people.anonymous.get(
            link, headers={"If-None-Match": found.headers["ETag"]}, status=304
        )
        assert again.body == b""
    for path in ("/static/nosuch", "/static/..%2f__init__.py", "/static/repoman.css?x=1"):
        assert people.anonymous.get(path, expect_errors=True).status_int in {400, 401, 404}


def test_whatever_a_client_sends_comes_back_as_text(people, alice):
    form = {"Content-Type": "application/json", **BROWSER}
    body = b"{\"<script>alert('1')</script>\": 1}"
    answer = alice.post("/api/images", body, headers=form, status=400)
    found = page(answer, 400, "unknown-parameter")
    # In the sentence as a Python string, as in JSON.
    assert "<script>alert('1')</script>" in found.text
    assert scripts(answer) == 1

    for url in ("/api/images/<script>alert(1)", "/<script>alert(1)</script>?<script>=1"):
        answer = alice.get(url, headers=BROWSER, status=404)
        assert scripts(answer) == 1


@pytest.mark.parametrize("name", [EVIL, "two  blanks and Zoë", "</code></style><b>"])
def test_an_unknown_certificate_is_shown_its_name_to_be_copied(people, name):
    holder = people.authority.issue([("O", "Grid"), ("CN", name)])
    client = people.client(holder)
    answer = client.get("/api/whoami", headers=BROWSER, status=403)
    found = page(answer, 403, "certificate-unknown")
    shown = client.get("/api/whoami", status=403).json
    assert found.copies == [shown["client_dn"], "/C=CA/O=Test Grid/CN=Test CA"]
    assert scripts(answer) == 1
    fields = {"user_name": "new", "cert_dn": found.copies[0]}
    people.admin.client.post_json("/api/users", fields, status=201)
    assert client.get("/api/whoami").json["user_name"] == "new"


def test_blanks_in_a_name_are_kept_when_it_is_copied(people):
    """A browser that folded two blanks into one would let another name be copied."""
    style = people.anonymous.get("/static/repoman.css").text
    assert re.search(r"code, pre \{[^}]*white-space: pre-wrap", style)
    assert re.search(r"\.copy \{[^}]*user-select: all", style)


def test_without_certificate_the_page_says_how_to_show_one(people):
    answer = people.anonymous.get("/api/users", headers=BROWSER, status=401)
    found = page(answer, 401, "certificate-required")
    assert answer.headers["WWW-Authenticate"] == "X509"
    assert found.copies == ["openssl pkcs12 -export -in me.pem -inkey me.key -out me.p12"]
    assert "Firefox" in found.text
    assert "Chrom" in found.text
    # And no more than that, whether or not it is there.
    other = people.anonymous.get("/api/nosuch", headers=BROWSER, status=401)
    page(other, 401, "certificate-required")


def test_head_answers_as_get_without_the_page(alice):
    got, head = (
        alice.request("/nosuch", method=method, headers=BROWSER, status=404)
        for method in ("GET", "HEAD")
    )
    assert head.body == b""
    own = {"X-Repoman-Request-Id"}
    assert {name: head.headers[name] for name in {*head.headers} - own} == {
        name: got.headers[name] for name in {*got.headers} - own
    }


def test_a_browser_gets_json_where_all_is_well(alice):
    answer = alice.get("/api/whoami", headers=BROWSER, status=200)
    assert answer.headers["Content-Type"] == "application/json"
    assert "Content-Security-Policy" not in answer.headers


def test_a_defect_is_a_page_with_the_request_id_and_no_traceback(people, alice):
    with people.sessions.changing.begin() as session:
        session.execute(delete(ImageHypervisor))
    answer = alice.get("/api/images/debian12", headers=BROWSER, status=500)
    page(answer, 500, "internal-error")
    assert "IndexError" not in answer.text
    assert "Traceback" not in answer.text


def test_no_setting_switches_the_escaping_off(ini, sessions, authority):
    application = repoman.main({}, **ini | {"mako.default_filters": "n"})
    people = People(application, sessions, authority)
    client = people.client(people.authority.issue([("CN", EVIL)]))
    answer = client.get("/api/whoami", headers=BROWSER, status=403)
    application.sessions.engine.dispose()
    assert scripts(answer) == 1

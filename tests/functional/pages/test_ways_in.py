"""What those see who are not let in, and oneself once one is."""

import pytest

import repoman
from tests.factories import People
from tests.pages import notice, refuse, submit, visit
from tests.statements import counted


def test_without_certificate_the_first_page_says_how_to_show_one(people):
    page = visit(people.anonymous, "/")
    assert "openssl pkcs12 -export" in page
    assert not page.html.select("nav")
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize("path", ["/images", "/me", "/users", "/images/alice/x", "/nosuch"])
def test_without_certificate_every_other_page_says_so_too(people, path):
    page = visit(people.anonymous, path, 401)
    assert "openssl pkcs12 -export" in page


def test_an_unregistered_certificate_is_shown_its_name_and_whom_to_send_it_to(
    ini, sessions, authority
):
    contact = "Zoë <admin@example.org>"
    application = repoman.main({}, **ini | {"repoman.contact": contact})
    people = People(application, sessions, authority)
    for path, status in (("/", 200), ("/images", 403)):
        page = visit(people.client(people.holder("Some Body")), path, status)
        copies = [one.get_text() for one in page.html.select(".copy")]
        assert copies == ["/C=CA/O=Grid/CN=Some Body", "/C=CA/O=Test Grid/CN=Test CA"]
        assert contact in page.html.main.get_text()
    application.sessions.engine.dispose()


def test_somebody_suspended_is_told_so(people):
    alice = people.alice
    people.admin.client.post("/api/users/alice", {"suspended": "true"})
    assert "suspended" in visit(alice.client, "/")
    assert "suspended" in visit(alice.client, "/images", 403)


def test_ones_own_page_shows_the_certificate_as_the_server_sees_it(people):
    page = visit(people.alice.client, "/me")
    assert "/C=CA/O=Grid/CN=Alice" in page
    assert "/C=CA/O=Test Grid/CN=Test CA" in page
    assert "there is no quota" in page
    people.admin.client.post("/api/users/alice", {"quota": "1G"})
    people.alice.create()
    people.alice.upload()
    meter = visit(people.alice.client, "/me").html.select_one("meter")
    assert 0 < float(meter["value"]) < 0.001


@pytest.mark.in_process
def test_ones_own_page_takes_as_many_queries_whatever_groups_one_is_in(people, application):
    client, counts = people.alice.client, []
    for number in range(6):
        people.join(f"lab{number}", people.alice)
        with counted(application) as statements:
            visit(client, "/me")
        counts.append(len(statements))
    assert len(set(counts[1:])) == 1


def test_one_changes_ones_own_name_and_address(people):
    page = visit(people.alice.client, "/me")
    page = submit(page, "self", full_name="Alice Lee", email="alice@example.org")
    assert notice(page) == "Your record is changed."
    assert page.html.h1.get_text() == "Alice Lee"
    people.bob.client.post("/api/users/bob", {"email": "bob@example.org"})
    page = refuse(page, "self", 409, email="bob@example.org")
    assert page.forms["self"]["email"].value == "bob@example.org"


def test_a_proxy_is_shown_with_the_certificate_behind_it(people):
    holder = people.alice.holder.proxy().proxy(limited=True)
    page = visit(people.client(holder), "/me")
    proxy = page.html.find("dt", string="Proxy").parent.get_text()
    assert "of depth 2, limited" in proxy
    assert page.html.find("dt", string="Made for").parent.code.get_text() == "/C=CA/O=Grid/CN=Alice"
    assert "the certificate behind it until" in page


def test_an_end_that_is_near_is_warned_of_though_a_proxy_is_shown(people):
    late, holder = (
        people.authority.issue([("C", "CA"), ("O", "Grid"), ("CN", f"{days} days")], days=days)
        for days in (40, 5)
    )
    for name, one in {"late": late, "soon": holder}.items():
        fields = {"user_name": name, "certificate": one.pem}
        people.admin.client.post("/api/users", fields, status=201)
    for client in (people.client(holder), people.client(holder.proxy())):
        warning = visit(client, "/me").html.select_one(".warning").get_text()
        assert "in 4 days" in warning
        assert "certificate ends in 4 days" in visit(client, "/images").html.nav.get_text()
    assert not visit(people.client(late), "/me").html.select(".warning")
    assert "certificate" not in visit(people.client(late), "/images").html.nav.get_text()


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/images/alice/none", "/images?view=all"),
        ("/users/none", "/users"),
        ("/groups/none", "/groups?view=all"),
        ("/none", "/images"),
    ],
)
def test_what_is_not_there_is_told_to_people_and_leads_on(people, path, way):
    page = visit(people.alice.client, path, 404)
    assert "/api" not in page.html.main.get_text()
    assert page.html.main.a["href"] == way

"""Until when certificates are valid: known from PEM, or from the first request with one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from time import monotonic

import pytest
from sqlalchemy import event

from repoman.certificates.middleware import find_caller
from repoman.models import now
from repoman.services.identities import record_expiry
from repoman.settings import read_settings
from tests.databases import on_postgresql, on_sqlite
from tests.statements import counted

pytestmark = pytest.mark.through_apache

ANN = "/C=CA/O=Grid/CN=Ann Lee"


def time(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def expiry_of(holder):
    return time(holder.certificate.not_valid_after_utc)


@pytest.fixture
def issue(authority):
    """Issue certificates of one name, each valid for so many days."""
    return lambda days, name=ANN: authority.issue(name, days=days)


@pytest.fixture
def recorded(admin):
    """Return what the API says of a user's certificates."""

    def read(name="ann"):
        found = admin.get(f"/api/users/{name}/certificates?expand=true", status=200).json
        for one in found:
            assert admin.get(one["url"]).json == one
        return [one["not_after"] for one in found]

    return read


@pytest.fixture
def ann(admin):
    """Register her by name alone."""
    admin.post_json("/api/users", {"user_name": "ann", "cert_dn": ANN}, status=201)


# --- when it becomes known


def test_a_certificate_registered_from_pem_shows_its_expiry(admin, issue, recorded):
    first, second, third = issue(30), issue(60, "/CN=Second"), issue(90)
    fields = {"user_name": "ann", "certificate": first.pem}
    admin.post_json("/api/users", fields, status=201)
    url = "/api/users/ann/certificates"
    made = admin.post_json(url, {"certificate": second.pem}, status=201).json
    assert made["not_after"] == expiry_of(second)
    assert recorded() == [expiry_of(first), expiry_of(second)]
    admin.delete(made["url"], status=200)
    admin.patch_json("/api/users/ann", {"certificate": third.pem}, status=200)
    assert recorded() == [expiry_of(third)]


def test_of_a_name_alone_the_expiry_is_null_until_the_certificate_is_shown(
    people, ann, issue, recorded
):
    assert recorded() == [None]
    holder = issue(30)
    # Also where the request asks for the very object.
    own = people.client(holder).get("/api/users/ann/certificates?expand=true", status=200).json
    assert own[0]["not_after"] == expiry_of(holder)
    assert recorded() == [expiry_of(holder)]


def test_a_certificate_that_lets_nobody_in_is_not_recorded(people, admin, ann, issue, recorded):
    admin.patch_json("/api/users/ann", {"suspended": True}, status=200)
    people.client(issue(30)).get("/api/whoami", status=403)
    assert recorded() == [None]


def test_the_later_of_two_certificates_in_use_stands(people, ann, issue, recorded):
    old, new = issue(30), issue(400)
    for holder, expected in ((old, old), (new, new), (old, new), (new, new)):
        people.client(holder).get("/api/whoami", status=200)
        assert recorded() == [expiry_of(expected)]


@pytest.mark.parametrize("depth", [1, 2])
def test_behind_a_proxy_it_is_the_end_entitys(people, ann, issue, recorded, depth):
    holder = proxy = issue(30)
    for _ in range(depth):
        proxy = proxy.proxy(days=0.5)
    shown = people.client(proxy).get("/api/whoami", status=200).json["certificate"]
    assert shown["not_after"] == expiry_of(proxy)
    assert recorded() == [expiry_of(holder)]


def test_a_certificate_without_end_is_recorded(people, ann, authority, recorded):
    # RFC 5280, 4.1.2.5: that of no well-defined end.
    end = now().replace(9999, 12, 31, 23, 59, 59)
    people.client(authority.issue(ANN, not_after=end)).get("/api/whoami", status=200)
    assert recorded() == ["9999-12-31T23:59:59Z"]


# --- what it costs, and what it must not cost


@pytest.mark.in_process
def test_only_a_certificate_that_is_news_is_written(people, ann, issue, application):
    old, new = issue(30), issue(400)
    for holder, writes in ((old, 1), (old, 0), (new, 1), (new, 0), (old, 0), (new.proxy(), 0)):
        with counted(application) as statements:
            people.client(holder).get("/api/whoami", status=200)
        assert sum(one.startswith("UPDATE certificate") for one in statements) == writes
        # Whose it is takes one, as the expiry is in it.
        asked = [one for one in statements if "FROM certificate JOIN" in one]
        assert len(asked) == 1, statements


@pytest.mark.in_process
def test_a_later_expiry_that_came_meanwhile_stands(people, ann, issue, ini, sessions, recorded):
    caller = find_caller(issue(30).environ(), sessions, read_settings(ini))
    later = caller.end_entity_not_after + timedelta(days=1)
    for moment in (later, caller.end_entity_not_after):
        with sessions.changing.begin() as session:
            record_expiry(session, replace(caller, end_entity_not_after=moment))
        assert recorded() == [time(later)]


@pytest.mark.in_process
class TestLocked:
    """Others may hold the database for as long as they like."""

    @pytest.fixture
    def ini(self, ini):
        return ini | {"repoman.database_timeout": "60"}

    def test_a_database_that_is_locked_keeps_nobody_waiting(
        self, people, ann, issue, database, recorded, caplog
    ):
        holder = issue(30)
        client = people.client(holder)
        with database.locked():
            start = monotonic()
            client.get("/api/whoami", status=200)
            assert monotonic() - start < 30
        assert "expiry not recorded" in caplog.text
        assert recorded() == [None]
        client.get("/api/whoami", status=200)
        assert recorded() == [expiry_of(holder)]

    @on_sqlite
    def test_the_connection_waits_for_other_changes_as_before(
        self, people, ann, issue, database, application
    ):
        with database.locked():
            people.client(issue(30)).get("/api/whoami", status=200)
        people.client(issue(30)).get("/api/whoami", status=200)
        with application.sessions.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000

    @on_postgresql
    def test_the_next_transaction_waits_as_before(self, people, ann, issue, application):
        people.client(issue(30)).get("/api/whoami", status=200)
        with application.sessions.engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "1min"


@pytest.mark.in_process
def test_a_database_that_only_reads_keeps_nobody_out(
    people, ann, issue, application, backend, recorded, caplog
):
    engine, holder = application.sessions.engine, issue(30)
    only_reads = {
        "sqlite": "PRAGMA query_only = ON",
        "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    }[backend]

    def forbid(connection, *rest):
        cursor = connection.cursor()
        cursor.execute(only_reads)
        if backend == "postgresql":
            connection.commit()

    event.listen(engine, "connect", forbid)
    engine.dispose()
    people.client(holder).get("/api/whoami", status=200)
    assert "expiry not recorded" in caplog.text
    assert recorded() == [None]
    event.remove(engine, "connect", forbid)
    engine.dispose()
    people.client(holder).get("/api/whoami", status=200)
    assert recorded() == [expiry_of(holder)]


@pytest.mark.in_process
def test_first_requests_at_once_are_all_let_in(people, ann, issue, recorded):
    client = people.client(holder := issue(30))
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: client.get("/api/whoami", status=200), range(16))
        assert {one.json["user_name"] for one in answers} == {"ann"}
    assert recorded() == [expiry_of(holder)]

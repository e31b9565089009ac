"""``/metrics``: what is counted, what is there, and who may read it."""

import pytest
from sqlalchemy import update
from webtest import TestApp

import repoman
from repoman.models import Blob, now
from repoman.services import usage
from tests.databases import on_sqlite
from tests.factories import FILE
from tests.scrape import LOCAL, scraper
from tests.wsgi import Source, assert_refused, begin, send

URL, RAW = "/metrics", "/api/images/raw/debian12"
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    """Let every request find out anew."""
    monkeypatch.setattr(usage, "CACHED_SECONDS", 0)


@pytest.fixture
def scrape(application):
    return scraper(application)


@pytest.fixture
def alice(people):
    """Alice's client; she has an image without file."""
    people.alice.create(hypervisor="kvm")
    return people.alice.client


# --- what is counted


def test_requests_are_counted_by_method_route_and_status(people, alice, scrape):
    for _ in range(3):
        alice.get("/api/images/debian12")
    alice.get("/api/images/alice/debian12")
    alice.head("/api/images/debian12")
    alice.patch_json("/api/images/debian12", {"description": "new"})
    alice.get("/api/images/nothing", status=404)
    alice.get("/api/nothing", status=404)
    people.anonymous.get("/api/images", status=401)
    alice.get("/api/images/%ff", status=400)
    found = scrape().series("repoman_requests_total")
    assert [(*labels.values(), value) for labels, value in found] == [
        ("GET", "image", "200", 3),
        ("GET", "image", "404", 1),
        ("GET", "images", "401", 1),
        ("GET", "none", "400", 1),
        ("GET", "none", "404", 1),
        ("GET", "owned", "200", 1),
        ("HEAD", "image", "200", 1),
        ("PATCH", "image", "200", 1),
        ("POST", "images", "201", 1),
    ]
    assert list(found[0][0]) == ["method", "route", "status"]


def test_errors_are_counted_by_their_code(people, alice, scrape):
    people.anonymous.get("/api/images", status=401)
    for _ in range(2):
        alice.get("/api/images/nothing", status=404)
    alice.get("/api/images/nothing", headers={"Accept": "text/html, */*;q=0.1"}, status=404)
    assert scrape().series("repoman_errors_total") == [
        ({"code": "certificate-required"}, 1),
        ({"code": "image-not-found"}, 3),
    ]


def test_bytes_of_both_bodies_are_counted(alice, scrape):
    shown = alice.put(RAW, FILE, status=201)
    assert alice.get(RAW).body == FILE
    alice.get(RAW, headers={"Range": "bytes=0-9"}, status=206)
    found = scrape()
    assert found("repoman_received_bytes_total", route="raw") == len(FILE)
    sent = len(shown.body) + len(FILE) + 10
    assert found("repoman_sent_bytes_total", route="raw") == sent


def test_an_answer_that_is_cut_off_counts_with_the_bytes_that_came(alice, scrape):
    alice.put(RAW, bytes(300_000), status=201)
    before = scrape()
    body = begin(alice, RAW)
    for _ in zip(range(3), body, strict=False):
        pass
    body.close()
    found = scrape()
    assert found.series("repoman_answers_cut_off_total") == [({"route": "raw"}, 1)]
    name = "repoman_sent_bytes_total"
    assert found(name, route="raw") - before(name, route="raw") == 2 * 65536
    assert before.series("repoman_answers_cut_off_total") == []


def test_an_answer_to_head_is_not_cut_off(alice, scrape):
    alice.put(RAW, FILE, status=201)
    alice.head(RAW)
    assert scrape().series("repoman_answers_cut_off_total") == []


RUNNING = "repoman_transfers_running"


def test_transfers_that_run_are_shown_while_they_do(alice, scrape):
    seen = []
    send(alice, RAW, Source(FILE, lambda: seen.append(scrape())), status=201)
    send(alice, RAW, Source(FILE[:9], lambda: seen.append(scrape())), length=99, status=400)
    for found in seen:
        assert found(RUNNING, direction="upload") == 1
        assert found(RUNNING, direction="download") == 0
    bodies = [begin(alice, RAW) for _ in range(2)]
    for body in bodies:
        next(iter(body))
    assert scrape().series(RUNNING) == [
        ({"direction": "download"}, 2),
        ({"direction": "upload"}, 0),
    ]
    for body in bodies:
        body.close()
    assert scrape().series(RUNNING) == [
        ({"direction": "download"}, 0),
        ({"direction": "upload"}, 0),
    ]


def test_what_transfers_no_file_is_no_transfer(people, alice, scrape):
    alice.get(RAW, status=404)
    send(people.bob.client, "/api/images/raw/alice/debian12", Source(FILE), length=9, status=404)
    alice.put(RAW, FILE, status=201)
    tag = alice.head(RAW).headers["ETag"]
    alice.get(RAW, headers={"If-None-Match": tag}, status=304)
    alice.delete(RAW)
    found = scrape()
    assert found.series("repoman_transfer_duration_seconds_count") == [({"direction": "upload"}, 1)]
    assert found("repoman_request_duration_seconds_count", route="raw") == 4
    assert found("repoman_request_duration_seconds_count", route="raw.two") == 1


def test_durations_are_of_requests_and_of_transfers(alice, scrape):
    alice.get("/api/images")
    alice.put(RAW, FILE, status=201)
    assert alice.get(RAW).body
    alice.get(RAW, headers={"Range": "bytes=0-9"}, status=206)
    found = scrape()
    requests = found.series("repoman_request_duration_seconds_bucket")
    bounds = " ".join(labels["le"] for labels, _ in requests if labels["route"] == "images")
    assert bounds == "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 +Inf"
    counts = [value for labels, value in requests if labels["route"] == "images"]
    assert counts == sorted(counts)
    assert counts[-1] == found("repoman_request_duration_seconds_count", route="images") == 2
    assert 0 < found("repoman_request_duration_seconds_sum", route="images") < 60
    transfers = found.series("repoman_transfer_duration_seconds_bucket")
    bounds = " ".join(one["le"] for one, _ in transfers if one["direction"] == "upload")
    assert bounds == "0.1 0.5 1.0 5.0 10.0 30.0 60.0 300.0 600.0 1800.0 3600.0 10800.0 +Inf"
    assert found("repoman_transfer_duration_seconds_count", direction="download") == 2
    assert found("repoman_transfer_duration_seconds_count", direction="upload") == 1
    assert found("repoman_request_duration_seconds_count", route="raw") == 0


def test_no_label_is_what_a_client_makes_up(people, alice, scrape):
    careless = TestApp(people.application, alice.extra_environ, lint=False)
    for method in ("BREW", "PROPFIND"):
        careless.request("/api/images/debian12", method=method, status=405)
        careless.request("/made/up", method=method, status=404)
    alice.put(RAW, FILE, status=201)
    alice.get("/api/users/madeup", status=404)
    alice.get("/api/images?q=madeup&madeup=1", status=400)
    found = scrape()
    assert found("repoman_requests_total", method="other", route="image", status="405") == 2
    assert found("repoman_requests_total", method="other", route="none", status="404") == 2
    for word in ("alice", "Alice", "debian12", "madeup", "made/up", "BREW", "PROPFIND"):
        assert word not in found.text


def test_connections_in_use_are_counted(people, alice, scrape):
    name, seen = "repoman_database_connections_in_use", []
    alice.put(RAW, FILE, status=201)
    assert scrape()(name) == 0
    engine = people.application.sessions.engine
    with engine.connect(), engine.connect():
        seen.append(scrape()(name))
    # An upload holds none while its body comes in.
    send(alice, RAW, Source(FILE, lambda: seen.append(scrape()(name))), status=200)
    assert seen == [2, 0]
    assert scrape()(name) == 0


# --- what is there


def test_it_tells_what_is_there(people, alice, scrape):
    alice.put(RAW, FILE, status=201)
    alice.post_json("/api/images", {"name": "copy", "copy_of": "debian12"}, status=201)
    people.alice.create("other")
    people.alice.upload("other", b"four")
    people.join("biology", people.bob)
    with people.sessions.changing.begin() as session:
        session.execute(update(Blob).where(Blob.size == 4).values(damaged=now()))
        session.add(Blob(uuid="0" * 32, size=1, sha256="0" * 64, damaged=now()))
    found = scrape()
    assert found.series("repoman_database_up") == [({}, 1)]
    assert found.series("repoman_users") == [({}, 2)]
    assert found.series("repoman_groups") == [({}, 3)]
    assert found.series("repoman_images") == [({}, 3)]
    assert found.series("repoman_blobs") == [({}, 3)]
    assert found.series("repoman_blob_bytes") == [({}, len(FILE) + 5)]
    assert found.series("repoman_damaged_blobs") == [({}, 1)]
    assert found.series("repoman_store_up") == [({}, 1)]
    size, free = found("repoman_store_size_bytes"), found("repoman_store_free_bytes")
    assert 0 < free < size
    ((labels, value),) = found.series("repoman_build_info")
    assert (list(labels), value) == (["version"], 1)
    assert labels["version"] == people.anonymous.get("/api").json["version"]


def test_a_new_server_tells_all_it_can(scrape):
    found = scrape()
    assert found.series("repoman_blob_bytes") == [({}, 0)]
    assert found.series("repoman_requests_total") == []
    assert [name for name in found.types if name.endswith("_created")] == []
    assert scrape()("repoman_requests_total", route="metrics", status="200") == 1


def test_without_a_database_the_rest_is_told(people, alice, scrape, database):
    admin = people.admin.client
    alice.get("/api/images")
    with database.gone():
        alice.get("/api/images", status=503)
        found = scrape()
        assert found.series("repoman_database_up") == [({}, 0)]
        for name in ("users", "groups", "images", "blobs", "blob_bytes"):
            assert found.series(f"repoman_{name}") == []
        assert found("repoman_errors_total", code="database-unavailable") == 1
        assert found("repoman_requests_total", route="images", status="200") == 1
        assert found("repoman_store_size_bytes") > 0
        # Whose a certificate is, nobody can tell.
        assert_refused(admin.get(URL, status=503), 503, "database-unavailable")
    assert scrape().series("repoman_database_up") == [({}, 1)]
    assert scrape()("repoman_database_connections_in_use") == 0


@on_sqlite
def test_a_database_that_hangs_is_not_waited_for(ini, database, monkeypatch, caplog):
    monkeypatch.setattr(usage, "ANSWER_SECONDS", 0.5)
    application = repoman.main({}, **ini)
    with database.locked(reading=True):
        found = scraper(application)()
        assert found.series("repoman_database_up") == [({}, 0)]
        assert found("repoman_store_up") == 1
    assert "There was no answer in time." in caplog.text
    application.sessions.engine.dispose()


def test_without_a_store_the_rest_is_told(alice, scrape, settings):
    away = settings.store.rename(settings.store.with_name("away"))
    found = scrape()
    assert found.series("repoman_store_up") == [({}, 0)]
    assert found.series("repoman_store_size_bytes") == []
    assert found("repoman_images") == 1
    away.rename(settings.store)
    assert scrape()("repoman_store_up") == 1


# --- who may read it


def test_admins_may_read_it_and_others_are_refused_in_the_usual_order(people):
    found = people.admin.client.get(URL, status=200)
    assert found.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert found.headers["Cache-Control"] == "private, no-cache"
    assert found.headers["X-Repoman-User"] == "admin"
    assert people.admin.client.head(URL, status=200).body == b""
    proxy = people.client(people.admin.holder.proxy(limited=True))
    assert proxy.get(URL, status=200).body.startswith(b"# HELP repoman_")
    assert_refused(people.anonymous.get(URL, status=401), 401, "certificate-required")
    stranger = people.client(people.holder("Stranger"))
    assert_refused(stranger.get(URL, status=403), 403, "certificate-unknown")
    refused = people.alice.client.get(URL, status=403)
    assert_refused(refused, 403, "permission-denied")
    assert refused.headers["X-Repoman-Permission"] == "admins"


LOOPBACK = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"]
ELSEWHERE = ["192.0.2.7", "10.0.0.1", "::ffff:192.0.2.7", "2001:db8::1", "0.0.0.0", "", "local"]


def test_the_server_itself_may_read_it_whatever_certificate_it_shows(people, subtests):
    clients = {
        "anonymous": people.anonymous,
        "alice": people.alice.client,
        "stranger": people.client(people.holder("Stranger")),
        "invalid": TestApp(people.application, {"SSL_CLIENT_VERIFY": "FAILED:expired"}),
    }
    for name, client in clients.items():
        for address in LOOPBACK:
            with subtests.test(name=name, address=address):
                client.get(URL, extra_environ={"REMOTE_ADDR": address}, status=200)
        for address in ELSEWHERE:
            with subtests.test(name=name, address=address):
                refused = client.get(URL, extra_environ={"REMOTE_ADDR": address}, status="*")
                assert refused.status_int in {401, 403}


@pytest.mark.parametrize(
    "header",
    [
        *("Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host"),
        *("X-Forwarded-Proto", "X-Forwarded", "x-forwarded-for", "X_Forwarded_For"),
    ],
)
@pytest.mark.parametrize("value", ["127.0.0.1", "192.0.2.7", ""])
def test_what_comes_through_a_proxy_does_not_come_from_the_server_itself(people, header, value):
    headers = {header: value}
    refused = people.anonymous.get(URL, headers=headers, extra_environ=LOCAL, status=401)
    assert_refused(refused, 401, "certificate-required")
    people.admin.client.get(URL, headers=headers, extra_environ=LOCAL, status=200)


def test_the_server_itself_may_do_nothing_else(people):
    client = TestApp(people.application, extra_environ=LOCAL)
    for url in ("/api/users", "/api/whoami", "/metrics/x", "/api/metrics"):
        client.get(url, status=401)
    client.post(URL, status=401)
    assert client.options(URL, status=204).headers["Allow"] == "GET, HEAD, OPTIONS"


def test_it_answers_whatever_host_was_asked(ini):
    application = repoman.main({}, **ini | {"repoman.hosts": "images.example.org"})
    client = TestApp(application, extra_environ=LOCAL)
    client.get(URL, headers={"Host": "127.0.0.1:8443"}, status=200)
    client.get("/api", headers={"Host": "127.0.0.1:8443"}, status=400)
    application.sessions.engine.dispose()


def test_what_else_it_refuses_as_every_url_does(people):
    admin = people.admin.client
    assert admin.put(URL, status=405).headers["Allow"] == "GET, HEAD, OPTIONS"
    admin.get(f"{URL}?x=1", status=400)
    admin.get(f"{URL}/", status=200)
    for accept in ("text/html", "application/json", "application/openmetrics-text"):
        refused = admin.get(URL, headers={"Accept": accept}, status=406)
        assert refused.headers["X-Repoman-Error"] == "not-acceptable"
    for accept in ("text/plain", "text/plain;version=0.0.4", "text/*", "*/*", PROMETHEUS):
        admin.get(URL, headers={"Accept": accept}, status=200)

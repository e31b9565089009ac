"""The log: one JSON object a line, one line a request, and the request's id in each."""

import io
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete
from webtest import TestApp, TestRequest

import repoman
from repoman.access import AccessLog, Input
from repoman.logs import JsonFormatter, get_logger
from repoman.metrics import make_metrics
from repoman.models import ImageHypervisor
from tests.factories import FILE, People
from tests.wsgi import Source, make_environ, send

RAW = "/api/images/raw/debian12"
FIELDS = [
    *("time", "level", "logger", "event", "request_id", "method", "path", "status", "code"),
    *("user", "dn", "client", "bytes_received", "bytes_sent", "seconds", "cut_off", "user_agent"),
]


class Log:
    """What a handler with the JSON formatter writes."""

    def __init__(self):
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(JsonFormatter())

    @property
    def text(self):
        return self.stream.getvalue()

    @property
    def lines(self):
        return [json.loads(line) for line in self.text.split("\n")[:-1]]

    @property
    def requests(self):
        return [line for line in self.lines if line["logger"] == "repoman.access"]

    def clear(self):
        self.stream.seek(0)
        self.stream.truncate()


@pytest.fixture
def log():
    """Log as development.ini does, to be read."""
    made, root, ours = Log(), logging.getLogger(), logging.getLogger("repoman")
    root.addHandler(made.handler)
    ours.setLevel(logging.INFO)
    yield made
    root.removeHandler(made.handler)
    ours.setLevel(logging.NOTSET)


@pytest.fixture
def alice(people, log):
    """Alice's client; she has an image with a file."""
    people.alice.create()
    people.alice.upload()
    log.clear()
    return people.alice.client


# --- one line a request


def test_a_request_is_one_line_with_everything(alice, log):
    environ = {"REMOTE_ADDR": "192.0.2.7", "HTTP_USER_AGENT": "curl/8"}
    answer = alice.get("/api/images/debian12", extra_environ=environ)
    (line,) = log.lines
    assert list(line) == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert 0 < line.pop("seconds") < 60
    assert line == {
        "level": "info",
        "logger": "repoman.access",
        "event": "request",
        "request_id": answer.headers["X-Repoman-Request-Id"],
        "method": "GET",
        "path": "/api/images/debian12",
        "status": 200,
        "code": None,
        "user": "alice",
        "dn": "/C=CA/O=Grid/CN=Alice",
        "client": "192.0.2.7",
        "bytes_received": 0,
        "bytes_sent": len(answer.body),
        "cut_off": False,
        "user_agent": "curl/8",
    }


def test_who_is_refused_has_a_line_too(people, alice, log, authority):
    assert people.admin.client.patch_json("/api/users/alice", {"suspended": True})
    stranger = people.client(authority.issue([("O", "Grid"), ("CN", "Zoë")]))
    proxy = people.client(people.bob.holder.proxy())
    failed = TestApp(people.application, {"SSL_CLIENT_VERIFY": "FAILED:x"})
    log.clear()
    people.anonymous.get("/api/users", status=401)
    stranger.get("/api/users", status=403)
    alice.get("/api/users", status=403)
    failed.get("/api/users", status=403)
    proxy.get("/nosuch", status=404)
    people.bob.client.put("/api/users", status=405)
    people.bob.client.get("/api/users", headers={"Accept": "a/b"}, status=406)
    people.bob.client.get("/api/images/%ff", status=400)
    seen = [(line["status"], line["code"], line["user"], line["dn"]) for line in log.requests]
    assert [one[:3] for one in seen] == [
        (401, "certificate-required", None),
        (403, "certificate-unknown", None),
        (403, "account-suspended", None),
        (403, "certificate-invalid", None),
        (404, "not-found", "bob"),
        (405, "method-not-allowed", "bob"),
        (406, "not-acceptable", "bob"),
        (400, "invalid-parameter", "bob"),
    ]
    names = [one[3] for one in seen]
    assert names[:4] == [None, "/O=Grid/CN=Zoë", "/C=CA/O=Grid/CN=Alice", None]
    assert re.fullmatch(r"/C=CA/O=Grid/CN=Bob/CN=\d+", names[4])


@pytest.mark.parametrize(
    ("method", "url", "sent", "received"),
    [
        ("GET", RAW, None, 0),
        ("HEAD", RAW, 0, 0),
        ("PUT", RAW, None, len(FILE)),
        ("PATCH", "/api/images/debian12", None, 15),
        ("GET", "/api/images?x=1", None, 0),
        ("OPTIONS", "/api/images", 0, 0),
    ],
)
def test_the_bytes_of_both_bodies_are_counted(alice, log, method, url, sent, received):
    body = {"PUT": FILE, "PATCH": b"description=new"}.get(method, b"")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = alice.request(url, method=method, body=body, headers=form, status="*")
    (line,) = log.requests
    assert line["bytes_received"] == received
    assert line["bytes_sent"] == (len(answer.body) if sent is None else sent)
    assert line["path"] == url
    assert line["cut_off"] is False


def test_the_bytes_of_a_chunked_upload_are_those_that_came(alice, log):
    send(alice, RAW, Source(FILE), status=200)
    send(alice, RAW, Source(FILE[:500]), length=len(FILE), status=400)
    send(alice, RAW, Source(FILE[:500], ending=OSError("gone")), length=len(FILE), status=400)
    assert [line["bytes_received"] for line in log.requests] == [len(FILE), 500, 500]


def test_a_refused_body_that_was_not_read_counts_nothing(people, alice, log):
    send(people.bob.client, "/api/images/raw/alice/debian12", Source(FILE), length=9, status=404)
    assert log.requests[0]["bytes_received"] == 0


def begin(client, path, method="GET"):
    """Begin a request as a server does: the answer's body is the test's to read and close."""
    environ = make_environ(client, path, Source(b""), length=0, method=method)
    status, _, body = TestRequest(environ).call_application(client.app)
    return status, body


def test_the_line_is_written_when_the_answer_is_closed(people, alice, log):
    people.alice.upload(data=bytes(300_000))
    log.clear()
    status, body = begin(alice, RAW)
    chunks = list(body)
    assert log.lines == []
    body.close()
    (line,) = log.lines
    assert (status, line["status"]) == ("200 OK", 200)
    assert line["bytes_sent"] == sum(map(len, chunks)) == 300_000
    assert line["cut_off"] is False


@pytest.mark.parametrize(("taken", "sent"), [(0, 0), (1, 0), (2, 65536), (5, 4 * 65536)])
def test_an_answer_that_was_cut_off_says_so_and_how_far_it_came(people, alice, log, taken, sent):
    """The chunk that the server holds when its client goes away has not been sent."""
    people.alice.upload(data=bytes(400_000))
    log.clear()
    _, body = begin(alice, RAW)
    for _ in zip(range(taken), body, strict=False):
        pass
    body.close()
    (line,) = log.lines
    assert line["bytes_sent"] == sent
    assert line["cut_off"] is True
    assert "exception" not in line


def test_head_is_not_cut_off_where_a_server_leaves_its_body_alone(alice, log):
    _, body = begin(alice, RAW, "HEAD")
    body.close()
    assert log.requests[0]["cut_off"] is False


def test_an_answer_that_breaks_off_on_our_side_says_why(people, alice, log, settings):
    people.alice.upload(data=bytes(400_000))
    blobs = [path for path in (settings.store / "blobs").rglob("*") if path.is_file()]
    (stored,) = [path for path in blobs if path.stat().st_size == 400_000]
    log.clear()
    _, body = begin(alice, RAW)
    with stored.open("r+b") as file:
        file.truncate(100_000)
    with pytest.raises(Exception, match="shorter than it was"):
        list(body)
    body.close()
    (line,) = log.requests
    assert line["cut_off"] is True
    assert line["bytes_sent"] == 100_000
    assert "shorter than it was" in line["exception"]


class Broken:
    """An application that fails before it answers, as a server's shutdown may make it."""

    sessions = None

    def __call__(self, environ, start_response):
        raise SystemExit("the worker is told to end")


def test_a_request_that_got_no_answer_has_its_line(log):
    environ = TestRequest.blank("/api").environ
    with pytest.raises(SystemExit):
        AccessLog(Broken(), make_metrics(None))(environ, None)
    (line,) = log.lines
    assert (line["status"], line["cut_off"], line["bytes_sent"]) == (None, True, 0)
    assert "the worker is told to end" in line["exception"]
    logging.getLogger("other").warning("later")
    assert "request_id" not in log.lines[1]


# --- the request's id


def test_the_id_is_the_server_s_where_it_has_one_and_never_the_client_s(people, alice, log):
    forged = {"Unique-Id": "forged", "X-Repoman-Request-Id": "forged", "X-Request-Id": "forged"}
    answers = [
        client.get("/api/users", headers=forged, extra_environ={"UNIQUE_ID": unique}, status="*")
        for client in (alice, people.anonymous)
        for unique in ("ZUaB@x-1", "")
    ]
    ids = [answer.headers["X-Repoman-Request-Id"] for answer in answers]
    assert ids == [line["request_id"] for line in log.requests]
    assert ids[0] == ids[2] == "ZUaB@x-1"
    assert len({*ids}) == 3
    for other in (ids[1], ids[3]):
        assert re.fullmatch("[0-9a-f]{32}", other)


def test_lines_of_other_libraries_have_the_id_while_a_request_lasts(alice, log, caplog):
    other = logging.getLogger("sqlalchemy.engine")
    caplog.set_level(logging.INFO, "sqlalchemy.engine")
    other.info("before")
    answer = alice.get("/api/images/debian12")
    other.info("after %s", 1)
    before, *during, after = [line for line in log.lines if line["logger"].startswith("sqlalchemy")]
    assert [before["event"], after["event"]] == ["before", "after 1"]
    assert "request_id" not in before | after
    assert len(during) > 3
    assert {line["request_id"] for line in during} == {answer.headers["X-Repoman-Request-Id"]}
    assert any("SELECT" in line["event"] for line in during)


def test_requests_at_one_moment_keep_their_ids_apart(people, alice, log):
    def ask(number):
        headers = {"User-Agent": str(number)}
        return (
            TestApp(people.application, people.alice.holder.environ())
            .get(f"/api/images/raw/nosuch{number}", headers=headers, status=404)
            .headers["X-Repoman-Request-Id"]
        )

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(ask, range(40)))
    assert len({*ids}) == 40
    assert {int(line["user_agent"]): line["request_id"] for line in log.requests} == dict(
        enumerate(ids)
    )


# --- what is written


def test_what_goes_wrong_is_an_event_with_the_id_of_its_request(people, alice, log, database):
    with database.gone():
        answer = alice.get("/api/images/debian12", status=503)
    error, refusal, line = [one for one in log.lines if one["logger"].startswith("repoman")]
    assert (error["level"], error["event"]) == ("error", "no database")
    assert error["logger"] == "repoman.certificates.middleware"
    assert "OperationalError" in error["reason"]
    ids = {one["request_id"] for one in (error, refusal, line)}
    assert ids == {answer.headers["X-Repoman-Request-Id"]}
    assert (line["user"], line["dn"]) == (None, "/C=CA/O=Grid/CN=Alice")


def test_a_store_that_fails_is_an_event_with_its_cause(alice, log, settings):
    (settings.store / "blobs").rename(settings.store / "away")
    alice.get(RAW, status=503)
    error = log.lines[0]
    assert (error["event"], error["code"]) == ("request failed", "store-unavailable")
    assert "No such file" in error["reason"]


def test_the_traceback_of_a_defect_is_in_its_line_and_in_no_answer(people, alice, log):
    with people.sessions.changing.begin() as session:
        session.execute(delete(ImageHypervisor))
    answer = alice.get("/api/images/debian12", status=500)
    error, line = log.lines
    assert error["event"] == "defect"
    assert error["exception"].startswith("Traceback (most recent call last):\n")
    assert "IndexError" in error["exception"]
    assert error["request_id"] == line["request_id"] == answer.json["request_id"]
    assert "Traceback" not in answer.text


FORGERY = '\n{"logger": "repoman.access", "user": "root"}\r\x1b[2K\x7f\u2028\x85"'


def test_nothing_in_a_request_can_forge_a_line(people, log, authority):
    client = people.client(authority.issue([("O", "Grid"), ("CN", FORGERY)]))
    alice = people.alice.client
    log.clear()
    raw = FORGERY.encode().decode("latin-1")
    environ = {"PATH_INFO": f"/api/{raw}", "HTTP_USER_AGENT": raw, "QUERY_STRING": f"x={raw}"}
    for one in (client, alice):
        made = make_environ(one, "/api", Source(b""), length=0, method="GET")
        _, _, body = TestRequest(made | environ).call_application(people.application)
        list(body)
        body.close()
    logging.getLogger("other").warning("what %s", FORGERY)
    get_logger("other").warning(FORGERY, reason=FORGERY)
    assert log.text.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", log.text)
    stranger, known, foreign, own = log.lines
    assert log.text.count("\n") == 4
    assert (stranger["user"], known["user"]) == (None, "alice")
    assert stranger["dn"].startswith(r"/O=Grid/CN=\x0A{")
    assert known["path"].startswith("/api/%0A%7B%22logger%22")
    assert known["user_agent"] == raw
    assert foreign["event"] == f"what {FORGERY}"
    assert own["event"] == own["reason"] == FORGERY


def test_a_user_agent_is_cut_and_a_path_is_not(alice, log):
    path = "/api/" + "x" * 5000
    alice.get(path, headers={"User-Agent": "y" * 5000}, status=404)
    (line,) = log.requests
    assert line["path"] == path
    assert line["user_agent"] == "y" * 256


def test_no_key_no_certificate_and_no_header_of_secrets_is_logged(people, log):
    admin, holder = people.admin.client, people.holder("New")
    log.clear()
    logging.getLogger("repoman").setLevel(logging.DEBUG)
    headers = {"Authorization": "Bearer s3cr3t", "Cookie": "session=s3cr3t"}
    both = holder.pem + holder.key_pem
    for pem, status in ((both, 400), (holder.pem, 201), (holder.pem, 409)):
        fields = {"user_name": "new", "certificate": pem}
        admin.post_json("/api/users", fields, headers=headers, status=status)
    admin.post("/api/users", both.encode(), headers=headers, status=400)
    assert len(log.requests) == 4
    assert "s3cr3t" not in log.text
    assert "BEGIN" not in log.text
    for line in both.splitlines():
        assert line not in log.text


def test_a_formatter_that_knows_only_text_shows_events_too():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("plain")
    logger.addHandler(handler)
    logger.propagate = False
    get_logger("plain").warning("it happened 100%", where="a\nb", code=None)
    try:
        {}["x"]
    except KeyError as error:
        get_logger("plain").error("defect", exc_info=error)
    first, second, *traceback = stream.getvalue().splitlines()
    assert first == r"WARNING plain it happened 100% where='a\nb' code=None"
    assert second == "ERROR plain defect"
    assert traceback[0] == "Traceback (most recent call last):"
    assert traceback[-1] == "KeyError: 'x'"


def test_with_the_level_above_info_there_are_no_lines_of_requests(alice, log):
    logging.getLogger("repoman").setLevel(logging.WARNING)
    alice.get("/api/images/debian12", status=200)
    assert log.lines == []


# --- the counted input


class OfTheServer(io.BytesIO):
    """A server's own input, with something of its own."""

    file_descriptor = 7


def test_whatever_reads_the_input_is_counted_and_sees_the_server_s_own():
    stream = Input(OfTheServer(b"one\ntwo\nthree\nfour\n" + bytes(100)))
    assert stream.read(2) == b"on"
    assert stream.readline() == b"e\n"
    assert stream.readline(2) == b"tw"
    assert next(iter(stream)) == b"o\n"
    assert stream.readlines(1) == [b"three\n"]
    assert stream.received == 14
    assert stream.read() == b"four\n" + bytes(100)
    assert stream.received == 119
    assert stream.read(9) == b""
    assert stream.file_descriptor == 7
    assert not hasattr(stream, "no_such_thing")


def test_the_application_sees_the_server_s_own_marks(people, ini, sessions, authority, log):
    """``wsgi.input_terminated`` and ``repoman.limit_body`` are of the environ, and stay there."""
    seen = []
    alice = people.alice.client
    alice.extra_environ["repoman.limit_body"] = seen.append
    alice.post("/api/images", {"name": "x"}, status=201)
    assert seen == [30]


def test_a_path_prefix_is_in_the_path_as_the_client_sent_it(ini, sessions, authority, log):
    application = repoman.main({}, **ini)
    people = People(application, sessions, authority)
    people.alice.client.get("/api/groups/", extra_environ={"SCRIPT_NAME": "/repo"})
    application.sessions.engine.dispose()
    assert log.requests[-1]["path"] == "/repo/api/groups/"

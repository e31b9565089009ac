"""Bodies that come in slowly, or that nobody wants: they keep the server from nobody else."""

import contextlib
import socket
import ssl
import time

import pytest

from tests.apache.test_files import GIB

MANY = 35
"""More than the daemon has threads."""
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="session")
def site(either_site):
    return either_site


def connect(site, certificate=None, *, tls=True):
    """Return a connection, on which 20 s without a byte are an error."""
    if not tls:
        return socket.create_connection(("127.0.0.1", site.http_port), timeout=20)
    context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
    if certificate:
        context.load_cert_chain(certificate)
    plain = socket.create_connection(("127.0.0.1", site.port), timeout=20)
    return context.wrap_socket(plain, server_hostname="localhost")


def begin(connection, method, path, headers):
    """Send a request's head and the begin of its body."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
    connection.sendall(head.encode() + b"3e8\r\n" + b"x" * 995)


def read(connection):
    """Return all that comes until the server closes."""
    answer = b""
    while part := connection.recv(65536):
        answer += part
    return answer


def assert_others_are_answered(site, method, path, headers, certificate=None, *, tls=True):
    """Ask while `MANY` requests wait for the rest of their bodies, for which they get 30 s."""
    with contextlib.ExitStack() as stack:
        for _ in range(MANY):
            connection = stack.enter_context(connect(site, certificate, tls=tls))
            begin(connection, method, path, headers)
        time.sleep(2)  # nothing tells from outside when each has been given a thread
        for free in ("/api", "/healthz"):
            assert site.ask("--max-time", "10", free).status == 200, (method, path)


LENGTH, CHUNKED = f"Content-Length: {GIB}\r\n", "Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/api/users", LENGTH),
        ("POST", "/api/users", CHUNKED),
        ("BREW", "/nonsense", LENGTH),
        ("GET", "/api", LENGTH),
        ("PUT", "/api/images/raw/x", LENGTH),
    ],
)
def test_slow_bodies_without_certificate_keep_nobody_out(site, method, path, headers):
    assert_others_are_answered(site, method, path, headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_slow_bodies_over_http_keep_nobody_out(site, method):
    assert_others_are_answered(site, method, "/api/images/raw/x", LENGTH, tls=False)


def test_slow_bodies_of_users_keep_nobody_out(default_site, ann):
    """In mod_wsgi's daemon alone they do."""
    headers = f"{FORM}Content-Length: 1000000\r\n"
    assert_others_are_answered(default_site, "POST", "/api/images", headers, ann)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("PUT", "/api/images/raw/x", LENGTH, 401),
        ("PUT", "/api/images/raw/x", CHUNKED, 401),
        ("POST", "/api/users", LENGTH, 401),
        ("GET", "/api", LENGTH, 200),
    ],
)
def test_server_stops_reading_a_body_that_it_has_refused(
    default_site, method, path, headers, status
):
    """It ends its side of the connection, as it does when it no longer waits for the body."""
    assert_stops_reading(default_site, method, path, headers, status)


def test_body_of_a_get_without_certificate_is_refused_in_the_daemon(daemon_site):
    assert_stops_reading(daemon_site, "GET", "/api", LENGTH, 413)


def assert_stops_reading(site, method, path, headers, status):
    """Begin a request, and read its answer and the end of what the server sends."""
    with connect(site) as connection:
        begin(connection, method, path, headers)
        head, _, _ = read(connection).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nConnection: close" in head


def test_server_stops_reading_what_a_user_may_not_send(default_site, bob):
    for headers in (LENGTH, CHUNKED):
        with connect(default_site, bob) as connection:
            begin(connection, "PUT", "/api/images/raw/nothing", headers)
            head, _, _ = read(connection).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 404 ")
        assert b"\r\nX-Repoman-Error: image-not-found" in head


def test_connection_is_kept_after_a_body_that_was_read(site, ann, image):
    with connect(site, ann) as connection:
        for method, path, headers, body in (
            ("PUT", f"/api/images/raw/{image}", "Content-Length: 3\r\n", b"one"),
            ("PUT", f"/api/images/raw/{image}", CHUNKED, b"3\r\ntwo\r\n0\r\n\r\n"),
            ("POST", f"/api/images/{image}", f"{FORM}Content-Length: 13\r\n", b"description=x"),
        ):
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
            connection.sendall(head.encode() + body)
            with connection.makefile("rb") as answer:
                assert answer.readline().split()[1] in {b"200", b"201"}
                fields = {}
                while line := answer.readline().strip():
                    name, _, value = line.partition(b": ")
                    fields[name.lower()] = value
                answer.read(int(fields[b"content-length"]))
            assert fields.get(b"connection") != b"close"

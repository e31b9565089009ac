"""Clients that do nothing, or nothing useful, beside one that makes a request."""

import contextlib
import socket
import ssl
import time

import pytest

from tests.server.running import Running, free_port, probe_command


@pytest.fixture(scope="module")
def small(folder):
    """Return a server of two threads, which loses patience after a second."""
    port, patience = free_port(), {"limit.HANDSHAKE_SECONDS": 1, "limit.HEAD_SECONDS": 1}
    running = Running(probe_command(folder, port, workers=1, threads=2, **patience), folder, port)
    yield running
    running.stop()


@contextlib.contextmanager
def idle(server, first_bytes=b""):
    """Hold 40 connections on which only these bytes are sent."""
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            address = ("127.0.0.1", server.port)
            connection = stack.enter_context(socket.create_connection(address, timeout=20))
            connection.sendall(first_bytes)
        yield stack


def seconds_of_a_request(server):
    start = time.monotonic()
    assert server.curl("/hello").printed == "hello"
    return time.monotonic() - start


def test_40_silent_connections_do_not_even_take_threads(small):
    with idle(small):
        time.sleep(0.2)
        assert max(seconds_of_a_request(small) for _ in range(3)) < 1


@pytest.mark.parametrize(
    "first_bytes",
    [b"\x16\x03\x01", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ids=["half a handshake", "plain http"],
)
def test_40_useless_connections_do_not_delay_a_request(server, first_bytes):
    with idle(server, first_bytes):
        time.sleep(0.2)
        assert max(seconds_of_a_request(server) for _ in range(3)) < 1


def test_40_clients_that_request_nothing_do_not_delay_a_request(server, folder):
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            plain = socket.create_connection(("127.0.0.1", server.port), timeout=20)
            stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
        assert max(seconds_of_a_request(server) for _ in range(3)) < 1


@pytest.mark.parametrize("limit", ["HANDSHAKE_SECONDS", "HEAD_SECONDS"])
def test_client_that_dawdles_is_cut_off(small, folder, limit):
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    with contextlib.ExitStack() as stack:
        for _ in range(2):  # as many as there are threads
            plain = socket.create_connection(("127.0.0.1", small.port), timeout=20)
            client = stack.enter_context(plain)
            if limit == "HEAD_SECONDS":
                client = stack.enter_context(
                    context.wrap_socket(plain, server_hostname="localhost")
                )
                client.sendall(b"GET / HTTP/1.1\r\n")
            else:
                client.sendall(b"\x16\x03\x01")
        client.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert seconds_of_a_request(small) < 1
    assert "Traceback" not in small.errors.read_text()

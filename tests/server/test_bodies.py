"""Request bodies: refused ones are not sent, large ones take no memory, slow ones their time."""

import http.client
import re
import socket
import ssl
from pathlib import Path

import pytest

from tests.server.running import CHUNKED, EXPECT, EXPECT_NOTHING, SHOW, wait_until

GIB = 1 << 30


def connect(server, folder):
    """Open a TLS connection that sends whatever it is told to."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    return context.wrap_socket(plain, server_hostname="localhost")


def then_hello(folder):
    return ["--next", "/hello", "-sS", "--cacert", folder / "ca.pem", *SHOW]


def last(server):
    return server.curl("/last").printed


@pytest.mark.parametrize("chunked", [(), CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("expect", [EXPECT, EXPECT_NOTHING], ids=["expect", "no-expect"])
def test_refused_put_is_answered_before_its_body_is_sent(server, sparse, expect, chunked):
    for _ in range(5):  # an answer lost to a reset would be lost now and then
        answer = server.curl("/refuse", "-v", *expect, *chunked, "-T", sparse(2 * GIB), *SHOW)
        assert answer.code == 0, answer.errors
        body, shown = answer.printed.split("\n", 1)
        status, sent, seconds, _ = shown.split()
        assert (body, status) == ("refused", "403")
        assert "100 Continue" not in answer.errors
        assert "< Connection: close" in answer.errors
        assert int(sent) == 0 if expect is EXPECT else int(sent) < 16 << 20
        assert float(seconds) < 2


def test_accepted_put_is_asked_for_its_body_once(server, sparse):
    answer = server.curl("/read", "-v", *EXPECT, "-T", sparse(5 << 20), *SHOW)
    assert answer.printed.split()[:3] == [str(5 << 20), "200", str(5 << 20)]
    assert answer.errors.count("< HTTP/1.1 100 Continue") == 1


@pytest.mark.parametrize("chunked", [(), CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("expect", [EXPECT, EXPECT_NOTHING], ids=["expect", "no-expect"])
def test_connection_goes_on_after_a_body_that_was_read(server, folder, sparse, expect, chunked):
    upload = ["-T", sparse(1 << 20), *expect, *chunked, *SHOW]
    answer = server.curl("/read", *upload, *then_hello(folder))
    assert answer.code == 0, answer.errors
    assert [line.split()[-1] for line in answer.printed.splitlines()[1::2]] == ["1", "0"]


def test_connection_goes_on_after_a_small_body_that_was_refused(server, folder):
    small = ["-d", "name=debian12", *SHOW]
    answer = server.curl("/refuse", *small, *then_hello(folder))
    assert [line.split()[-1] for line in answer.printed.splitlines()[1::2]] == ["1", "0"]


def test_client_that_sends_all_before_it_listens_can_read_the_refusal(server, folder):
    """Python's http.client, for one; up to 64 MiB are discarded for it."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=30)
    connection.request("PUT", "/refuse", body=bytes(32 << 20))
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (403, b"refused")
    connection.close()


def test_client_that_goes_away_is_a_short_read_or_an_error(server, folder):
    head = "PUT /read HTTP/1.1\r\nHost: localhost\r\n"
    for framing, seen in (
        ("Content-Length: 500000\r\n\r\n", "100000"),
        (f"Transfer-Encoding: chunked\r\n\r\n{500000:x}\r\n", "NoMoreData"),
    ):
        with connect(server, folder) as connection:
            connection.sendall((head + framing).encode() + bytes(100000))
            connection.shutdown(socket.SHUT_RDWR)
        assert wait_until(lambda seen=seen: seen in last(server)), last(server)


def test_one_chunk_of_1_gib_takes_no_memory(server, folder):
    (worker,) = server.workers()
    status = Path(f"/proc/{worker}/status")

    def mib(name):
        return int(re.search(rf"{name}:\s+(\d+) kB", status.read_text())[1]) / 1024

    Path(f"/proc/{worker}/clear_refs").write_text("5")  # begins VmHWM, the peak, anew
    before = mib("VmRSS")
    block = bytes(1 << 20)
    with connect(server, folder) as connection:
        connection.sendall(
            b"PUT /read HTTP/1.1\r\nHost: localhost\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n40000000\r\n"
        )
        for _ in range(1024):
            connection.sendall(block)
        connection.sendall(b"\r\n0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert last(server) == str(GIB)
    assert mib("VmHWM") - before < 16


def test_upload_may_take_longer_than_the_timeout_of_a_worker(start, sparse):
    server = start(timeout=2, workers=1)
    workers = server.workers()
    answer = server.curl("/read", "-T", sparse(3 << 20), "--limit-rate", "800k")
    assert answer.printed == str(3 << 20)
    assert server.workers() == workers
    assert server.errors.read_text() == ""


def test_transfer_that_stands_still_ends_as_if_the_client_had_gone(start, folder):
    server = start(workers=1, **{"limit.STALL_SECONDS": 0.5})
    with connect(server, folder) as connection:
        connection.sendall(
            b"PUT /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nabc"
        )
        assert connection.recv(65536)
    # What was read before is lost in gunicorn's buffer, so all 64 KiB were asked for in vain.
    assert wait_until(lambda: last(server) == "0 ConnectionResetError"), last(server)
    with connect(server, folder) as connection:
        connection.sendall(b"GET /download?2000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wait_until(lambda: "stalled" in server.errors.read_text(), 1) is False
        assert "Traceback" not in server.errors.read_text()

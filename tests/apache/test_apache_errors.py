"""What Apache refuses by itself has the form of Repoman's errors; no other answer is touched."""

import json
import socket
import ssl

import pytest


@pytest.fixture(scope="session")
def site(either_site):
    return either_site


def assert_apaches(answer, status):
    assert answer.refusal == (status, "apache-error"), (answer.errors, answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.headers["x-repoman-request-id"]) == 27
    assert answer.json["code"] == "apache-error"
    assert answer.json["status"] == status
    assert answer.json["title"]
    assert len(answer.json["detail"]) > 20


REFUSED = {
    "an expectation that nobody knows": (417, ["-H", "Expect: nonsense", "/api/whoami"]),
    "the same for a file": (417, ["-H", "Expect: nonsense", "/api/images/raw/x"]),
    "TRACE": (405, ["-X", "TRACE", "/api/whoami"]),
    "TRACE of a file": (405, ["-X", "TRACE", "/api/images/raw/x"]),
    "CONNECT": (400, ["-X", "CONNECT", "/api"]),
    "a transfer coding that nobody knows": (
        400,
        ["-H", "Transfer-Encoding: gzip", "-d", "x", "/api/images"],
    ),
    "a Host that is none": (400, ["-H", "Host: a b", "/api"]),
    "a length that is none": (400, ["-X", "POST", "-H", "Content-Length: x", "/api/images"]),
    "120 headers": (400, [part for n in range(120) for part in ("-H", f"X-{n}: 1")] + ["/api"]),
    "a NUL": (404, ["/api/images/a%00b"]),
    "a long URL": (414, ["/api/" + "a" * 9000]),
    "the folder of these errors": (404, ["/repoman-errors/"]),
    "one of these errors": (404, ["/repoman-errors/403.json"]),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusal_of_apaches_has_our_form(site, ann, what):
    status, arguments = REFUSED[what]
    answer = site.ask(*arguments, certificate=ann)
    assert_apaches(answer, status)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_trace_sends_nothing_back(site, ann):
    for url in (site.url, site.http):
        answer = site.ask("-X", "TRACE", "-H", "X-Secret: 12345", f"{url}/api", certificate=ann)
        assert_apaches(answer, 405)
        assert "12345" not in answer.body


@pytest.mark.parametrize("either_site", ["default_site"], indirect=True, scope="session")
def test_host_other_than_that_of_the_connection_is_421(site, ann):
    there = ["--connect-to", f"other.test:{site.port}:localhost:{site.port}"]
    url = f"https://other.test:{site.port}/api"
    answer = site.ask(*there, "-H", "Host: localhost", url, certificate=ann)
    assert_apaches(answer, 421)


def test_repomans_own_refusals_are_left_as_they_are(site, ann, certificates):
    unknown = certificates.write(certificates.unknown)
    for arguments, certificate, refusal in (
        (["/api/whoami"], None, (401, "certificate-required")),
        (["/api/whoami"], unknown, (403, "certificate-unknown")),
        (["/api/images/raw/x"], unknown, (403, "certificate-unknown")),
        (["/nonsense"], ann, (404, "not-found")),
        (["-X", "BREW", "/api"], ann, (405, "method-not-allowed")),
        (["-H", "Accept: text/plain", "/api"], ann, (406, "not-acceptable")),
        (["-d", "name=raw", "/api/images"], ann, (400, "invalid-parameter")),
    ):
        answer = site.ask(*arguments, certificate=certificate)
        assert answer.refusal == refusal
        assert answer.json["code"] == refusal[1]


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/images/raw/"), ("POST", "/api/images")])
def test_after_a_broken_chunk_comes_one_answer_and_the_connection_ends(
    site, ann, image, method, path
):
    """What mod_wsgi sends after Apache's answer is beyond its Content-Length: nobody reads it."""
    path += image if path.endswith("/") else ""
    context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
    context.load_cert_chain(ann)
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", site.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(head.encode() + b"5\r\nabcde\r\nzz\r\n")
        received = b""
        while part := connection.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert received.count(b"HTTP/1.1 ") == 1
    assert headers[b"Connection"] == b"close"
    answer = json.loads(body[: int(headers[b"Content-Length"])])
    assert (answer["status"], answer["code"]) == (400, "apache-error")

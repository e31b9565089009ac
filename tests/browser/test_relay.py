"""The relay cuts connections when it is told to, and lets them through again."""

import http.client
import ssl

import pytest

BROKEN = "EOF|reset|[Bb]roken|without response"


@pytest.fixture
def link(ann, relay):
    """A relay of ann's."""
    return relay(ann)


@pytest.fixture
def ask(link):
    """Return a function that sends a request through it, over one connection where it can."""
    tls = ssl.create_default_context(cafile=link.person.site.trust.ca)
    port = int(link.origin.rsplit(":", 1)[1])
    connection = http.client.HTTPSConnection("localhost", port, context=tls, timeout=10)

    def ask(body=b""):
        try:
            connection.request("PUT" if body else "GET", "/api/images/raw/relayed", body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            connection.close()
            raise

    yield ask
    connection.close()


def test_what_is_cut_breaks_and_comes_through_again_when_it_may(ann, link, ask):
    ann.create("relayed")
    data = b"x" * (1 << 20)
    assert ask(data)[0] == 201
    assert len(data) < link.upstream < len(data) + 1000
    link.cut()
    for _ in range(2):
        with pytest.raises(OSError, match=BROKEN):
            ask()
    link.accept()
    assert ask() == (200, data)


def test_it_cuts_itself_after_so_many_bytes(ann, link, ask):
    ann.create("relayed-less")
    link.cut_after(300_000)
    with pytest.raises(OSError, match=BROKEN):
        ask(b"x" * (8 << 20))
    assert link.upstream == 300_000
    assert not link.is_open

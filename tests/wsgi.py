"""Requests whose bodies are streams of the test's making, and a look at what uploads leave behind.

WebTest sends bytes; a test that must act while a body is read gives a `Source` as ``wsgi.input``.
"""

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import select
from webtest import TestRequest

from repoman.models import Blob, Sessions, Upload
from repoman.storage.partials import HOLD
from tests.factories import FILE

MIB = 1 << 20


def plain_environ(client) -> dict[str, str]:
    """Return what a client shows, for another process: as JSON holds it."""
    return {key: text for key, text in client.extra_environ.items() if isinstance(text, str)}


class Source(io.RawIOBase):
    """``wsgi.input`` over ``data``; calls ``midway`` once when half of it has been read.

    At the end it returns ``b""``, or raises ``ending``.
    """

    def __init__(
        self,
        data: bytes,
        midway: Callable[[], object] | None = None,
        ending: Exception | None = None,
        step: int | None = None,
    ) -> None:
        self.data, self.midway, self.ending = data, midway, ending
        self.step = step or max(len(data) // 4, 1)
        self.position = self.reads = 0

    def read(self, size: int) -> bytes:
        self.reads += 1
        if self.midway is not None and self.position >= len(self.data) // 2:
            act, self.midway = self.midway, None
            act()
        chunk = self.data[self.position : self.position + min(size, self.step)]
        self.position += len(chunk)
        if not chunk and self.ending is not None:
            raise self.ending
        return chunk


class Noise(io.RawIOBase):
    """``wsgi.input`` of ``size`` bytes between ``head`` and ``tail``, never in memory at once.

    Calls ``each`` at every read and counts what was ``taken``. ``sha256`` is that of the noise
    alone, when it has been read.
    """

    block = hashlib.shake_128(b"noise").digest(256 * 1024 - 8)

    def __init__(self, size, head=b"", tail=b"", each: Callable[[], object] = lambda: None):
        self.length = len(head) + size + len(tail)
        self._chunks = self._make(head, size, tail)
        self._each, self._rest, self.taken = each, b"", 0
        self._sha256 = hashlib.sha256()

    def _make(self, head: bytes, size: int, tail: bytes) -> Iterator[bytes]:
        if head:
            yield head
        while size:
            # A new object each time, as from a network: kept, it would take memory.
            chunk = (size.to_bytes(8, "big") + self.block)[:size]
            size -= len(chunk)
            self._sha256.update(chunk)
            yield chunk
        if tail:
            yield tail

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def read(self, size: int) -> bytes:
        self._each()
        chunk = self._rest or next(self._chunks, b"")
        chunk, self._rest = chunk[:size], chunk[size:]
        self.taken += len(chunk)
        return chunk


class Untouchable(io.RawIOBase):
    """``wsgi.input`` of a client that waits for ``100 Continue``: reading it fails the test."""

    def read(self, size: int) -> bytes:
        raise AssertionError("the body was read")


def make_environ(client, path, source, *, method="PUT", length=None, headers=None) -> dict:
    """Make the environ of one request; the body is chunked where ``length`` is None."""
    request = TestRequest.blank(
        path, environ=dict(client.extra_environ), method=method, headers=headers or {}
    )
    environ = request.environ
    environ["wsgi.input"] = source
    if length is None:
        environ.pop("CONTENT_LENGTH", None)
        environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    else:
        environ["CONTENT_LENGTH"] = str(length)
    return environ


def send(client, path, source, *, status=None, **options):
    """Send a request with a body of the test's own, and return WebTest's response."""
    environ = make_environ(client, path, source, **options)
    return client.do_request(TestRequest(environ), status=status)


def begin(client, path):
    """Begin a download as a server does; the answer's body is the test's to read and close."""
    environ = make_environ(client, path, Source(b""), length=0, method="GET")
    _, _, body = TestRequest(environ).call_application(client.app)
    return body


def multipart(data: bytes, name="file", boundary="limit", closing=True) -> bytes:
    """Write one part, by default the one that ``curl -F file=@disk.img`` sends."""
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="disk.img"'
    kind = "Content-Type: application/octet-stream"
    head = f"--{boundary}\r\n{disposition}\r\n{kind}\r\n\r\n".encode()
    return head + data + b"\r\n" + (f"--{boundary}--\r\n".encode() if closing else b"")


FORM = {"Content-Type": "multipart/form-data; boundary=limit"}


def post_form(client, path, data, act=lambda: None, *, headers=(), **options):
    """POST a file as ``curl -F`` does, doing ``act`` in the middle of the body.

    Of several uploads of one person to one image, only forms may move at the same time.
    """
    body = multipart(data)
    options |= {"method": "POST", "headers": FORM | dict(headers), "length": len(body)}
    return send(client, path, Source(body, act), **options)


class Remains:
    """What is in the store and in its tables, so that "nothing is left" can be compared."""

    def __init__(self, sessions: Sessions, store: Path) -> None:
        self.sessions, self.store = sessions, store

    def files(self) -> set[str]:
        """List committed files by key."""
        return {path.name for path in (self.store / "blobs").rglob("*") if path.is_file()}

    def partials(self) -> set[str]:
        """List partial files by key, and holds that were left alone."""
        return {path.name.removesuffix(HOLD) for path in (self.store / "partial").iterdir()}

    def blobs(self) -> set[str]:
        """List blobs' rows by key."""
        with self.sessions.reading() as session:
            return set(session.scalars(select(Blob.uuid)))

    def uploads(self) -> set[str]:
        """List uploads' rows by key."""
        with self.sessions.reading() as session:
            return set(session.scalars(select(Upload.uuid)))

    def all(self) -> tuple[set[str], ...]:
        """Take the four together."""
        return self.files(), self.partials(), self.blobs(), self.uploads()


class Kept:
    """The image ``debian12`` with the file `FILE`, which a refused request must leave as it is."""

    def __init__(self, person, remains: Remains) -> None:
        self.client, self.remains = person.client, remains
        self.uuid = person.create(hypervisor="kvm")["uuid"]
        person.upload(status=201)
        self.remember()

    def remember(self) -> None:
        """Take what is there now as what must stay."""
        self.before = self.remains.all()
        self.shown = self.client.get("/api/images/debian12").json

    def check(self, reader=None, path="debian12") -> None:
        """Fail where the file has changed, or where anything else was left behind."""
        self.check_file(reader, path)
        assert self.remains.all() == self.before

    def check_file(self, reader=None, path="debian12") -> None:
        """Fail where the file has changed."""
        client = reader.client if reader else self.client
        assert client.get(f"/api/images/raw/{path}").body == FILE
        assert client.get(f"/api/images/{path}").json["files"] == self.shown["files"]


def assert_refused(response, status, code):
    """Check the form of a refusal, and that it tells what to do without showing a traceback."""
    assert response.status_int == status
    assert response.headers["X-Repoman-Error"] == code
    assert response.content_type == "application/problem+json"
    assert response.json["code"] == code
    assert response.json["status"] == status
    assert len(response.json["detail"]) > 20
    assert "Traceback" not in response.text
    return response


def assert_no_database(response):
    """Check the answer of a server without database."""
    assert_refused(response, 503, "database-unavailable")
    assert int(response.headers["Retry-After"]) > 0


def assert_refused_unread(client, path, status, code, headers=None, **options):
    """Check the refusal of a request whose client waits for ``100 Continue``."""
    options = {"length": 22_000, "headers": {"Expect": "100-continue"} | (headers or {})} | options
    return assert_refused(send(client, path, Untouchable(), status=status, **options), status, code)


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until ``condition()`` holds, and fail when it does not in time."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.01)


def finish_by_the_last_byte(client, path, data) -> None:
    """Go on with an upload of which every byte had arrived when the server failed."""
    last = len(data) - 1
    assert client.head(path).headers["X-Repoman-Upload-Offset"] == str(last)
    rest = {"Content-Range": f"bytes {last}-{last}/{len(data)}"}
    client.put(path, data[last:], headers=rest, status=200)
    assert client.get(path).body == data

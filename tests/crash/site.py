"""A real server that can be killed at any step, with the one who uses it."""

import hashlib
import http.client
import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from repoman.models import Sessions, make_engine
from repoman.scripts.pki import read_certificate
from repoman.services import fsck, users
from repoman.services.certificates import of_certificate
from repoman.services.collector import collect
from repoman.settings import Settings
from repoman.storage.filesystem import FilesystemStore
from tests.crash.judge import Judge
from tests.server.running import ROOT, Running, alive, free_port, wait_until
from tests.tus import CHUNK, TUS, metadata

KIB = 1 << 10
OLD, NEW = (hashlib.shake_128(word).digest(300 * KIB) for word in (b"old", b"new"))
"""What was there, and what comes: files of two reads (`repoman.streams.CHUNK`)."""

INI = """
[app:main]
use = egg:repoman
sqlalchemy.url = {database}
repoman.store = {store}
repoman.keep_versions = 0

[server:main]
use = egg:repoman#https
certificate = {folder}/server.pem
ca = {folder}/ca.pem
port = {port}
workers = 1
graceful_timeout = 1
"""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)


class Site:
    """A server over ``database_url``, and alice's way to it."""

    def __init__(self, home: Path, database_url: str, authority) -> None:
        self.home, self.store, self._armed = home, home / "store", home / "armed"
        self._port = free_port()
        (home / "ca.pem").write_text(authority.pem)
        authority.issue("/O=Test Grid/CN=localhost", hostnames=["localhost"]).write(
            home, "server.pem"
        )
        holder = authority.issue("/O=Test Grid/CN=Alice")
        alice = holder.write(home, "alice.pem")
        environ = {k: v for k, v in holder.environ().items() if isinstance(v, str)}
        (home / "environ.json").write_text(json.dumps(environ))
        tls = ssl.create_default_context(cafile=home / "ca.pem")
        tls.load_cert_chain(alice)
        self._connection = http.client.HTTPSConnection(
            "localhost", self._port, context=tls, timeout=20
        )
        self.ini = home / "repoman.ini"
        self.ini.write_text(
            INI.format(database=database_url, store=self.store, folder=home, port=self._port)
        )
        self.settings = Settings(database_url=database_url, store=self.store)
        self.sessions = Sessions(make_engine(self.settings))
        with self.sessions.changing.begin() as session:
            registration = of_certificate(read_certificate(alice))
            users.create(session, "alice", registration, {}, hypervisors=self.settings.hypervisors)
        self.judge = Judge(self.sessions.engine, self.store)
        self.start()

    # The server

    def command(self, how: str, *arguments: str) -> list:
        """Write the command line of a ``repoman-admin`` that dies at the armed step."""
        faults = [sys.executable, "-m", "tests.crash.faults", self.store, self._armed]
        return [*faults, self.home / "environ.json", how, "--config", self.ini, *arguments]

    def start(self) -> None:
        self.server = Running(self.command("once", "serve"), self.home, self._port)
        assert wait_until(self.server.workers)

    def kill_all(self) -> None:
        """Kill every process of the server, as the kernel does where memory ends."""
        self.hang_up()
        workers = self.server.workers()
        self.server.signal_group(signal.SIGKILL)
        self.server.process.wait(20)
        assert wait_until(lambda: not any(map(alive, workers)))
        self.server.stop()

    @cached_property
    def collector(self) -> "Collector":
        """``repoman-admin gc`` for all tests."""
        return Collector(self)

    def close(self) -> None:
        self.hang_up()
        self.server.stop()
        if "collector" in self.__dict__:
            self.collector.close()
        self.sessions.engine.dispose()

    @contextmanager
    def killed(self, step: str, times: int = 1) -> Iterator[None]:
        """Have the process that comes to the step in this block die there; fail where none does."""
        self._armed.write_text(f"{times} {step}")
        try:
            yield
            assert not self._armed.exists(), f"nothing came to {step!r}"
        finally:
            self._armed.unlink(missing_ok=True)
        self.judge.check_files()

    # Requests

    def ask(self, method, path, body=None, headers=()) -> Answer | None:
        """Send a request of alice's; None where the server dies over it.

        A server that died is there again by the next request: its parent sees to that.
        """
        try:
            self._connection.request(method, path, body, dict(headers))
            answer = self._connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except (ConnectionError, ssl.SSLError, http.client.HTTPException):
            self.hang_up()
            return None

    def hang_up(self) -> None:
        """Have the next request open a connection, as the server has closed one that waited."""
        self._connection.close()

    def fsck(self) -> list:
        """Do what ``repoman-admin fsck`` does, beside the judge, who knows nothing of it.

        As ``gc`` does, it removes in passing the hold of an upload whose file has gone.
        """
        return list(fsck.check(self.sessions, FilesystemStore(self.store), dry_run=True))

    def check(self) -> None:
        """Fail where fsck finds what gc does not mend, or where use is not what the rows say."""
        assert [found for found in self.fsck() if found.is_harm] == []
        self.use()

    def use(self) -> dict:
        """Ask how much alice has in use, which must be what the rows say."""
        shown = self.ask("GET", "/api/users/alice/usage").json()
        self.judge.check_use(shown)
        return shown


class CrashImage:
    """An image of alice's on a site."""

    def __init__(self, site: Site, name: str, **fields: str) -> None:
        self.site, self.name = site, name
        self.url, self.raw = f"/api/images/{name}", f"/api/images/raw/{name}"
        made = site.ask("POST", "/api/images", *as_json(name=name, **fields))
        assert made.status == 201, made.body
        self.uuid = made.json()["uuid"]

    def file(self) -> bytes | None:
        """Download the file, None where there is none."""
        answer = self.site.ask("GET", self.raw)
        assert answer.status in {200, 404}
        return answer.body if answer.status == 200 else None

    def put(self, data: bytes, start: int = 0, headers=()) -> Answer | None:
        """PUT a file, or its rest from ``start`` on as ``curl -C`` does."""
        part = f"bytes {start}-{len(data) - 1}/{len(data)}"
        headers = dict(headers) | ({"Content-Range": part} if start else {})
        return self.site.ask("PUT", self.raw, data[start:], headers)

    def arrived(self) -> int | None:
        """Ask from where to go on, None where there is nothing to go on with."""
        offset = self.site.ask("HEAD", self.raw).headers["X-Repoman-Upload-Offset"]
        return None if offset is None else int(offset)

    def go_on(self, data: bytes) -> None:
        """Do what a client does whose PUT broke off; the file must be there then."""
        answer = self.put(data, self.arrived() or 0)
        assert answer.status in {200, 201}, answer.body
        assert self.file() == data
        assert self.arrived() is None

    def begin_tus(self, data: bytes, body=b"") -> Answer | None:
        """Begin an upload by tus."""
        sent = TUS | {
            "Upload-Length": str(len(data)),
            "Upload-Metadata": metadata(image=self.name, filename="disk.img"),
        }
        sent |= {"Content-Type": CHUNK} if body else {}
        return self.site.ask("POST", "/api/uploads", body, sent)

    def patch(self, upload: str, offset: int, data: bytes) -> Answer | None:
        """Send a part by tus."""
        sent = TUS | {"Upload-Offset": str(offset), "Content-Type": CHUNK}
        return self.site.ask("PATCH", upload, data, sent)

    def offset(self, upload: str) -> int | None:
        """Ask how far an upload by tus has come, None where it is not there any more."""
        answer = self.site.ask("HEAD", upload, headers=TUS)
        return int(answer.headers["Upload-Offset"]) if answer.status == 200 else None


def as_json(**fields) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a request with these fields."""
    return json.dumps(fields).encode(), {"Content-Type": "application/json"}


class Collector:
    """``repoman-admin gc`` as a process, once for each `run`; it can be killed at any step."""

    def __init__(self, site: Site) -> None:
        arguments = ["gc", "--grace", "0", "--trash-ttl", "0"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            site.command("each", *arguments), cwd=ROOT, stdin=pipe, stdout=pipe, text=True
        )

    @property
    def pid(self) -> int:
        """Its process, of which each run is a child."""
        return self._process.pid

    def run(self) -> int:
        """Run it and return how it ended: its exit status, or minus the signal."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=20)
        assert self._process.returncode == 0


def clean(site: Site) -> int:
    """Let the time of everything pass, and collect: then nothing is left that no image names.

    Returns what is in use.
    """
    site.judge.expire()
    store = FilesystemStore(site.settings.store)
    list(collect(site.sessions, store, 0, trash_ttl=0, force=True))
    site.judge.check_nothing_left()
    assert site.fsck() == []
    return site.use()["usage"]

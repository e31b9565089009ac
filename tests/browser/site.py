"""A real server for browsers, and the people who come to it."""

import base64
import hashlib
import http.client
import itertools
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from repoman.identity import ADMINS
from repoman.models import Sessions, make_engine
from repoman.scripts.pki import read_certificate
from repoman.services import groups, users
from repoman.services.certificates import of_certificate
from repoman.settings import Settings
from tests.databases import SqliteDatabase
from tests.factories import FILE
from tests.pki import CertificateAuthority, Holder
from tests.server.running import Running, admin_command, free_port

INI = """
[app:main]
use = egg:repoman
sqlalchemy.url = {database}
repoman.store = {home}/store
repoman.accept_proxies = true
{settings}

[server:main]
use = egg:repoman#https
certificate = {tls}/server.pem
ca = {tls}/ca.pem
port = {port}
workers = 1
graceful_timeout = 1
"""


class Trust:
    """An authority, and the certificate that it issued to every server here, in ``folder``."""

    def __init__(self, folder: Path, authority: CertificateAuthority) -> None:
        self.folder, self.authority = folder, authority
        self.ca = folder / "ca.pem"
        self.ca.write_text(authority.pem)
        holder = authority.issue("/O=Test Grid/CN=localhost", hostnames=["localhost"])
        holder.write(folder, "server.pem")
        key = holder.certificate.public_key()
        public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_digest = base64.b64encode(hashlib.sha256(public).digest()).decode()
        """Of the servers' key, as Chromium names one to trust."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Person:
    """Somebody with a certificate, whose requests go to the API directly: to set things up.

    ``pem`` is a file with the certificate, its key and the chain.
    """

    site: "Site"
    name: str
    holder: Holder
    pem: Path

    def tls(self) -> ssl.SSLContext:
        """Make a context that trusts the site and shows the certificate."""
        made = ssl.create_default_context(cafile=self.site.trust.ca)
        made.load_cert_chain(self.pem)
        return made

    def ask(self, method: str, path: str, body=b"", headers=(), *, fails=False, **fields) -> Answer:
        """Send a body or JSON fields; fail the test on a refusal, or with ``fails`` on none."""
        headers = dict(headers)
        if fields:
            body, headers["Content-Type"] = json.dumps(fields), "application/json"
        connection = http.client.HTTPSConnection(
            "localhost", self.site.server.port, context=self.tls(), timeout=30
        )
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            read = Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()
        assert (read.status >= 400) == fails, (method, path, read.status, read.body)
        return read

    def create(self, name: str, **fields) -> dict[str, Any]:
        """Make an image and return its JSON."""
        return self.ask("POST", "/api/images", name=name, **fields).json()

    def upload(self, name: str, data: bytes = FILE) -> dict[str, Any]:
        """PUT a file into an image and return the image's JSON."""
        return self.ask("PUT", f"/api/images/raw/{name}", data).json()

    def proxy(self, **options) -> "Person":
        """Make the same person with a proxy certificate, see `tests.pki.Holder.proxy`."""
        holder = self.holder.proxy(**options)
        return Person(self.site, self.name, holder, holder.write(self.site.home))


class Site:
    """A server with a database and a store of its own in the folder ``home``.

    ``people`` has ``admin``, ``ann``, ``bob``, ``stranger`` whom nobody has registered, and
    ``soon`` whose certificate ends in five days. ``settings`` are further ones of the ini file.
    """

    def __init__(self, home: Path, trust: Trust, template: Path, **settings: object) -> None:
        self.home, self.trust = home, trust
        self._numbers = itertools.count(1)
        database = SqliteDatabase(home / "repoman.sqlite", template)
        self.sessions = Sessions(
            make_engine(Settings(database_url=database.url, store=home / "store"))
        )
        self.people = {"stranger": self.somebody("stranger")}
        for name, days in {"admin": 30, "ann": 30, "bob": 30, "soon": 5}.items():
            self.people[name] = self.register(name, days=days)
        lines = "\n".join(f"repoman.{key} = {value}" for key, value in settings.items())
        ini, values = home / "repoman.ini", {"database": database.url, "home": home}
        values |= {"tls": trust.folder, "port": free_port(), "settings": lines}
        ini.write_text(INI.format(**values))
        self.server = Running(admin_command("serve", config=ini), trust.folder, values["port"])

    @property
    def origin(self) -> str:
        """What every URL of the server begins with."""
        return self.server.url

    def somebody(self, name: str, days: float = 30) -> Person:
        """Issue a certificate to somebody, and register nobody."""
        holder = self.trust.authority.issue(f"/O=Test Grid/CN={name.title()}", days=days)
        return Person(self, name, holder, holder.write(self.home))

    def register(self, name: str = "", days: float = 30) -> Person:
        """Make a user, an admin where the name is so; without a name, one that nobody has."""
        person = self.somebody(name or f"person-{next(self._numbers)}", days)
        registration = of_certificate(read_certificate(person.pem))
        hypervisors = Settings.hypervisors
        with self.sessions.changing.begin() as session:
            made = users.create(session, person.name, registration, {}, hypervisors=hypervisors)
            if name == "admin":
                groups.add_member(session, groups.find(session, ADMINS), made)
        return person

    def close(self) -> None:
        """End it, and fail where it had an error that it did not foresee."""
        errors = self.server.errors.read_text()
        self.server.stop()
        self.sessions.engine.dispose()
        assert "Traceback" not in errors, errors

"""Requests that schemathesis makes up from openapi.yaml, by three people, against the whole API.

Whatever is asked, the answer is one that the document has, and never a 5xx. Most names in the URLs
are of things that are there, so that requests get beyond the 404.
"""

from collections import Counter
from contextlib import contextmanager

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import select

from repoman.models import (
    Group,
    Image,
    ImageFile,
    ImageShare,
    Membership,
    Sessions,
    User,
    make_engine,
)
from repoman.settings import read_settings
from tests import standing
from tests.databases import SqliteDatabase
from tests.factories import FILE, People
from tests.tus import metadata

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 2}
"""How many requests of each kind a method of a URL gets; HEAD, which is GET's, gets one."""
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

# What is there, by the parameter of a URL, or the header, that it fits.
THERE = {
    "user": ["alice", "bob", "carol", "admin"],
    "owner": ["alice", "bob"],
    "group": ["lab", "users", "admins"],
    "image": ["debian12", "empty", "shared"],
    "first": ["alice", "bob", "kvm", "xen"],
    "hypervisor": ["kvm", "xen"],
    "id": ["1", "2", "3"],
    "permission": ["image_create", "user_create"],
    "Upload-Metadata": [metadata(image="debian12"), metadata(image="shared", hypervisor="xen")],
}

CONDITIONS = ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"]
"""Left out mostly: made up, they hold for nothing."""


def furnish(people: People) -> None:
    """Make what is missing of `THERE`; an earlier request may have deleted it."""
    admin = people.admin.client
    for name in ("alice", "bob", "carol", "admin"):
        person = getattr(people, name)
        fields = {"user_name": name, "cert_dn": f"/C=CA/O=Grid/CN={name.title()}"}
        admin.post("/api/users", fields, status="*")
        admin.patch(f"/api/users/{name}", {"suspended": "no"}, status="*")
        # Who has left it may create no images.
        admin.put(f"/api/groups/users/users/{name}", status="*")
        for image in ("debian12", "empty", "shared"):
            person.client.post("/api/images", {"name": image, "hypervisor": "kvm,xen"}, status="*")
        for path in ("debian12", "xen/debian12", "shared"):
            person.client.put(f"/api/images/raw/{path}", FILE[:1000], status="*")
    admin.post("/api/groups", {"name": "lab", "users": "alice,bob"}, status="*")
    for share in ("user/alice", "group/lab"):
        people.bob.client.post(f"/api/images/shared/share/{share}", status="*")


def what_is_there(people: People) -> set[tuple]:
    """List the users that are let in, and who is in which group, has which files and shares."""
    files = select(User.name, Image.name, ImageFile.hypervisor).select_from(ImageFile)
    shares = select(Image.name, User.name, Group.name).select_from(ImageShare)
    there = Image.deleted.is_(None)
    queries = [
        select(User.name).where(User.suspended.is_(False)),
        select(User.name, Group.name).join(User.memberships).join(Membership.group),
        select(User.name, Image.name).join(Image, Image.owner_id == User.id).where(there),
        files.join(ImageFile.image).join(Image.owner).where(there, ImageFile.current),
        shares.join(Image, Image.id == ImageShare.image_id)
        .outerjoin(ImageShare.user)
        .outerjoin(ImageShare.group)
        .where(there),
    ]
    with people.sessions.reading() as session:
        return {
            (number, *row) for number, query in enumerate(queries) for row in session.execute(query)
        }


class Furnished:
    """A person's site where all of `THERE` is there: at first, and again after `refurnish`."""

    def __init__(self, people: People) -> None:
        self._people = people
        furnish(people)
        self._wanted = what_is_there(people)

    def refurnish(self) -> None:
        """Make anew what has gone, if anything has: it takes forty requests."""
        if not self._wanted <= what_is_there(self._people):
            furnish(self._people)


def environ_of(people: People, role: str) -> dict[str, str]:
    """Return what the web server says of the one who asks."""
    client = people.anonymous if role == "anonymous" else getattr(people, role).client
    return dict(client.extra_environ)


@contextmanager
def closing_iterable(iterable):
    """Close what an application returned, where it wants to be closed (PEP 3333)."""
    try:
        yield iterable
    finally:
        getattr(iterable, "close", lambda: None)()


class Asking:
    """A WSGI application for schemathesis: that of one person's site, as asked by that person."""

    def __init__(self, askers: dict[str, People]) -> None:
        self.people, self.statuses = askers, {role: Counter() for role in askers}
        self._environs = {role: environ_of(people, role) for role, people in askers.items()}
        self.role = next(iter(askers))

    def __call__(self, given_environ, start_response):
        environ = given_environ | self._environs[self.role]
        # Read and closed here as a server does, for werkzeug's client does not.
        with closing_iterable(self.people[self.role].application(environ, start_response)) as body:
            return [*body]

    def changes(self) -> list[tuple[str, int]]:
        """List who has changed how much."""
        return [(role, counted[200] + counted[201]) for role, counted in self.statuses.items()]

    def ask(self, case) -> None:
        """Ask the same in each role, and check each answer."""
        for role, statuses in self.statuses.items():
            self.role = role
            response = case.call()
            statuses[response.status_code] += 1
            try:
                case.validate_response(response, checks=CHECKS)
            except Exception as error:
                error.add_note(f"asked by {role}")
                raise


@pytest.fixture
def on_sqlite(ini, authority, tmp_path, migrated_sqlite):
    """People of another site, which is on SQLite."""
    url = SqliteDatabase(tmp_path / "repoman.sqlite", migrated_sqlite).url
    ini = ini | {"sqlalchemy.url": url, "repoman.store": str(tmp_path / "other store")}
    sessions = Sessions(make_engine(read_settings(ini)))
    with standing.serving(ini) as application:
        yield People(application, sessions, authority)
    sessions.engine.dispose()


# Each on one database, for the time that it takes; who may change most on the stricter one. In one
# test, for what is made up is the same for all, and to make it up takes most of that time.
@pytest.mark.parametrize("backend", ["postgresql"])
def test_no_made_up_request_gets_a_5xx_or_an_undocumented_answer(people, on_sqlite, subtests):
    asking = Asking({"admin": people, "alice": on_sqlite, "anonymous": on_sqlite})
    schema = schemathesis.openapi.from_wsgi("/api/openapi.yaml", asking)
    other = Furnished(on_sqlite)
    sites = {"admin": Furnished(people), "alice": other, "anonymous": other}
    for found in schema.get_all_operations():
        operation, before = found.ok(), asking.changes()
        method = operation.method.upper()
        for mode, examples in EXAMPLES.items():
            with subtests.test(operation=operation.label, mode=mode.value):
                ask(operation, mode, 1 if method == "HEAD" else examples, asking)
        if method in CHANGES:
            for role in dict(set(asking.changes()) - set(before)):
                sites[role].refurnish()
    for role in ("admin", "alice"):
        assert {200, 201, 404} <= asking.statuses[role].keys()


def ask(operation, mode, examples, asking) -> None:
    """Ask what hypothesis makes up."""

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=strategies.data())
    def asked(case, data):
        for header in CONDITIONS:
            if data.draw(strategies.integers(0, 4)):
                case.headers.pop(header, None)
        if mode is GenerationMode.POSITIVE and "Upload-Length" in case.headers:
            case.headers["Upload-Length"] = "1000"  # made up, it is more than the disk has: 507
        for parameters in (case.path_parameters or {}, case.headers):
            for name in parameters.keys() & THERE.keys():
                if data.draw(strategies.integers(0, 4)):
                    parameters[name] = data.draw(strategies.sampled_from(THERE[name]))
        asking.ask(case)

    try:
        asked()
    except Unsatisfiable:
        # Nothing of this request can be wrong: it has no parameter and no body.
        assert mode is GenerationMode.NEGATIVE

"""People with certificates, and the images they have."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import false, insert, literal, select
from webtest import TestApp

from repoman.certificates.names import from_x509
from repoman.identity import ADMINS, EVERYBODY
from repoman.models import Certificate, Group, Membership, Sessions, User
from repoman.services import groups, users
from tests.pki import CertificateAuthority, Holder

FILE = b"a virtual machine image" * 1000
API = "https://localhost:80/api"
"""What the URLs in answers begin with: WebTest's host, under the scheme of `Holder.environ`."""


@dataclass
class Person:
    """Somebody with a certificate, and a client that shows it."""

    name: str
    holder: Holder
    client: TestApp

    def create(self, name="debian12", **fields):
        """Make an image and return its JSON."""
        return self.client.post_json("/api/images", {"name": name, **fields}).json

    def upload(self, name="debian12", data=FILE, path=None, **options):
        """PUT a file and return the response."""
        return self.client.put(path or f"/api/images/raw/{name}", data, **options)


class People:
    """Registers people on first mention: ``people.alice``; ``people.admin`` is an admin."""

    def __init__(self, application, sessions: Sessions, authority: CertificateAuthority) -> None:
        self.application, self.sessions, self.authority = application, sessions, authority
        self._known: dict[str, Person] = {}

    def __getattr__(self, name: str) -> Person:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._known:
            self._known[name] = self.register(name)
        return self._known[name]

    @cached_property
    def anonymous(self) -> TestApp:
        """Make a client without certificate."""
        return TestApp(self.application, extra_environ={"SSL_CLIENT_VERIFY": "NONE"})

    def client(self, holder: Holder) -> TestApp:
        """Make a client that shows ``holder``'s certificate."""
        return TestApp(self.application, extra_environ=holder.environ())

    def holder(self, common_name: str) -> Holder:
        """Issue a certificate that nobody has registered."""
        return self.authority.issue([("C", "CA"), ("O", "Grid"), ("CN", common_name)])

    def register(self, name: str) -> Person:
        """Make a user of that name with a certificate, as the services do; its expiry is known.

        Row by row, for most tests begin with it; tests/functional/test_factories.py compares.
        """
        holder = self.holder(name.title())
        dn = from_x509(holder.certificate.subject)
        joined = [EVERYBODY, ADMINS] if name == "admin" else [EVERYBODY]
        with self.sessions.changing.begin() as session:
            user = session.scalar(insert(User).values(name=name).returning(User.id))
            certificate = {
                "user_id": user,
                "dn": dn.canonical,
                "shown_dn": dn.slash,
                "not_after": holder.certificate.not_valid_after_utc,
            }
            session.execute(insert(Certificate).values(certificate))
            places = select(literal(user), Group.id, false()).where(Group.name.in_(joined))
            columns = ["user_id", "group_id", "is_admin"]
            session.execute(insert(Membership).from_select(columns, places))
        return Person(name, holder, self.client(holder))

    def join(self, group_name: str, *members: Person, admin: bool = False, **fields) -> None:
        """Put people into a group, made if need be, as its admins where ``admin``."""
        with self.sessions.changing.begin() as session:
            try:
                group = groups.find(session, group_name)
            except Exception:
                group = groups.create(session, group_name, **fields)
            for member in members:
                user = users.find(session, member.name)
                (groups.appoint if admin else groups.add_member)(session, group, user)

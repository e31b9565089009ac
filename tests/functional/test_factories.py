"""What the tests make on a short way is what the services make."""

import pytest

from repoman.certificates.names import from_x509
from repoman.services import certificates, groups, users
from repoman.settings import HYPERVISORS


@pytest.mark.parametrize("name", ["alice", "admin"])
def test_people_are_registered_as_by_the_services(people, sessions, name):
    holder = getattr(people, name).holder
    with sessions.changing.begin() as session:
        shorter = describe(session, users.find(session, name))
        session.delete(users.find(session, name))
    registration = certificates.Registration(
        from_x509(holder.certificate.subject), None, holder.certificate.not_valid_after_utc
    )
    with sessions.changing.begin() as session:
        user = users.create(session, name, registration, {}, hypervisors=HYPERVISORS)
        if name == "admin":
            groups.add_member(session, groups.find(session, "admins"), user)
    with sessions.changing.begin() as session:
        assert describe(session, users.find(session, name)) == shorter


def describe(session, user):
    """Return all that the rows of a user say, but for ids and times."""
    memberships = {(one.group.name, one.is_admin) for one in user.memberships}
    return columns(user), [columns(one) for one in user.certificates], memberships


def columns(row):
    names = row.__table__.columns.keys()
    return {name: getattr(row, name) for name in names if name not in {"id", "user_id", "created"}}

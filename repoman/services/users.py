"""Users: making, finding, changing and deleting them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from repoman import names
from repoman.conferral import Account, Place
from repoman.errors import (
    EmailExists,
    InvalidParameter,
    ManyCertificates,
    MissingParameter,
    UserExists,
    UserNotFound,
)
from repoman.identity import ADMINS, EVERYBODY, Identity
from repoman.models import Certificate, User
from repoman.models.folding import mentions
from repoman.security import Action, require
from repoman.services import certificates, groups, lookup, pages
from repoman.services.identities import reidentify
from repoman.services.last_admin import require_some_admin
from repoman.settings import Settings

OWN_FIELDS = frozenset({"full_name", "email"})
"""What ``user_modify_self`` lets people change of themselves."""


def find(session: Session, name: str, field: str | None = None, *, lock: bool = False) -> User:
    """Return the user of that name, in any case; with ``lock``, until the commit.

    Raises `UserNotFound`, or `InvalidParameter` where the name came in a ``field``.
    """
    return lookup.by_name(session, User, name, UserNotFound, field=field, lock=lock)


def list_all(session: Session) -> Sequence[User]:
    """Return all users by name."""
    return session.scalars(select(User).order_by(User.name)).all()


def rows(text: str = "") -> Select[int, str]:
    """Select ids and names of the users with ``text`` in name, full name or e-mail address."""
    everybody = select(User.id, User.name)
    if not text:
        return everybody
    return everybody.where(mentions(text, User.name, User.full_name, User.email))


def whole(session: Session, ids: Sequence[int]) -> list[User]:
    """Return these users, in this order, with their certificates."""
    statement = select(User).options(selectinload(User.certificates, chunksize=pages.MOST))
    return pages.load(session, statement, User.id, ids)


def register(
    session: Session, caller: Identity, fields: Mapping[str, Any], settings: Settings
) -> User:
    """Make the user that the ``fields`` of a request describe.

    Groups besides `EVERYBODY` take the right to change members, and to confer what they do.
    Raises `PermissionDenied`, `MissingParameter`, and what `create` raises.
    """
    registration = certificates.read_registration(fields, require_issuer=settings.require_issuer)
    if fields.get("quota") is not None:
        require(caller, Action.SET_USER_QUOTA)
    if fields.get("groups"):
        require(caller, Action.CHANGE_MEMBERS)
        _require_may_add_to(session, caller, fields["groups"])
    return create(
        session, fields["user_name"], registration, fields, hypervisors=settings.hypervisors
    )


def _require_may_add_to(session: Session, caller: Identity, group_names: Sequence[str]) -> None:
    """Ask the right to add to each of these groups, which are locked first, in one order.

    The caller's standing is looked at anew then: it may be one of them that conferred it.
    """
    joined = [groups.find(session, name, "groups", lock=True) for name in sorted(group_names)]
    caller = reidentify(session, caller)
    for group in joined:
        if group.name != EVERYBODY:
            require(caller, Action.ADD_MEMBER, Place(group, None))


def create(
    session: Session,
    name: str,
    registration: certificates.Registration,
    fields: Mapping[str, Any],
    *,
    hypervisors: Sequence[str],
) -> User:
    """Make a user with one certificate, in the group `EVERYBODY` and those in ``fields``.

    Raises `InvalidParameter`, `UserExists`, `CertificateInUse`, `EmailExists`.
    """
    _check_name(session, name, hypervisors)
    certificates.check_free(session, registration)
    _check_email(session, fields.get("email"))
    user = User(
        name=name,
        full_name=fields.get("full_name"),
        email=fields.get("email"),
        suspended=bool(fields.get("suspended")),
        quota=fields.get("quota"),
        certificates=[certificates.new(registration)],
    )
    session.add(user)
    session.flush()
    for group_name in dict.fromkeys([EVERYBODY, *(fields.get("groups") or ())]):
        groups.add_member(session, groups.find(session, group_name, "groups"), user)
    return user


def modify(
    session: Session,
    caller: Identity,
    user: User,
    fields: Mapping[str, Any],
    settings: Settings,
) -> None:
    """Change the ``fields`` of a user; those of a certificate replace the only one.

    Raises `PermissionDenied` for fields other than `OWN_FIELDS` without ``user_modify``, for the
    quota to all but an admin, and what `create` raises, and `ManyCertificates`, `LastAdmin`.
    """
    if not OWN_FIELDS.issuperset(fields):
        require(caller, Action.MODIFY_USER_FULLY, user)
    if "quota" in fields:
        require(caller, Action.SET_USER_QUOTA, user)
        user.quota = fields["quota"]
    if (name := fields.get("user_name", user.name)) != user.name:
        if name is None:
            raise MissingParameter("A user needs a name.", field="user_name")
        _check_name(session, name, settings.hypervisors)
        user.name = name
    if certificates.FIELDS & fields.keys():
        registration = certificates.read_registration(
            fields, require_issuer=settings.require_issuer
        )
        require(caller, Action.ADD_CERTIFICATE, Account(user, settings.default_group))
        _replace_certificate(session, user, registration)
    if "email" in fields and fields["email"] != user.email:
        _check_email(session, fields["email"])
        user.email = fields["email"]
    if "full_name" in fields:
        user.full_name = fields["full_name"]
    if "suspended" in fields:
        set_suspended(session, user, suspended=bool(fields["suspended"]))


def set_suspended(session: Session, user: User, *, suspended: bool) -> None:
    """Lock a user out, or let them in again. Raises `LastAdmin`."""
    user.suspended = suspended
    if is_admin(session, user):
        require_some_admin(session)


def remove_certificate(session: Session, user: User, certificate: Certificate) -> None:
    """Take a certificate from its user. Raises `LastAdmin`."""
    user.certificates.remove(certificate)
    if is_admin(session, user):
        require_some_admin(session)


def is_admin(session: Session, user: User) -> bool:
    """Say whether the user is in `ADMINS`."""
    return groups.is_member(session, ADMINS, user)


def _check_name(session: Session, name: str, hypervisors: Sequence[str]) -> None:
    if name in names.RESERVED_USERS or name in hypervisors:
        raise InvalidParameter(f"The name {name!r} is reserved for URLs.", field="user_name")
    if session.scalar(select(User.id).where(User.name == name)):
        raise UserExists(f"There is a user {name!r} already; choose another name.")


def _check_email(session: Session, email: str | None) -> None:
    if email is None:
        return
    if email.count("@") != 1 or email.startswith("@") or email.endswith("@") or " " in email:
        raise InvalidParameter("The e-mail address must look like ann@example.org.", field="email")
    if session.scalar(select(User.id).where(User.email == email)):
        raise EmailExists("Another user has this e-mail address.")


def _replace_certificate(
    session: Session, user: User, registration: certificates.Registration
) -> None:
    if len(user.certificates) > 1:
        raise ManyCertificates(
            f"{user.name} has {len(user.certificates)} certificates; "
            f"use /api/users/{user.name}/certificates to add one and delete another."
        )
    certificates.check_free(session, registration, except_of=user)
    user.certificates.clear()
    session.flush()
    user.certificates.append(certificates.new(registration))

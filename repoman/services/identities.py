"""From a presented certificate to the user who registered it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, or_, select, update
from sqlalchemy.orm import Session

from repoman.certificates.presented import Presented
from repoman.errors import AccountSuspended, CertificateRefused, CertificateUnknown
from repoman.identity import Identity, Permission, Standing
from repoman.models import Certificate, Group, GroupPermission, Membership, User, now

_ROWS: Select[int, str, bool, int, datetime | None, int, str, bool, str] = (
    select(
        User.id.label("user_id"),
        User.name.label("user_name"),
        User.suspended,
        Certificate.id.label("certificate_id"),
        Certificate.not_after,
        Group.id.label("group_id"),
        Group.name.label("group_name"),
        Membership.is_admin,
        GroupPermission.permission,
    )
    .select_from(Certificate)
    .join(User, User.id == Certificate.user_id)
    .outerjoin(Membership, Membership.user_id == User.id)
    .outerjoin(Group, Group.id == Membership.group_id)
    .outerjoin(GroupPermission, GroupPermission.group_id == Group.id)
)
"""A certificate's user with groups and permissions: a row for each of these."""
# Made once: every request asks the one.
_PRESENTED = _ROWS.where(
    Certificate.dn == bindparam("dn"), Certificate.issuer.in_(bindparam("issuers", expanding=True))
)
_KNOWN = _ROWS.where(Certificate.id == bindparam("certificate"), User.id == bindparam("user"))


def identify(session: Session, presented: Presented, *, require_issuer: bool = False) -> Identity:
    """Look up, in one query, whose certificate this is.

    A certificate registered without issuer matches any issuer; one with an issuer must match it,
    for a proxy the end entity's. Raises `CertificateUnknown`, `AccountSuspended`.
    """
    issuers = [presented.issuer.canonical] if presented.issuer else []
    if not require_issuer:
        issuers.append("")
    rows = session.execute(
        _PRESENTED, {"dn": presented.end_entity.canonical, "issuers": issuers}
    ).all()
    shown_issuer = presented.issuer.slash if presented.issuer else None
    if not rows:
        shown = presented.end_entity.slash
        raise CertificateUnknown(
            "No user is registered under your certificate's distinguished name. "
            f"Send it to an administrator of this server: {shown}",
            client_dn=shown,
            issuer_dn=shown_issuer,
        )
    return Identity(
        **_standing(rows),
        dn=presented.subject.slash,
        end_entity=presented.end_entity.slash,
        issuer=shown_issuer,
        proxy_depth=presented.depth,
        limited=presented.limited,
        not_after=presented.not_after,
        end_entity_not_after=presented.end_entity_not_after,
        recorded_not_after=rows[0].not_after,
    )


def outlives_record(identity: Identity) -> bool:
    """Say whether the caller's certificate is valid for longer than the database knows.

    Two certificates of one name are in use at once while the one takes the other's place: the later
    expiry stands, so that they do not write by turns, each at every request.
    """
    shown, recorded = identity.end_entity_not_after, identity.recorded_not_after
    return shown is not None and (recorded is None or recorded < shown)


def record_expiry(session: Session, identity: Identity) -> None:
    """Write down until when the caller's certificate is valid, unless a later time is there by now.

    It is the end entity's own time, and not that of a proxy.
    """
    shown = identity.end_entity_not_after
    session.execute(
        update(Certificate)
        .where(
            Certificate.id == identity.certificate_id,
            or_(Certificate.not_after.is_(None), Certificate.not_after < shown),
        )
        .values(not_after=shown)
    )


def reidentify(session: Session, identity: Identity) -> Identity:
    """Look at the caller's standing anew, when a body has come in that may have taken long.

    Raises `CertificateUnknown` where user or certificate have gone, `AccountSuspended`, and
    `CertificateRefused` where the certificate has expired meanwhile.
    """
    if identity.not_after is not None and identity.not_after < now():
        raise CertificateRefused("Your certificate expired during the transfer; renew it.")
    rows = session.execute(
        _KNOWN, {"certificate": identity.certificate_id, "user": identity.user_id}
    ).all()
    if not rows:
        raise CertificateUnknown(
            "Your certificate was removed from this server during the transfer.",
            client_dn=identity.end_entity,
        )
    return replace(identity, **_standing(rows))


def _standing(
    rows: Sequence[Row[int, str, bool, int, datetime | None, int, str, bool, str]],
) -> dict[str, Any]:
    """Fold the rows into the fields of `Identity` that the database knows."""
    first = rows[0]
    if first.suspended:
        raise AccountSuspended("Your account is suspended; ask an administrator of this server.")
    conferred: dict[int, set[Permission]] = {}
    for row in rows:
        held = conferred.setdefault(row.group_id, set())
        if row.permission is not None:
            held.add(Permission(row.permission))
    return {
        "user_id": first.user_id,
        "user_name": first.user_name,
        "certificate_id": first.certificate_id,
        "groups": {
            row.group_id: Standing(row.group_name, row.is_admin, frozenset(conferred[row.group_id]))
            for row in rows
            if row.group_id is not None
        },
    }

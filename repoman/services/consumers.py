"""Who has most in use: what `repoman.services.quotas` measures of one account, of all at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Subquery, select, union_all
from sqlalchemy.orm import Session

from repoman.models import Blob, Image, ImageFile, Upload, User
from repoman.services.quotas import Account, effective, sum_of
from repoman.settings import Settings


@dataclass(frozen=True)
class Consumer:
    """An account and what is in use of it, in bytes; ``quota`` None: it has none."""

    account: Account
    usage: int
    quota: int | None


def largest(session: Session, kind: type[Account], settings: Settings, most: int) -> list[Consumer]:
    """Return the users, or groups, that have most in use, those with nothing left out."""
    totals = _totals(kind)
    statement = (
        select(kind, totals.c.usage)
        .join(totals, totals.c.account_id == kind.id)
        .where(totals.c.usage > 0)
        .order_by(totals.c.usage.desc(), kind.name)
        .limit(most)
    )
    return [
        Consumer(account, usage, effective(account, account.quota, settings))
        for account, usage in session.execute(statement)
    ]


def of(session: Session, accounts: Sequence[User], settings: Settings) -> dict[int, Consumer]:
    """Return what these users have in use, by their ids, in one query for all of them."""
    if not accounts:
        return {}
    totals = _totals(User, [user.id for user in accounts])
    used = {row.account_id: row.usage for row in session.execute(select(totals))}
    return {
        user.id: Consumer(user, used.get(user.id, 0), effective(user, user.quota, settings))
        for user in accounts
    }


def _totals(kind: type[Account], only: Sequence[int] | None = None) -> Subquery:
    """Select the use of every account, or of those of these ids: `quotas.Use.total`."""
    account_id = Image.owner_id if kind is User else Image.group_id
    # Grouped and not DISTINCT: SQLite sorts for the one, which takes half as long.
    files = (
        select(account_id.label("account_id"), Blob.size.label("size"))
        .select_from(ImageFile)
        .join(Image, Image.id == ImageFile.image_id)
        .join(Blob, Blob.id == ImageFile.blob_id)
        .where(account_id.is_not(None))
        .group_by(account_id, Blob.id)
    )
    uploads = select(Upload.user_id, Upload.reserved)
    if only is not None:
        files = files.where(account_id.in_(only))
        uploads = uploads.where(Upload.user_id.in_(only))
    each = (union_all(files, uploads) if kind is User else files).subquery()
    return (
        select(each.c.account_id, sum_of(each.c.size).label("usage"))
        .group_by(each.c.account_id)
        .subquery()
    )

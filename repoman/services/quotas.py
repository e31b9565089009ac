"""Quotas, exactly: what counts for a user and a group, and the refusal of what would be too much.

A change is made and flushed first. Then the accounts that it may let grow are locked, users before
groups and by ascending id, as the last locks of the transaction, so that nobody waits in a circle;
then their use is computed. Whoever waited for the lock sees what the others have committed
(PostgreSQL: READ COMMITTED; SQLite has one writer anyway). A change that lets nothing grow is never
refused: who is over a quota that was lowered loses nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    ScalarSelect,
    SQLColumnExpression,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal,
    not_,
    select,
)
from sqlalchemy.orm import Session

from repoman.errors import QuotaExceeded
from repoman.identity import Identity
from repoman.models import Blob, Group, Image, ImageFile, Upload, User
from repoman.security import Action, may
from repoman.services import room
from repoman.services.room import Coming, Limit
from repoman.settings import Settings

Account = User | Group
"""Who has a quota."""

_LOCK_KEYS = 1 << 31
"""PostgreSQL's advisory locks are numbered by two integers of 32 bits."""


@dataclass(frozen=True)
class Use:
    """What counts for an account, in bytes, and its quota; None: it has none.

    ``files`` are the distinct blobs that its images name, kept versions and the trash included;
    ``uploads`` what is reserved for uploads of the user's, 0 of a group. ``others`` is ``files``
    without what was ``added`` (`measure`).
    """

    quota: int | None
    files: int
    uploads: int
    others: int

    @property
    def total(self) -> int:
        """All that counts."""
        return self.files + self.uploads


def measure(
    session: Session, account: Account, settings: Settings, added: ColumnElement[bool] | None = None
) -> Use:
    """Compute, in one statement, what counts for an account now.

    ``added`` is a condition on rows of `ImageFile`.
    """
    kind, owned, reserved = _columns(account)
    others = not_(false() if added is None else added)
    row = session.execute(
        select(
            kind.quota,
            _size_of_blobs(owned).label("files"),
            _size_of_blobs(and_(owned, others)).label("others"),
            reserved.label("uploads"),
        ).where(kind.id == account.id)
    ).one()
    return Use(effective(account, row.quota, settings), row.files, row.uploads, row.others)


def _columns(account: Account) -> tuple[type[Account], ColumnElement[bool], ColumnElement[int]]:
    """Return the account's table, what makes an image its own, and its reservations."""
    if isinstance(account, Group):
        return Group, Image.group_id == account.id, literal(0)
    mine = select(sum_of(Upload.reserved)).where(Upload.user_id == account.id)
    return User, Image.owner_id == account.id, mine.scalar_subquery()


def sum_of(column: SQLColumnExpression[int]) -> ColumnElement[int]:
    """Make the sum of a column of bytes, 0 of none; PostgreSQL's own sum is no integer."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _size_of_blobs(named: ColumnElement[bool]) -> ScalarSelect[int]:
    keys = select(ImageFile.blob_id).join(Image, Image.id == ImageFile.image_id).where(named)
    return select(sum_of(Blob.size)).where(Blob.id.in_(keys)).scalar_subquery()


def effective(account: Account, own: int | None, settings: Settings) -> int | None:
    """Return the quota that holds for an account whose row says ``own``; None: it has none."""
    default = settings.user_quota if isinstance(account, User) else settings.group_quota
    return default if own is None else own


def reserve(
    session: Session, caller: Identity, upload: Upload, coming: Coming, settings: Settings
) -> list[Limit]:
    """Have an upload count for its sender, and return the limits that its bytes must keep to.

    Reserved is the most that may come, as far as it is known and has room. The image's owner and
    group must have room too, though nothing counts for them before the end. An upload of which
    as much was reserved before is not refused. Raises `QuotaExceeded`.
    """
    before, upload.reserved = upload.reserved or 0, coming.most or 0
    session.flush()
    sender, image = upload.user, upload.image
    limits = []
    lock(session, sender)
    for account in _limited((sender, image.owner, image.group), settings):
        use = measure(session, account, settings)
        taken = use.total - upload.reserved if account is sender else use.total
        if use.quota is not None:
            refusal = exceeded(caller, account, use.quota, taken)
            left = use.quota - taken
            limits.append(Limit(max(left, before) if account is sender else left, refusal))
    if coming.least > before:
        room.check(limits, coming)
    left = max(min((limit.most for limit in limits), default=upload.reserved), coming.least)
    if upload.reserved > left:
        upload.reserved = left
        session.flush()
    return limits


def keep(session: Session, upload: Upload, size: int, settings: Settings) -> bool:
    """Have an upload that broke off count for what has arrived, and say whether it may stay.

    It may not where it counts for more than before, and that is more than there is room for.
    """
    before, upload.reserved = upload.reserved, size
    session.flush()
    if size <= before:
        return True
    for account in _limited([upload.user], settings):
        lock(session, account)
        use = measure(session, account, settings)
        if use.quota is not None and use.total > use.quota:
            return False
    return True


def check_version(
    session: Session,
    caller: Identity,
    image: Image,
    version: int,
    settings: Settings,
    *,
    released: int = 0,
) -> None:
    """Check owner and group of an image that has got one more version; flush before.

    ``released`` is what the caller's upload of it, deleted by now, had reserved.
    Raises `QuotaExceeded`.
    """
    added = and_(ImageFile.image_id == image.id, ImageFile.version == version)
    _check(session, caller, (image.owner, image.group), added, settings, released)


def check_images(
    session: Session,
    caller: Identity,
    images: Sequence[Image],
    accounts: Iterable[Account | None],
    settings: Settings,
) -> None:
    """Check accounts that have got these images, whole; flush before. Raises `QuotaExceeded`."""
    keys = [image.id for image in images]
    # In the statement's text: of parameters a statement may have too few.
    given: BindParameter[int] = bindparam("given", keys, expanding=True, literal_execute=True)
    _check(session, caller, accounts, ImageFile.image_id.in_(given), settings)


def _check(
    session: Session,
    caller: Identity,
    accounts: Iterable[Account | None],
    added: ColumnElement[bool],
    settings: Settings,
    released: int = 0,
) -> None:
    limited = _limited(accounts, settings)
    for account in sorted(limited, key=lambda one: (isinstance(one, Group), one.id)):
        lock(session, account)
    for account in limited:
        use = measure(session, account, settings, added)
        own = isinstance(account, User) and account.id == caller.user_id
        before = use.others + use.uploads + (released if own else 0)
        if use.quota is not None and use.total > max(use.quota, before):
            raise exceeded(caller, account, use.quota, before)


def _limited(accounts: Iterable[Account | None], settings: Settings) -> list[Account]:
    """Return those that have a quota, each once."""
    found = dict.fromkeys(one for one in accounts if one is not None)
    return [one for one in found if effective(one, one.quota, settings) is not None]


def lock(session: Session, account: Account) -> None:
    """Have others whose changes let the account grow wait for this transaction's end."""
    if session.get_bind().dialect.name == "postgresql":
        kind, key = int(isinstance(account, Group)), account.id % _LOCK_KEYS
        session.execute(select(func.pg_advisory_xact_lock(kind, key)))


def exceeded(caller: Identity, account: Account, quota: int, usage: int) -> QuotaExceeded:
    """Make the refusal; its figures are for those who may see the account's use."""
    name = account.name if isinstance(account, User) else f"the group {account.name!r}"
    if not may_see_use(caller, account):
        return QuotaExceeded(
            f"This is more than the quota of {name} has room for; the image is as it was. "
            "Tell its owner, or an administrator."
        )
    return QuotaExceeded(
        f"This is more than the quota of {name} has room for: {usage} of {quota} bytes are in use, "
        "earlier versions and the trash included. Delete some files, or ask an administrator.",
        limit=quota,
        usage=usage,
    )


def may_see_use(caller: Identity, account: Account) -> bool:
    """Say whether the caller may see an account's quota and use."""
    is_user = isinstance(account, User)
    return may(caller, Action.READ_USER_USAGE if is_user else Action.READ_GROUP_USAGE, account)

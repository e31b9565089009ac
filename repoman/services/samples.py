"""Samples of how full the store was: taken by the collector, shown to administrators.

Of the last `KEPT_WHOLE` every sample is kept, and then the first of each day (UTC) for
`KEPT_AT_ALL`. With a collector that runs every hour that is some 2,000 rows at most.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from repoman.models import Blob, Sessions, StorageSample, now
from repoman.services.quotas import sum_of
from repoman.storage import Store

KEPT_WHOLE = timedelta(days=7)
KEPT_AT_ALL = timedelta(days=5 * 365)

MOST = 400
"""How many samples are shown: a plot has no room for more."""


def take(sessions: Sessions, store: Store) -> None:
    """Record how full the store is now, and thin the old samples out.

    Where two collectors run, one of the same second may be there already: it is as good, and stays.
    Raises `StoreUnavailable`, and then nothing is recorded.
    """
    free, size = store.free(), store.size()
    try:
        with sessions.changing.begin() as session:
            files = session.execute(select(sum_of(Blob.size))).scalar_one()
            session.add(StorageSample(taken=now(), files=files, free=free, size=size))
            session.flush()
            thin(session)
    except IntegrityError:
        return


def thin(session: Session) -> None:
    """Delete what is older than the module says, or not the first of its day."""
    taken, moment = StorageSample.taken, now()
    first_of_days = select(func.min(taken)).group_by(func.date(taken))
    old = (taken < moment - KEPT_WHOLE) & taken.not_in(first_of_days)
    session.execute(
        delete(StorageSample).where(or_(old, taken < moment - KEPT_AT_ALL)),
        execution_options={"synchronize_session": False},
    )


def history(session: Session, most: int = MOST) -> list[StorageSample]:
    """Return the samples by time; of more than ``most``, so many, from the first to the last."""
    found: Sequence[StorageSample] = session.scalars(
        select(StorageSample).order_by(StorageSample.taken)
    ).all()
    count = len(found)
    if count <= most:
        return list(found)
    return [found[place * (count - 1) // (most - 1)] for place in range(most)]

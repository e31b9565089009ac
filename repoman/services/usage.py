"""How much is there: rows of the database, and room in the store."""

from sqlalchemy import func, select

from repoman.models import Blob, Group, Image, Sessions, User
from repoman.services import integrity
from repoman.services.checks import Checks, Outcome
from repoman.services.visibility import NOT_DELETED
from repoman.storage import Store

CACHED_SECONDS = 10
"""How long figures are taken for true."""

ANSWER_SECONDS = 3
"""Within which database and store must answer: Prometheus itself waits 10 s for all of it."""


class Usage:
    """Finds the figures out, at most once in `CACHED_SECONDS` a process."""

    def __init__(self, sessions: Sessions, store: Store) -> None:
        self._checks = Checks(
            "figures not found out",
            {"database": lambda: count_rows(sessions), "store": lambda: measure(store)},
            ANSWER_SECONDS,
            lambda: CACHED_SECONDS,
        )

    def figures(self) -> dict[str, float]:
        """Return the figures by name; ``database_up`` and ``store_up`` are 0 where others lack."""
        found: dict[str, float] = {}
        for part, outcome in self._checks.outcomes().items():
            found[f"{part}_up"] = float(outcome.reason is None)
            found |= outcome.value or {}
        return found

    def room(self) -> Outcome:
        """Return what `measure` found, or the reason why the store did not tell."""
        return self._checks.outcomes()["store"]


def count_rows(sessions: Sessions) -> dict[str, float]:
    """Count users, groups, images out of the trash, and stored files. Raises SQLAlchemyError."""
    counts = {
        "users": select(func.count()).select_from(User),
        "groups": select(func.count()).select_from(Group),
        "images": select(func.count()).select_from(Image).where(NOT_DELETED),
        "blobs": select(func.count()).select_from(Blob),
        "blob_bytes": select(func.coalesce(func.sum(Blob.size), 0)),
        "damaged_blobs": select(func.count()).where(Blob.damaged.is_not(None), integrity.NAMED),
    }
    columns = [query.scalar_subquery().label(name) for name, query in counts.items()]
    with sessions.reading() as session:
        row = session.execute(select(*columns)).one()
    return {name: float(getattr(row, name)) for name in counts}


def measure(store: Store) -> dict[str, float]:
    """Ask for the store's room, in bytes. Raises `StoreUnavailable`."""
    return {"store_free_bytes": float(store.free()), "store_size_bytes": float(store.size())}

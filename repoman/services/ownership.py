"""Whether a store and a database belong together, before anything is done about differences."""

from collections.abc import Iterable

from sqlalchemy import select, union_all

from repoman.models import Blob, Sessions, Upload
from repoman.storage import Store


class StrangeStore(Exception):
    """Store and database do not seem to belong together; nothing was done."""


def require_known_files(sessions: Sessions, store: Store) -> None:
    """Refuse a store full of files of which the database knows not one: they are another's.

    Raises `StrangeStore`.
    """
    if next(store.keys(), None) is None:
        return
    # Asked afterwards: the first upload of all has a row before its file, until its blob has one.
    if not _is_any(sessions, with_uploads=True):
        raise StrangeStore(
            "The store holds files, and the database knows none of them: do they belong together? "
            "With --force, all these files are removed."
        )


def require_files(sessions: Sessions, store: Store) -> None:
    """Refuse a store without a file where the database knows some: it may not be mounted.

    Raises `StrangeStore`.
    """
    if _is_any(sessions, with_uploads=False) and next(store.keys(), None) is None:
        raise StrangeStore(
            "The database knows files, and the store holds none: is it mounted, and the right one? "
            "With --force, all these files are marked as damaged."
        )


def known(sessions: Sessions, keys: Iterable[str]) -> set[str]:
    """Return those files that a row names: of a blob, or of an upload that may go on."""
    wanted = list(keys)
    named = union_all(
        select(Blob.uuid).where(Blob.uuid.in_(wanted)),
        select(Upload.uuid).where(Upload.uuid.in_(wanted)),
    )
    with sessions.reading() as session:
        return set(session.scalars(named))


def _is_any(sessions: Sessions, *, with_uploads: bool) -> bool:
    known = select(Blob.id)
    statement = union_all(known, select(Upload.id)) if with_uploads else known
    with sessions.reading() as session:
        return session.scalar(statement.limit(1)) is not None

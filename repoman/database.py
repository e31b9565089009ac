"""Bringing a database up to date, and what every new server has in it.

Two starts at once must do no harm: migrations run under a lock (facts: of three ``alembic
upgrade`` at once two fail, on both databases).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.orm import Session

from repoman.identity import ADMINS, EVERYBODY, Permission
from repoman.models import Group, GroupPermission, User
from repoman.models.meta import WRITES
from repoman.settings import InvalidSetting, Settings

# Any number that no other program takes for its lock.
_ADVISORY_LOCK = 0x7265706F6D616E

_NEW_SERVER = {
    ADMINS: tuple(Permission),
    EVERYBODY: (Permission.USER_MODIFY_SELF, Permission.IMAGE_CREATE),
}


def migrate(engine: Engine) -> None:
    """Create or upgrade the schema, and the two protected groups, under a lock."""
    with _locked(engine) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        with Session(connection) as session, session.begin():
            _add_protected_groups(session)


def migrate_empty(engine: Engine) -> None:
    """Create the schema where there is none at all, or not even the file of a SQLite database."""
    path = Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None
    if path is None or path.exists():
        with engine.connect() as connection:
            if revision(connection) is not None:
                return
    migrate(engine)


def revision(connection: Connection) -> str | None:
    """Return the revision of the database's schema, None where there is none."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def wanted_revision() -> str:
    """Return the revision of the schema that this version of Repoman works with."""
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    assert wanted is not None, "there are no migrations"  # noqa: S101 - a defect
    return wanted


def check_is_current(engine: Engine) -> None:
    """Refuse to start on a database whose schema is not this version's. Raises `InvalidSetting`."""
    with engine.connect() as connection:
        require_current(connection)


def require_current(connection: Connection) -> None:
    """Refuse another version's schema, as this transaction sees it. Raises `InvalidSetting`."""
    found, wanted = revision(connection), wanted_revision()
    if found != wanted:
        raise InvalidSetting(
            "sqlalchemy.url",
            f"the database's schema is {found or 'empty'} and not {wanted}; run repoman-admin init",
        )


def check_names(session: Session, settings: Settings) -> None:
    """Hold the settings that name users and groups against those that there are.

    A hypervisor that is a user's name would hide that user's URLs. Raises `InvalidSetting`.
    """
    taken = session.scalar(select(User.name).where(User.name.in_(settings.hypervisors)))
    if taken is not None:
        raise InvalidSetting("repoman.hypervisors", f"{taken!r} is the name of a user here")
    wanted = settings.default_group
    if session.scalar(select(Group.id).where(Group.name == wanted)) is None:
        raise InvalidSetting("repoman.default_group", f"there is no group {wanted!r} here")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("repoman").joinpath("migrations")))
    return config


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """Connect, for one migration at a time."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            # Another's migration may take longer than any other wait may.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
            connection.commit()
            try:
                yield connection
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})
        return
    path = Path(engine.url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    # The application opens only a file that is there. Its own lock would be SQLite's, so ours is
    # on a file beside it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with engine.execution_options(**{WRITES: True}).connect() as connection:
            yield connection
    finally:
        os.close(lock)


def _add_protected_groups(session: Session) -> None:
    for name, permissions in _NEW_SERVER.items():
        if session.scalar(select(Group.id).where(Group.name == name)) is None:
            session.add(
                Group(
                    name=name,
                    protected=True,
                    permissions=[GroupPermission(permission=str(one)) for one in permissions],
                )
            )

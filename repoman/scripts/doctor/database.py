"""The database: it answers, has this version's tables, can be changed, and knows an admin."""

from sqlalchemy import text, update
from sqlalchemy.exc import SQLAlchemyError

from repoman.database import check_names, revision, wanted_revision
from repoman.identity import ADMINS
from repoman.models import Group
from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, failed, ok, warning
from repoman.scripts.doctor.secrets import show_url
from repoman.scripts.postgresql import creation, is_another_user
from repoman.services.last_admin import has_admin
from repoman.settings import InvalidSetting

TESTED = 15
"""The version of PostgreSQL that Repoman's tests run on: older ones are tried by nobody."""


def reason(error: Exception) -> str:
    """Say in one line what the database said."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


def check_database(deployed: Deployed) -> Finding:
    """It takes a connection of the server's user."""
    url = deployed.sessions.engine.url
    shown = show_url(url)
    is_sqlite = url.get_backend_name() == "sqlite"
    what = "SELECT sqlite_version()" if is_sqlite else "SHOW server_version_num"
    try:
        with deployed.reading() as session:
            found = str(session.scalar(text(what)))
    except SQLAlchemyError as error:
        return failed(
            f"{shown} takes no connection of {deployed.user_name}: {reason(error)}",
            _let_in(deployed, reason(error)),
        )
    if is_sqlite:
        if deployed.conf.exists():
            return warning(
                f"{shown} is SQLite {found}, where one change waits for the other",
                'PostgreSQL suits Apache better: README.markdown, "From SQLite to PostgreSQL"',
            )
        return ok(f"{shown}, SQLite {found}")
    major = int(found) // 10000
    if major < TESTED:
        return warning(
            f"{shown} is PostgreSQL {major}, and Repoman's tests run on {TESTED}",
            f"Upgrade PostgreSQL to {TESTED} or newer",
        )
    return ok(f"{shown}, PostgreSQL {major}")


def _let_in(deployed: Deployed, said: str) -> str:
    url, user = deployed.sessions.engine.url, deployed.user_name
    if url.get_backend_name() == "sqlite":
        return f"Is sqlalchemy.url right, and is it there? {deployed.command('init')}"
    if command := creation(said, url.username or user):
        return f"Is sqlalchemy.url right? {command}"
    if is_another_user(said):
        return f"Without host and password, sqlalchemy.url can name no other user than {user}"
    return "Is sqlalchemy.url right, and is it there? systemctl start postgresql"


def check_schema(deployed: Deployed) -> Finding:
    """Its tables are those of this version, and the settings fit what is in them."""
    wanted = wanted_revision()
    try:
        with deployed.reading() as session:
            found = revision(session.connection())
            if found == wanted:
                check_names(session, deployed.settings)
    except SQLAlchemyError as error:
        return failed(f"the tables cannot be read: {reason(error)}", deployed.command("init"))
    except InvalidSetting as error:
        return failed(str(error), f"Change that setting in {deployed.ini}")
    if found != wanted:
        return failed(
            f"the database's schema is {found or 'empty'} and not {wanted}",
            deployed.command("init"),
        )
    return ok(f"schema {wanted}")


def check_changes(deployed: Deployed) -> Finding:
    """It can be changed by the server's user, and nobody keeps it locked."""
    sessions = deployed.sessions
    try:
        # Taken back again. To take the lock alone is not enough: SQLite gives it to whoever may
        # not write to the file as well.
        with deployed.as_server(), sessions.changing() as session:
            session.execute(update(Group).where(Group.name == ADMINS).values(name=ADMINS))
            session.rollback()
    except SQLAlchemyError as error:
        return failed(
            f"{deployed.user_name} can change nothing within "
            f"{deployed.settings.database_timeout} s: {reason(error)}",
            _unlock(deployed),
        )
    return ok(f"{deployed.user_name} can make changes")


def _unlock(deployed: Deployed) -> str:
    url, user = deployed.sessions.engine.url, deployed.user_name
    if url.get_backend_name() == "sqlite":
        return f"End what keeps it locked: fuser -v {url.database}; or: chown {user} {url.database}"
    return (
        "End what keeps it locked: runuser -u postgres -- psql -c "
        "\"SELECT pid, query FROM pg_stat_activity WHERE state LIKE 'idle in%'\"; "
        "and then: SELECT pg_terminate_backend(pid)"
    )


def check_admin(deployed: Deployed) -> Finding:
    """Somebody in the group of admins can come in."""
    with deployed.reading() as session:
        if has_admin(session):
            return ok("there is one who can come in")
    add = deployed.command("user", "add", "NAME", "--certificate", "-", "--admin")
    join = deployed.command("group", "add-user", ADMINS, "NAME")
    return failed(
        f"nobody in {ADMINS} has a certificate and is not suspended", f"{add} < FILE; or: {join}"
    )

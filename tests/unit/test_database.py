"""The database: migrations against the models, starts at once, and what the engine sees to."""

import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, create_engine, inspect, make_url, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

import repoman
from repoman.database import _config, check_is_current, migrate
from repoman.models import Base, Group, GroupPermission, Sessions, User, make_engine
from repoman.models.meta import WRITES
from repoman.settings import InvalidSetting, Settings
from tests.databases import on_both
from tests.factories import FILE

TABLES = set(Base.metadata.tables)


@pytest.fixture
def path(tmp_path) -> Path:
    """Where the database will be: in a folder that is not there yet, with odd letters."""
    return tmp_path / "new folder" / "a 100%41 #1.sqlite"


def url_of(path: Path) -> str:
    """Write the setting ``sqlalchemy.url``, a URL: ``%`` and ``#`` are escaped in it."""
    return URL.create("sqlite", database=str(path)).render_as_string()


@pytest.fixture
def url(backend, path, request) -> str:
    """Its URL, or that of an empty database of PostgreSQL's."""
    if backend == "sqlite":
        return url_of(path)
    return request.getfixturevalue("database").uninitialised()


@pytest.fixture
def engine(url, path):
    """An engine for it."""
    made = make_engine(Settings(database_url=url, store=path.parent))
    yield made
    made.dispose()


def run(engine, action, revision):
    """Run an Alembic command as `migrate` does."""
    config = _config()
    with engine.execution_options(**{WRITES: True}).connect() as connection:
        config.attributes["connection"] = connection
        action(config, revision)


def names(engine) -> set[str]:
    return set(inspect(engine).get_table_names())


# The schema


@on_both
def test_alembic_finds_no_difference_between_models_and_migrations(engine):
    migrate(engine)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "render_as_batch": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def spelled(constraint: dict) -> str:
    """Write a constraint or an index, with the text of an index's condition."""
    options = constraint.get("dialect_options", {})
    return str({**constraint, "dialect_options": {key: str(one) for key, one in options.items()}})


def described(engine) -> dict:
    """Describe a schema by what SQLAlchemy reads back, constraints and their names included."""
    inspector = inspect(engine)
    parts = (
        inspector.get_pk_constraint,
        inspector.get_foreign_keys,
        inspector.get_unique_constraints,
        inspector.get_check_constraints,
        inspector.get_indexes,
    )
    found = {}
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        statement = text("SELECT sql FROM sqlite_master WHERE name = :name")
        for table in TABLES:
            created = connection.scalar(statement, {"name": table}) if is_sqlite else ""
            columns = inspector.get_columns(table)
            found[table] = {
                "columns": [(one["name"], str(one["type"]), one["nullable"]) for one in columns],
                "autoincrement": "AUTOINCREMENT" in created,
                **{
                    part.__name__: sorted(
                        map(spelled, found if isinstance(found, list) else [found])
                    )
                    for part in parts
                    for found in [part(table)]
                },
            }
    return found


@on_both
def test_migrations_make_what_the_models_say_to_the_last_constraint(
    engine, backend, tmp_path, database
):
    migrate(engine)
    plain = create_engine(
        f"sqlite:///{tmp_path / 'plain.sqlite'}"
        if backend == "sqlite"
        else make_url(database.uninitialised()).set(drivername="postgresql+psycopg")
    )
    Base.metadata.create_all(plain)
    assert described(engine) == described(plain)
    plain.dispose()


def test_a_new_server_has_its_two_protected_groups(engine):
    migrate(engine)
    with Sessions(engine).reading() as session:
        groups = {group.name: group for group in session.scalars(select(Group))}
        assert set(groups) == {"admins", "users"}
        assert all(group.protected for group in groups.values())
        held = {row.permission for row in groups["users"].permissions}
        assert held == {"user_modify_self", "image_create"}
        assert len(groups["admins"].permissions) == 14


def test_migrating_again_changes_nothing_that_an_admin_has_set(engine):
    migrate(engine)
    with Sessions(engine).changing.begin() as session:
        users = session.scalars(select(Group).where(Group.name == "users")).one()
        users.description = "everybody here"
        users.permissions = [GroupPermission(permission="user_modify_self")]
    migrate(engine)
    with Sessions(engine).reading() as session:
        users = session.scalars(select(Group).where(Group.name == "users")).one()
        assert users.description == "everybody here"
        assert [row.permission for row in users.permissions] == ["user_modify_self"]
        assert len(session.scalars(select(Group)).all()) == 2


MIGRATE = """
import sys
from pathlib import Path
from repoman.database import migrate
from repoman.models import make_engine
from repoman.settings import Settings
engine = make_engine(Settings(database_url=sys.argv[1], store=Path(".")))
print("ready", flush=True)
sys.stdin.readline()
migrate(engine)
"""


@on_both
def test_three_starts_at_once_make_one_schema(engine, url):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    check_is_current(engine)
    with Sessions(engine).reading() as session:
        assert len(session.scalars(select(Group)).all()) == 2


def test_a_migration_waits_for_one_that_runs(engine, path):
    migrate(engine)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        done = threading.Thread(target=migrate, args=[engine])
        done.start()
        done.join(0.3)
        assert done.is_alive()
        other.execute("COMMIT")
    other.close()
    done.join(20)
    assert not done.is_alive()


def test_a_server_refuses_a_database_without_schema_or_with_an_older_one(engine, path, ini):
    migrate(engine)
    check_is_current(engine)
    with Sessions(engine).changing.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '000'"))
    with pytest.raises(InvalidSetting, match=r"schema is 000 and not \d+; run repoman-admin init"):
        check_is_current(engine)
    with pytest.raises(InvalidSetting, match="run repoman-admin init"):
        repoman.main({}, **(ini | {"sqlalchemy.url": url_of(path)}))
    with Sessions(engine).changing.begin() as session:
        session.execute(text("DELETE FROM alembic_version"))
    with pytest.raises(InvalidSetting, match=r"schema is empty and not \d+"):
        check_is_current(engine)


@on_both
def test_a_downgrade_takes_all_tables_back_and_an_upgrade_makes_them_again(engine):
    migrate(engine)
    assert names(engine) == TABLES | {"alembic_version"}
    run(engine, command.downgrade, "base")
    assert names(engine) == {"alembic_version"}
    migrate(engine)
    assert names(engine) == TABLES | {"alembic_version"}
    check_is_current(engine)


@on_both
def test_a_downgrade_works_with_people_and_images_in_it(people, sessions):
    people.join("crew", people.alice, people.bob)
    people.alice.create(group="crew")
    people.alice.upload(data=FILE)
    people.alice.client.post("/api/images/debian12/share/user/bob")
    people.bob.create("mine", copy_of="alice/debian12")
    people.application.sessions.engine.dispose()
    run(sessions.engine, command.downgrade, "base")
    assert names(sessions.engine) == {"alembic_version"}


# The engine


def test_sqlite_keeps_foreign_keys_and_every_commit(engine):
    migrate(engine)
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("foreign_keys", "journal_mode", "synchronous")
        }
    assert found == {"foreign_keys": 1, "journal_mode": "wal", "synchronous": 2}
    with pytest.raises(IntegrityError), Sessions(engine).changing.begin() as session:
        session.add(GroupPermission(group_id=999, permission="image_create"))


def test_the_database_is_made_by_init_alone_and_read_by_nobody_else(engine, path):
    with pytest.raises(OperationalError, match="unable to open"):
        engine.connect()
    assert not path.exists()
    migrate(engine)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_change_takes_the_write_lock_at_its_first_statement_and_a_reader_does_not(path):
    impatient = Settings(database_url=url_of(path), store=path.parent, database_timeout=0)
    sessions = Sessions(make_engine(impatient))
    migrate(sessions.engine)
    count = select(User.id)
    with sessions.changing.begin() as one:
        one.execute(count)
        with sessions.reading() as reader:
            reader.execute(count)
        with pytest.raises(OperationalError, match="locked"), sessions.changing.begin() as other:
            other.execute(count)
    with sessions.changing.begin() as other:
        other.execute(count)
    sessions.engine.dispose()


@pytest.mark.parametrize(
    "url", ["", "sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "nonsense", "x:y"]
)
def test_other_databases_are_refused_by_the_name_of_the_setting(url, tmp_path):
    with pytest.raises(InvalidSetting) as caught:
        make_engine(Settings(database_url=url, store=tmp_path))
    assert caught.value.key == "sqlalchemy.url"


def test_a_pooled_connection_is_not_used_for_a_file_that_took_the_place_of_its_own(engine, path):
    migrate(engine)
    sessions = Sessions(engine)
    with sessions.changing.begin() as session:
        session.add(Group(name="first"))
    away = path.with_name("away")
    path.rename(away)
    with pytest.raises(OperationalError, match="unable to open"), sessions.reading() as session:
        session.execute(select(Group.id))
    assert not path.exists()
    away.rename(path)
    with sessions.reading() as session:
        assert session.scalar(select(Group.name).where(Group.name == "first")) == "first"

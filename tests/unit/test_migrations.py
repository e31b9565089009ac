"""Migrations of a database that is in use: nothing that was there is lost."""

import pytest
from alembic import command
from sqlalchemy import text

from repoman.database import _config, migrate
from repoman.models import make_engine
from repoman.models.meta import WRITES
from repoman.settings import Settings

# Image 1 has files for both hypervisors, kvm first and in two versions; 2 only for its second
# hypervisor; 3 none; 4 is a copy of 1. All are shared.
ROWS = """
INSERT INTO "user" (id, name, suspended, created) VALUES (7, 'alice', false, '2026-01-01 00:00:00');
INSERT INTO blob (id, uuid, size, sha256, created) VALUES
  (1, 'a', 10, 'a', '2026-01-01 00:00:00'), (2, 'b', 20, 'b', '2026-01-01 00:00:00'),
  (3, 'c', 30, 'c', '2026-01-01 00:00:00');
INSERT INTO image (id, uuid, name, owner_id, group_access, read_only, unauthenticated_access,
                   last_version, created, modified, copy_of_id) VALUES
  (1, '1', 'one', 7, 'none', false, false, 3, '2026-01-01 00:00:00', '2026-01-01 00:00:00', NULL),
  (2, '2', 'two', 7, 'none', false, false, 3, '2026-01-01 00:00:00', '2026-01-01 00:00:00', NULL),
  (3, '3', 'three', 7, 'none', false, false, 3, '2026-01-01 00:00:00', '2026-01-01 00:00:00', NULL),
  (4, '4', 'four', 7, 'none', false, false, 3, '2026-01-01 00:00:00', '2026-01-01 00:00:00', 1);
INSERT INTO image_hypervisor (image_id, hypervisor, position) VALUES
  (1, 'xen', 1), (1, 'kvm', 0), (2, 'xen', 0), (2, 'kvm', 1), (3, 'kvm', 0), (4, 'kvm', 0);
INSERT INTO image_file (image_id, hypervisor, version, blob_id, uploaded) VALUES
  (1, 'kvm', 1, 1, '2026-01-01 00:00:00'), (1, 'kvm', 3, 2, '2026-01-01 00:00:00'),
  (1, 'xen', 2, 3, '2026-01-01 00:00:00'), (2, 'kvm', 1, 3, '2026-01-01 00:00:00'),
  (4, 'kvm', 1, 2, '2026-01-01 00:00:00');
INSERT INTO image_share (id, image_id, user_id) VALUES (1, 1, 7), (2, 2, 7), (3, 3, 7), (4, 4, 7);
"""
TABLES = ("user", "blob", "image", "image_hypervisor", "image_file", "image_share")


@pytest.fixture
def engine(tmp_path):
    path = tmp_path / "repoman.sqlite"
    path.touch()
    made = make_engine(Settings(database_url=f"sqlite:///{path}", store=tmp_path))
    yield made
    made.dispose()


def run(engine, action, revision) -> None:
    """Run an Alembic command as `migrate` does."""
    config = _config()
    with engine.execution_options(**{WRITES: True}).connect() as connection:
        config.attributes["connection"] = connection
        action(config, revision)


def counts(engine) -> list[int]:
    with engine.connect() as connection:
        return [connection.scalar(text(f'SELECT count(*) FROM "{table}"')) for table in TABLES]


def test_002_fills_in_the_sizes_and_loses_nothing(engine):
    run(engine, command.upgrade, "001")
    with engine.begin() as connection:
        for statement in ROWS.split(";")[:-1]:
            connection.execute(text(statement))
    before = counts(engine)
    assert before == [1, 3, 4, 6, 5, 4]
    migrate(engine)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT name, size FROM image ORDER BY id")).all()
    assert [tuple(row) for row in found] == [("one", 20), ("two", -1), ("three", -1), ("four", 20)]
    assert counts(engine) == before
    run(engine, command.downgrade, "001")
    # Before 004, no earlier version was kept.
    assert counts(engine) == [1, 3, 4, 6, 4, 4]

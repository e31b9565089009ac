"""Keep uploads that broke off, earlier versions, a trash, quotas, and what files were found to be.

Uploads under way are forgotten: their server is not running while it is upgraded. An image that is
named ``restore``, which has become the last part of a URL, gets the beginning of its UUID added.
"""

import sqlalchemy as sa
from alembic import op

revision = "004"
down_revision = "003"
branch_labels = None
depends_on = None

# SQLite numbers rows by itself only in an INTEGER PRIMARY KEY.
Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Until now an image had the newest file of each hypervisor, if it had any.
MARK_CURRENT = """
UPDATE image_file SET current = (version = (
    SELECT max(newest.version) FROM image_file AS newest
    WHERE newest.image_id = image_file.image_id AND newest.hypervisor = image_file.hypervisor))
"""


RENAME = "UPDATE image SET name = 'restore-' || substr(uuid, 1, 8) WHERE name = 'restore'"


def collated(length: int) -> sa.String:
    """Text that PostgreSQL compares by code point, as SQLite does."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    """Apply."""
    for table in ("user", "group"):
        op.add_column(table, sa.Column("quota", sa.BigInteger(), nullable=True))
    _describe_blobs()
    _free_names_of_deleted_images()
    _keep_versions()
    op.drop_table("upload")
    _create_uploads()


def _describe_blobs() -> None:
    op.add_column("blob", sa.Column("format", collated(20), nullable=True))
    op.add_column("blob", sa.Column("virtual_size", sa.BigInteger(), nullable=True))
    op.add_column("blob", sa.Column("compression", collated(20), nullable=True))
    op.add_column("blob", sa.Column("dangers", sa.String(length=255), nullable=True))
    op.add_column("blob", sa.Column("checked", sa.DateTime(), nullable=True))
    op.add_column("blob", sa.Column("damaged", sa.DateTime(), nullable=True))
    op.create_index("ix_blob_sha256", "blob", ["sha256"])


def _free_names_of_deleted_images() -> None:
    with op.batch_alter_table("image", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(sa.Column("format", collated(20), nullable=True))
        batch.add_column(sa.Column("deleted", sa.DateTime(), nullable=True))
        batch.drop_constraint("uq_image_owner_id_name", type_="unique")
    op.execute(RENAME)
    op.create_index("ix_image_deleted", "image", ["deleted"])
    op.create_index("ix_image_owner_id", "image", ["owner_id"])
    op.create_index(
        "uq_image_owner_id_name",
        "image",
        ["owner_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted IS NULL"),
        postgresql_where=sa.text("deleted IS NULL"),
    )


def _keep_versions() -> None:
    op.add_column("image_file", sa.Column("current", sa.Boolean(), nullable=True))
    op.add_column("image_file", sa.Column("trashed", sa.DateTime(), nullable=True))
    op.execute(MARK_CURRENT)
    with op.batch_alter_table("image_file") as batch:
        batch.alter_column("current", existing_type=sa.Boolean(), nullable=False)
    op.create_index("ix_image_file_trashed", "image_file", ["trashed"])
    op.create_index(
        "uq_image_file_current",
        "image_file",
        ["image_id", "hypervisor"],
        unique=True,
        sqlite_where=sa.text("current"),
        postgresql_where=sa.text("current"),
    )


def _create_uploads() -> None:
    op.create_table(
        "upload",
        sa.Column("id", Key, nullable=False),
        sa.Column("uuid", collated(32), nullable=False),
        sa.Column("image_id", Key, nullable=False),
        sa.Column("user_id", Key, nullable=False),
        sa.Column("hypervisor", collated(32), nullable=False),
        sa.Column("protocol", sa.String(length=4), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("tus_metadata", sa.Text(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_upload_image_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_upload_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sa.UniqueConstraint("uuid", name=op.f("uq_upload_uuid")),
        sqlite_autoincrement=True,
    )
    for column in ("image_id", "user_id", "expires"):
        op.create_index(f"ix_upload_{column}", "upload", [column])
    op.create_index(
        "uq_upload_put",
        "upload",
        ["user_id", "image_id", "hypervisor"],
        unique=True,
        sqlite_where=sa.text("protocol = 'put'"),
        postgresql_where=sa.text("protocol = 'put'"),
    )


def downgrade() -> None:
    """Take back. The trash is emptied, and of each file the current version stays."""
    op.drop_table("upload")
    op.create_table(
        "upload",
        sa.Column("id", Key, nullable=False),
        sa.Column("uuid", collated(32), nullable=False),
        sa.Column("image_id", Key, nullable=False),
        sa.Column("user_id", Key, nullable=False),
        sa.Column("hypervisor", collated(32), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_upload_image_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_upload_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sa.UniqueConstraint("uuid", name=op.f("uq_upload_uuid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_upload_image_id", "upload", ["image_id"])
    op.create_index("ix_upload_user_id", "upload", ["user_id"])
    _drop_versions()
    _drop_trash()
    op.drop_index("ix_blob_sha256", "blob")
    for column in ("damaged", "checked", "dangers", "compression", "virtual_size", "format"):
        op.drop_column("blob", column)
    for table in ("group", "user"):
        op.drop_column(table, "quota")


def _drop_versions() -> None:
    op.execute("DELETE FROM image_file WHERE NOT current")
    op.drop_index("uq_image_file_current", "image_file")
    op.drop_index("ix_image_file_trashed", "image_file")
    for column in ("trashed", "current"):
        op.drop_column("image_file", column)


def _drop_trash() -> None:
    # SQLite heeds no foreign keys during a migration.
    for table in ("image_file", "image_hypervisor", "image_share"):
        op.execute(
            f"DELETE FROM {table} WHERE image_id IN "  # noqa: S608 - names of our own
            "(SELECT id FROM image WHERE deleted IS NOT NULL)"
        )
    op.execute(
        "UPDATE image SET copy_of_id = NULL WHERE copy_of_id IN "
        "(SELECT id FROM image WHERE deleted IS NOT NULL)"
    )
    op.execute("DELETE FROM image WHERE deleted IS NOT NULL")
    op.drop_index("uq_image_owner_id_name", "image")
    op.drop_index("ix_image_owner_id", "image")
    op.drop_index("ix_image_deleted", "image")
    with op.batch_alter_table("image", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_column("deleted")
        batch.drop_column("format")
        batch.create_unique_constraint("uq_image_owner_id_name", ["owner_id", "name"])

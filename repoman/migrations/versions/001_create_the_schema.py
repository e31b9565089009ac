"""Create the schema."""

import sqlalchemy as sa
from alembic import op

revision = "001"
down_revision = None
branch_labels = None
depends_on = None


# SQLite numbers rows by itself only in an INTEGER PRIMARY KEY.
Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def collated(length: int) -> sa.String:
    """Text that PostgreSQL compares by code point, as SQLite does."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "blob",
        sa.Column("id", Key, nullable=False),
        sa.Column("uuid", collated(32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", collated(64), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("unreferenced", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob")),
        sa.UniqueConstraint("uuid", name=op.f("uq_blob_uuid")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "group",
        sa.Column("id", Key, nullable=False),
        sa.Column("name", collated(100), nullable=False),
        sa.Column("description", sa.String(length=4096), nullable=True),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group")),
        sa.UniqueConstraint("name", name=op.f("uq_group_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "user",
        sa.Column("id", Key, nullable=False),
        sa.Column("name", collated(100), nullable=False),
        sa.Column("full_name", sa.String(length=255), nullable=True),
        sa.Column("email", collated(255), nullable=True),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("name", name=op.f("uq_user_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "certificate",
        sa.Column("id", Key, nullable=False),
        sa.Column("user_id", Key, nullable=False),
        sa.Column("dn", collated(1000), nullable=False),
        sa.Column("issuer", collated(1000), nullable=False),
        sa.Column("shown_dn", sa.Text(), nullable=False),
        sa.Column("shown_issuer", sa.Text(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_certificate_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("dn", "issuer", name=op.f("uq_certificate_dn_issuer")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_certificate_user_id", "certificate", ["user_id"])

    op.create_table(
        "group_permission",
        sa.Column("group_id", Key, nullable=False),
        sa.Column("permission", collated(50), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["group.id"],
            name=op.f("fk_group_permission_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "permission", name=op.f("pk_group_permission")),
    )
    op.create_table(
        "image",
        sa.Column("id", Key, nullable=False),
        sa.Column("uuid", collated(32), nullable=False),
        sa.Column("name", collated(256), nullable=False),
        sa.Column("owner_id", Key, nullable=False),
        sa.Column("group_id", Key, nullable=True),
        sa.Column("group_access", sa.String(length=5), nullable=False),
        sa.Column("description", sa.String(length=4096), nullable=True),
        sa.Column("os_type", sa.String(length=255), nullable=True),
        sa.Column("os_variant", sa.String(length=255), nullable=True),
        sa.Column("os_arch", sa.String(length=255), nullable=True),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("unauthenticated_access", sa.Boolean(), nullable=False),
        sa.Column("expires", sa.DateTime(), nullable=True),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=False),
        sa.Column("copy_of_id", Key, nullable=True),
        sa.CheckConstraint(
            "group_access IN ('none', 'read', 'write')", name=op.f("ck_image_group_access")
        ),
        sa.ForeignKeyConstraint(
            ["copy_of_id"], ["image.id"], name=op.f("fk_image_copy_of_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["group.id"], name=op.f("fk_image_group_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user.id"], name=op.f("fk_image_owner_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_image_owner_id_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_image_uuid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_image_copy_of_id", "image", ["copy_of_id"])
    op.create_index("ix_image_group_id_group_access", "image", ["group_id", "group_access"])

    op.create_table(
        "membership",
        sa.Column("user_id", Key, nullable=False),
        sa.Column("group_id", Key, nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["group.id"], name=op.f("fk_membership_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_membership_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_membership")),
    )
    op.create_index("ix_membership_group_id", "membership", ["group_id"])

    op.create_table(
        "image_file",
        sa.Column("image_id", Key, nullable=False),
        sa.Column("hypervisor", collated(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("blob_id", Key, nullable=False),
        sa.Column("uploaded", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["blob_id"], ["blob.id"], name=op.f("fk_image_file_blob_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_image_file_image_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "hypervisor", "version", name=op.f("pk_image_file")),
    )
    op.create_index("ix_image_file_blob_id", "image_file", ["blob_id"])

    op.create_table(
        "image_hypervisor",
        sa.Column("image_id", Key, nullable=False),
        sa.Column("hypervisor", collated(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["image.id"],
            name=op.f("fk_image_hypervisor_image_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("image_id", "hypervisor", name=op.f("pk_image_hypervisor")),
    )
    op.create_table(
        "image_share",
        sa.Column("id", Key, nullable=False),
        sa.Column("image_id", Key, nullable=False),
        sa.Column("user_id", Key, nullable=True),
        sa.Column("group_id", Key, nullable=True),
        sa.CheckConstraint(
            "(user_id IS NULL) <> (group_id IS NULL)", name=op.f("ck_image_share_user_or_group")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["group.id"], name=op.f("fk_image_share_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_image_share_image_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_image_share_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_share")),
        sa.UniqueConstraint("image_id", "group_id", name=op.f("uq_image_share_image_id_group_id")),
        sa.UniqueConstraint("image_id", "user_id", name=op.f("uq_image_share_image_id_user_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_image_share_group_id", "image_share", ["group_id"])
    op.create_index("ix_image_share_user_id", "image_share", ["user_id"])

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


def downgrade() -> None:
    """Take back."""
    op.drop_table("upload")
    op.drop_table("image_share")
    op.drop_table("image_hypervisor")
    op.drop_table("image_file")
    op.drop_table("membership")
    op.drop_table("image")
    op.drop_table("group_permission")
    op.drop_table("certificate")
    op.drop_table("user")
    op.drop_table("group")
    op.drop_table("blob")

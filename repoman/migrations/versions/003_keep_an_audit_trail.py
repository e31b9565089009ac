"""Keep an audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "003"
down_revision = "002"
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
        "audit",
        sa.Column("id", Key, nullable=False),
        sa.Column("time", sa.DateTime(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("user_name", collated(100), nullable=True),
        sa.Column("dn", sa.Text(), nullable=True),
        sa.Column("action", sa.String(length=50), nullable=False),
        sa.Column("object", collated(400), nullable=False),
        sa.Column("object_key", collated(60), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    for column in ("time", "user_id", "user_name", "object", "object_key", "request_id"):
        op.create_index(f"ix_audit_{column}", "audit", [column])


def downgrade() -> None:
    """Take back."""
    op.drop_table("audit")

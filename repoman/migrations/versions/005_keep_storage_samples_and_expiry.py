"""Keep samples of how full the store was, and until when certificates are valid.

Of certificates that were registered before, nobody knows it until they are shown again.
"""

import sqlalchemy as sa
from alembic import op

revision = "005"
down_revision = "004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("certificate", sa.Column("not_after", sa.DateTime(), nullable=True))
    op.create_table(
        "storage_sample",
        sa.Column("taken", sa.DateTime(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("taken", name=op.f("pk_storage_sample")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("storage_sample")
    op.drop_column("certificate", "not_after")

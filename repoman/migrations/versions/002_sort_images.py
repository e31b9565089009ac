"""Let lists of images be sorted and paged: the column ``size``, and an index for each order.

``size`` is added in place. Alembic's batch mode would make the table anew on SQLite, and dropping
the old one deletes, by the foreign keys, every file and share of every image.
"""

import sqlalchemy as sa
from alembic import op

revision = "002"
down_revision = "001"
branch_labels = None
depends_on = None

# Of the first hypervisor's newest file, as `repoman.models.Image.primary_size` has it.
FILL = """
UPDATE image SET size = COALESCE(
    (SELECT blob.size
     FROM image_file JOIN blob ON blob.id = image_file.blob_id
     WHERE image_file.image_id = image.id AND image_file.hypervisor = (
         SELECT image_hypervisor.hypervisor FROM image_hypervisor
         WHERE image_hypervisor.image_id = image.id
         ORDER BY image_hypervisor.position LIMIT 1)
     ORDER BY image_file.version DESC LIMIT 1),
    -1)
"""


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "image", sa.Column("size", sa.BigInteger(), server_default=sa.text("-1"), nullable=False)
    )
    op.execute(FILL)
    for column in ("name", "modified", "size"):
        op.create_index(f"ix_image_{column}_id", "image", [column, "id"])


def downgrade() -> None:
    """Take back."""
    for column in ("size", "modified", "name"):
        op.drop_index(f"ix_image_{column}_id", "image")
    op.drop_column("image", "size")

"""Alembic's environment: runs the migrations on the connection that `repoman.database` gives."""

from alembic import context

from repoman.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a table in place.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

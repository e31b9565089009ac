"""The schema's history, in Alembic, and the one function that brings a database up to date."""

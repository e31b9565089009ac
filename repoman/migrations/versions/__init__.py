"""The migrations, each a revision."""

"""What PostgreSQL says to whoever it does not let in, and what is made of it."""

import pytest

from repoman.scripts.postgresql import creation, is_another_user

FATAL = 'connection to server on socket "/run/postgresql/.s.PGSQL.5432" failed: FATAL:  '
CREATE_ROOT = "runuser -u postgres -- createuser root"
CREATE_SITE = "runuser -u postgres -- createdb --owner www-data site"


@pytest.mark.parametrize(
    ("said", "command", "is_another"),
    [
        ('role "root" does not exist', CREATE_ROOT, True),
        ('Peer authentication failed for user "repoman"', None, True),
        ('database "site" does not exist', CREATE_SITE, False),
        ('relation "users" does not exist', None, False),
        ("the database system is starting up", None, False),
    ],
)
def test_what_is_missing_is_made_by_a_command_unless_it_is_the_user_that_is_wrong(
    said, command, is_another
):
    assert creation(FATAL + said, "www-data") == command
    assert is_another_user(FATAL + said) is is_another

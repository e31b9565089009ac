"""The commands that make what a local PostgreSQL lacks, and where its errors call for them."""

import re
from shlex import quote

AS_POSTGRES = "runuser -u postgres --"
NO_ROLE = re.compile(r'role "([^"]+)" does not exist')
NO_DATABASE = re.compile(r'database "([^"]+)" does not exist')
NOT_THAT_USER = "Peer authentication failed"


def create_role(name: str) -> str:
    """Write the command that lets the system user of that name in."""
    return f"{AS_POSTGRES} createuser {quote(name)}"


def create_database(name: str, owner: str) -> str:
    """Write the command that makes an empty database."""
    return f"{AS_POSTGRES} createdb --owner {quote(owner)} {quote(name)}"


def creation(message: str, owner: str) -> str | None:
    """Say what makes the role or the database that PostgreSQL's message says does not exist."""
    if found := NO_ROLE.search(message):
        return create_role(found[1])
    if found := NO_DATABASE.search(message):
        return create_database(found[1], owner)
    return None


def is_another_user(message: str) -> bool:
    """Whether the message is one that whoever is not the server's user gets."""
    return bool(NO_ROLE.search(message)) or NOT_THAT_USER in message

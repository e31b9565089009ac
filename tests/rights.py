"""Tables of who may do what, written by hand: reading them, and trying each cell.

A cell is the status of an answer, or one letter for a refusal: which, says `REFUSALS`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import select

from repoman.models import Base, Sessions

DENIED = "permission-denied"
# Letter: status, code, X-Repoman-Permission.
REFUSALS = {
    "n": (401, "certificate-required", None),
    "x": (403, "certificate-unknown", None),
    "s": (403, "account-suspended", None),
    "l": (403, "limited-proxy", None),
    "A": (403, DENIED, "admins"),
    "c": (403, DENIED, "user_create"),
    "m": (403, DENIED, "user_modify"),
    "d": (403, DENIED, "user_delete"),
    "i": (403, DENIED, "image_modify"),
    "j": (403, DENIED, "image_delete"),
    "C": (403, DENIED, "group_create"),
    "M": (403, DENIED, "group_modify"),
    "D": (403, DENIED, "group_delete"),
    "U": (403, DENIED, "group_modify_membership"),
    "P": (403, DENIED, "group_modify_permissions"),
    "p": (403, "group-protected", None),
}

Rows = dict[str, list[tuple[Any, ...]]]
"""Those of each table."""

Ask = Callable[[Any, dict[str, str]], Any]
"""Sends one request by a client, to URLs made of names, and returns the answer."""


def read_table(text: str) -> dict[str, dict[str, str]]:
    """Return the cells of each role by the action that heads their column; ``|`` is ornament."""
    head, *rows = (line.replace("|", " ").split() for line in text.strip().splitlines())
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def all_rows(sessions: Sessions) -> Rows:
    """Return every row of every table: what a refusal must leave as it was."""
    with sessions.reading() as session:
        return {
            table.name: sorted(map(tuple, session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def ask(method: str, path: str, fields: dict[str, Any] | None = None) -> Ask:
    """Make a request whose path and fields hold ``{names}`` that are filled in later."""

    def send(client: Any, names: dict[str, str]) -> Any:
        url = f"/api/{path.format(**names)}"
        if fields is None:
            return client.request(url, method=method, status="*")
        filled = {
            name: value.format(**names) if isinstance(value, str) else value
            for name, value in fields.items()
        }
        return getattr(client, f"{method.lower()}_json")(url, filled, status="*")

    return send


def try_row(
    role: str,
    cells: dict[str, str],
    actions: dict[str, Ask],
    make: Callable[[int], tuple[Any, dict[str, str]]],
    sessions: Sessions,
) -> None:
    """Try what a role may do, each action by a client and on things that nobody has changed yet.

    ``make`` returns them for the action of that number. Whoever was refused has changed nothing,
    and is as good for the next.
    """
    assert set(cells) <= set(actions)
    rows = None
    for number, (action, cell) in enumerate(cells.items()):
        if rows is None:
            client, names = make(number)
        act = partial(actions[action], client, names)
        rows = try_cell((role, action), cell, sessions, act, rows)


def try_cell(
    what: object, cell: str, sessions: Sessions, act: Callable[[], Any], rows: Rows | None = None
) -> Rows | None:
    """Act, and hold the answer against its cell; a refusal must have changed nothing.

    Returns all rows after a refusal; ``rows`` are those from before, where they are known.
    """
    if cell.isdigit():
        answer = act()
        assert answer.status_int == int(cell), (what, answer.text)
        return None
    rows, answer = rows or all_rows(sessions), act()
    assert_denied(what, answer, *REFUSALS[cell])
    assert all_rows(sessions) == rows, what
    return rows


def assert_denied(what: object, answer: Any, status: int, code: str, permission: str | None):
    """Check a refusal, and which permission it names."""
    found = (
        answer.status_int,
        answer.headers.get("X-Repoman-Error"),
        answer.headers.get("X-Repoman-Permission"),
    )
    assert found == (status, code, permission), (what, answer.text)
    assert (answer.json["code"], answer.json.get("permission")) == (code, permission)

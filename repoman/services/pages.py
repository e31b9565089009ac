"""Pages of a list by keyset: each begins behind the last row of the one before.

So the cost of a page does not depend on its depth, and rows that come or go meanwhile neither
repeat nor hide others. The cursor is the last row's place in the order, in JSON and base64. It says
where a page begins and nothing else: what is in the list is asked anew for each page.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from repoman import names
from repoman.errors import InvalidParameter

Entity = TypeVar("Entity")

MOST = 1000
"""The most rows of a page that are loaded whole."""
_INTEGERS = range(-(2**63), 2**63)


@dataclass(frozen=True)
class Order:
    """What a list is sorted by: columns that together are unique, all of them up or all down."""

    columns: tuple[InstrumentedAttribute[Any], ...]
    descending: bool = False


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and the cursor of the next page, None on the last."""

    rows: Sequence[Any]
    following: str | None


def fetch(
    session: Session, statement: Select[*tuple[Any, ...]], order: Order, *, limit: int, after: str
) -> Page:
    """Return at most ``limit`` rows of ``statement``, which selects the columns of ``order``.

    They are those behind the cursor ``after``, or where it is '' the first. Raises
    `InvalidParameter` for a cursor that is none.
    """
    if after:
        statement = statement.where(_is_behind(order, read_cursor(after, order)))
    columns = [one.desc() if order.descending else one.asc() for one in order.columns]
    rows = session.execute(statement.order_by(*columns).limit(limit + 1)).all()
    if len(rows) <= limit:
        return Page(rows, None)
    return Page(rows[:limit], write_cursor(rows[limit - 1], order))


def _is_behind(order: Order, values: Iterable[Any]) -> ColumnElement[bool]:
    keys = tuple_(*order.columns)
    place = tuple_(
        *(literal(value, one.type) for one, value in zip(order.columns, values, strict=True))
    )
    return keys < place if order.descending else keys > place


def write_cursor(row: Any, order: Order) -> str:
    """Write the place of ``row``: letters, digits, ``-`` and ``_`` (RFC 4648 section 5)."""
    values = [getattr(row, one.key) for one in order.columns]
    plain = [one.isoformat() if isinstance(one, datetime) else one for one in values]
    text = json.dumps(plain, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, order: Order) -> list[Any]:
    """Read a place in ``order`` back. Raises `InvalidParameter`: anybody may have written it."""
    try:
        padded = text + "=" * (-len(text) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(values, list):
            raise TypeError  # noqa: TRY301 - one sentence for every way to be wrong
        return [
            _value(one.type.python_type, value)
            for one, value in zip(order.columns, values, strict=True)
        ]
    except (ValueError, TypeError, RecursionError):
        raise InvalidParameter(
            "The cursor 'after' is not one of this list in this order; take the whole URL from "
            "the header Link, or leave 'after' out to begin again.",
            field="after",
        ) from None


def _value(kind: type, value: Any) -> Any:
    """Check a value of a cursor, and make it one of its column, where texts are names.

    Raises ValueError, TypeError.
    """
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        # As it was written, and so within what a database can hold: no other zone, no other form.
        if moment.utcoffset() != timedelta(0) or moment.isoformat() != value:
            raise ValueError
        return moment
    if kind is int:
        # By type, for a bool is an int too; and within 64 bits.
        is_good = type(value) is int and value in _INTEGERS
    else:
        is_good = isinstance(value, str) and names.is_image_name(value)
    if not is_good:
        raise ValueError
    return value


def load(
    session: Session,
    statement: Select[Entity],
    column: InstrumentedAttribute[int],
    ids: Sequence[int],
) -> list[Entity]:
    """Return a page's rows whole and in its order, without those that are gone by now."""
    found = {one.id: one for one in session.scalars(statement.where(column.in_(ids)))}  # type: ignore[attr-defined]
    return [found[key] for key in ids if key in found]


def first_names(
    session: Session, statement: Select[int, str], limit: int
) -> Mapping[int, list[str]]:
    """Return at most ``limit`` names for each id, sorted, in one query for all of the ids.

    ``statement`` selects ids and names. An id without names has an empty list.
    """
    of, name = statement.selected_columns
    number = func.row_number().over(partition_by=of, order_by=name)
    rows = statement.with_only_columns(
        of.label("of"), name.label("name"), number.label("number")
    ).subquery()
    found: dict[int, list[str]] = defaultdict(list)
    for key, text in session.execute(
        select(rows.c.of, rows.c.name)
        .where(rows.c.number <= limit)
        .order_by(rows.c.of, rows.c.number)
    ):
        found[key].append(text)
    return found

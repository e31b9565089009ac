"""Finding a user or a group by the name that a URL or a field has."""

from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from repoman import names
from repoman.errors import InvalidParameter, NotFound
from repoman.models import Group, User

Named = TypeVar("Named", User, Group)


def by_name(
    session: Session,
    model: type[Named],
    name: str,
    missing: type[NotFound],
    *,
    field: str | None,
    lock: bool,
) -> Named:
    """Return the row of that name, in any case; with ``lock``, nobody else changes it meanwhile.

    Raises ``missing``, or `InvalidParameter` where the name came in a ``field``.
    """
    statement = select(model).where(model.name == names.fold_account(name))
    found = session.scalar(statement.with_for_update() if lock else statement)
    if found is not None:
        return found
    kind = model.__tablename__
    detail = f"There is no {kind} {name[:100]!r}; GET /api/{kind}s lists them."
    if field is not None:
        raise InvalidParameter(detail, field=field)
    raise missing(detail)

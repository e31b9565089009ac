"""Folding case alike on both databases: A to Z, whatever the locale, and no other letter."""

import string
from typing import Any

from sqlalchemy import ColumnElement, String, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import ColumnOperators

_TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class _AsciiLower(FunctionElement[str]):
    """SQL's ``lower``. SQLite's folds ASCII alone, PostgreSQL's only under the collation C."""

    name = "ascii_lower"
    type = String()
    inherit_cache = True


@compiles(_AsciiLower)
def _lower(element: _AsciiLower, compiler: Any, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(_AsciiLower, "postgresql")
def _lower_in_c(element: _AsciiLower, compiler: Any, **options: Any) -> str:
    return f'lower({compiler.process(element.clauses, **options)} COLLATE "C")'


def mentions(text: str, *columns: ColumnOperators) -> ColumnElement[bool]:
    """Make the condition that ``text`` is in a column; ``%`` and ``_`` mean themselves."""
    folded = text.translate(_TO_LOWER)
    return or_(*(_AsciiLower(column).contains(folded, autoescape=True) for column in columns))

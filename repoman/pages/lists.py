"""Pages that are lists: what their queries have in common."""

from typing import Any, TypeVar

from pydantic import model_validator

from repoman.queries import ListQuery, NamedQuery
from repoman.schemas import Fields

PER_PAGE = 50
"""The rows of a page, where the query does not say."""

Query = TypeVar("Query", bound=ListQuery)


class PageQuery(Fields):
    """A page's query: what a form leaves empty is not asked for."""

    @model_validator(mode="before")
    @classmethod
    def _pass_over_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != ""}


class NamedPageQuery(PageQuery, NamedQuery):
    """A page that is searched by names."""


def with_rows(query: Query) -> Query:
    """Ask for the objects of a page, and no more of them than a page has."""
    return query.model_copy(update={"expand": True, "limit": query.limit or PER_PAGE})

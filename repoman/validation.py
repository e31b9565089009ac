"""Queries and fields to typed values, between the permission check and the view.

Each view names the pydantic model of its body as the option ``fields`` and that of its query as
``query``. Without such an option the view takes none, and what a view does not know is an error.
"""

from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request

from repoman import bodies
from repoman.errors import InvalidParameter, MalformedBody
from repoman.schemas import Fields, NoFields, validate

View = Callable[[Any, Request], Any]


def validate_request(view: View, info: Any) -> View:
    """Derive a view whose ``request.fields`` and ``request.query`` hold what was sent, typed."""
    model = info.options.get("fields") or NoFields
    query_model = info.options.get("query") or NoFields
    controller = info.original_view

    def validated(context: Any, request: Request) -> Any:
        request.query = read_query(request, query_model)
        if hasattr(request, "body_fields"):
            fields = bodies.read_fields(request)
            # A URL that takes no fields shows the object above it: nothing there is sent back.
            sent_back = fields.keys() - model.model_fields.keys() or _holds_urls(fields)
            if model is not NoFields and sent_back:
                fields = without_unchanged(fields, controller(context, request).shown())
            request.fields = validate(model, fields)
        return view(context, request)

    return view if info.exception_only else validated


validate_request.options = ("fields", "query")  # type: ignore[attr-defined]


def without_unchanged(fields: dict[str, Any], shown: Any) -> dict[str, Any]:
    """Leave out what the client sends back as the object was shown to it.

    So a fetched object can be edited and sent back whole: neither read-only fields nor the URLs
    in it are in the way.
    """
    if not isinstance(shown, dict):
        return fields
    return {
        name: value for name, value in fields.items() if name not in shown or shown[name] != value
    }


def _holds_urls(fields: dict[str, Any]) -> bool:
    texts = [
        text
        for value in fields.values()
        for text in (value if isinstance(value, list) else [value])
    ]
    return any(isinstance(text, str) and "://" in text for text in texts)


def read_query(request: Request, model: type[Fields]) -> Fields:
    """Return the query's parameters. Raises what `validate` raises, and `RepeatedParameter`."""
    try:
        pairs = bodies.parse_form(request.query_string.encode("latin-1"))
    except (UnicodeDecodeError, MalformedBody):
        raise InvalidParameter("The query cannot be read; write ?name=value, in UTF-8.") from None
    return validate(model, bodies.unique(pairs, "parameter"), "query parameter")


def includeme(config: Configurator) -> None:
    """Put the deriver behind the permission check."""
    config.add_view_deriver(
        validate_request, "validate_request", under="secured_view", over="rendered_view"
    )

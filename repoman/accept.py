"""What the caller's Accept header takes (RFC 9110 section 12.5.1).

One that is missing, empty or malformed takes everything. Parameters are passed over:
``application/json; charset=utf-8`` means JSON.
"""

from pyramid.request import Request

from repoman.errors import NotAcceptable

HTML = "text/html"
ERRORS = ("application/problem+json", "application/json")
"""Either of these takes an error as it is written for programs."""


def check(request: Request, media_type: str) -> None:
    """Raise `NotAcceptable` where the header excludes what the URL answers with."""
    weights = _weights(request)
    if weights is not None and _weight(weights, media_type) == 0:
        raise NotAcceptable(
            f"This URL answers with {media_type}; name that in Accept, or leave the header out."
        )


def prefers_html(request: Request) -> bool:
    """Say whether the caller is a browser that shows a page: it takes HTML before JSON.

    A tie goes to what the header names: old browsers send ``text/html, */*``, and curl ``*/*``.
    """
    weights = _weights(request)
    if weights is None:
        return False
    html, json = _weight(weights, HTML), max(_weight(weights, kind) for kind in ERRORS)
    only_html_is_named = HTML in weights and not weights.keys() & set(ERRORS)
    return html > json or (html == json > 0 and only_html_is_named)


def _weights(request: Request) -> dict[str, float] | None:
    """Return the weight of each media range, in lower case; None where everything is taken."""
    weights: dict[str, float] = {}
    for media_range, weight, *_ in request.accept.parsed or ():
        name = media_range.partition(";")[0].lower()
        weights[name] = max(weight, weights.get(name, 0))
    return weights or None


def _weight(weights: dict[str, float], media_type: str) -> float:
    """Return what the most particular range that fits says of a media type, 0 without any."""
    main = media_type.partition("/")[0]
    ranges = (media_type, f"{main}/*", "*/*")
    return next((weights[one] for one in ranges if one in weights), 0)

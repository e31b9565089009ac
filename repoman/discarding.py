"""A tween that reads what is left of a refused body, after the transaction has ended."""

from collections.abc import Callable

from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

from repoman.streams import discard


def discard_tween(
    handler: Callable[[Request], Response], registry: Registry
) -> Callable[[Request], Response]:
    """Make the tween."""

    def tween(request: Request) -> Response:
        response = handler(request)
        if response.status_int >= 400 and request.changes:
            discard(request.environ)
        return response

    return tween


def includeme(config: Configurator) -> None:
    """Put it outside the transaction: discarding must not hold a connection."""
    config.add_tween("repoman.discarding.discard_tween", over="pyramid_tm.tm_tween_factory")

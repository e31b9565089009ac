"""``/metrics``, for Prometheus."""

from importlib.metadata import version

from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from repoman.metrics.families import BUILD
from repoman.metrics.page import CONTENT_TYPE, page
from repoman.security import Action


@view_config(route_name="metrics", request_method="GET", permission=Action.READ_METRICS)
def metrics(request: Request) -> Response:
    """Tell what all processes have counted, and what is there."""
    values = request.registry.metrics.tally.totals()
    for name, figure in request.registry.usage.figures().items():
        values[f"repoman_{name}",] = figure
    values[BUILD.name, version("repoman")] = 1.0
    response = Response(page(values))
    response.headers["Content-Type"] = CONTENT_TYPE
    response.headers["Cache-Control"] = "private, no-cache"
    return response

"""Errors as pages for browsers, in the layout of all pages."""

from pyramid.config import Configurator
from pyramid.renderers import render
from pyramid.request import Request
from pyramid.response import Response

from repoman.errors import RepomanError
from repoman.pages import words


def page(request: Request, error: RepomanError) -> Response:
    """Make the page; its status and headers are those of every form of the error."""
    values = {
        "error": error,
        "request_id": request.environ["repoman.request_id"],
        "words": words.words,
        "ways_on": words.WAYS_ON,
    }
    text = render("repoman:templates/error.mako", values, request=request)
    return Response(text, content_type="text/html", charset="utf-8")


def includeme(config: Configurator) -> None:
    """Add Mako; that it escapes is no setting of an ini file's."""
    config.add_settings({"mako.default_filters": "h", "mako.strict_undefined": "true"})
    config.include("pyramid_mako")

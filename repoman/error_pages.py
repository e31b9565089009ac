"""Errors as pages for browsers: no script, nothing from elsewhere, every value escaped."""

import base64
import hashlib
from importlib.resources import files

from pyramid.config import Configurator
from pyramid.renderers import render
from pyramid.request import Request
from pyramid.response import Response

from repoman.errors import RepomanError

STYLE = files("repoman").joinpath("templates", "error.css").read_text("utf-8")
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Lets in the page's own style, by its hash, and nothing else (CSP level 3)."""


def page(request: Request, error: RepomanError) -> Response:
    """Make the page; its status and headers are those of every form of the error."""
    values = {
        "error": error,
        "request_id": request.environ["repoman.request_id"],
        "style": STYLE,
    }
    text = render("repoman:templates/error.mako", values, request=request)
    response = Response(text, content_type="text/html", charset="utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    return response


def includeme(config: Configurator) -> None:
    """Add Mako; that it escapes is no setting of an ini file's."""
    config.add_settings({"mako.default_filters": "h", "mako.strict_undefined": "true"})
    config.include("pyramid_mako")

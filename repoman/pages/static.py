"""``/static``: style sheet, scripts and icon, all of them from the package."""

import hashlib
from functools import cache
from importlib.resources import files

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from repoman.errors import NotFound
from repoman.queries import StaticQuery

_FOLDER = files("repoman").joinpath("static")
_DAY = 24 * 3600
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
"""By ending. What the machine says of it (mimetypes) differs, and scripts need this type to run."""


@cache
def contents() -> dict[str, bytes]:
    """Return the files by name. They are small, and none is added while the server runs."""
    return {one.name: one.read_bytes() for one in _FOLDER.iterdir() if one.is_file()}


@cache
def digest(name: str) -> str:
    """Return what stands for a file's content, as entity tag and in its URL."""
    return hashlib.sha256(contents()[name]).hexdigest()[:16]


def serve(request: Request) -> Response:
    """Send a file. Raises `NotFound`."""
    name = request.matchdict["file"]
    if name not in contents():
        raise NotFound("There is no such file.")
    response = Response(contents()[name], content_type=_TYPES[name.rpartition(".")[2]])
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.etag = digest(name)
    response.conditional_response = True
    # Pages name a file together with its digest: with another content it has another URL. Modules
    # name one another without it.
    is_lasting = request.query.v == digest(name)
    response.cache_control = f"public, max-age={_DAY}" if is_lasting else "no-cache"
    return response


def includeme(config: Configurator) -> None:
    """Register the view, for whoever comes."""
    config.add_view(
        serve,
        route_name="static",
        request_method="GET",
        permission=NO_PERMISSION_REQUIRED,
        query=StaticQuery,
    )

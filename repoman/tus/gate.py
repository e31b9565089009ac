"""What tus asks of every request and answer: its version, and methods that stand in a header."""

import re

from pyramid.config import Configurator
from pyramid.events import NewRequest, NewResponse
from pyramid.request import Request

from repoman.errors import TUS_VERSION, UnknownTusVersion
from repoman.routing import DOWNLOADS
from repoman.settings import Settings
from repoman.tus.headers import ALGORITHMS, EXTENSIONS, RESUMABLE

ROUTES = frozenset({"uploads", "upload"})
"""Routes that answer in tus's way; raw URLs do so where a request to begin an upload asks them."""

_upload = re.compile(r"/api/uploads/[^/]+/?")
_OVERRIDING = frozenset({"PATCH", "DELETE", "HEAD"})


def override_method(event: NewRequest) -> None:
    """Let X-HTTP-Method-Override say the method of a POST to an upload, for poor proxies and tools.

    Before all else: whatever is asked of a request is asked of the method that it is about.
    """
    environ = event.request.environ
    if environ["REQUEST_METHOD"] != "POST" or not _upload.fullmatch(environ.get("PATH_INFO", "")):
        return
    method = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").strip().upper()
    if method in _OVERRIDING:
        environ["REQUEST_METHOD"] = method
        environ["repoman.sent_as_post"] = True


def speaks_tus(request: Request, route_name: str | None) -> bool:
    """Say whether a request is tus's, whatever its version: its header, or its method, tells."""
    if route_name in ROUTES:
        return RESUMABLE in request.headers or request.method in {"POST", "PATCH"}
    return is_creation(request, route_name)


def is_creation(request: Request, route_name: str | None) -> bool:
    """Say whether a request to a raw URL begins an upload; forms are POSTed there too."""
    return route_name in DOWNLOADS and request.method == "POST" and RESUMABLE in request.headers


def check_version(request: Request, route_name: str | None) -> None:
    """Raise `UnknownTusVersion` where a request is of another version of tus, or of none."""
    if request.method == "OPTIONS" or not speaks_tus(request, route_name):
        return
    if request.headers.get(RESUMABLE, "").strip() != TUS_VERSION:
        raise UnknownTusVersion(f"This is tus {TUS_VERSION}: send {RESUMABLE}: {TUS_VERSION}.")


def add_headers(event: NewResponse) -> None:
    """Say on every answer which tus this is, and to OPTIONS what of it."""
    request, response = event.request, event.response
    name = request.environ.get("repoman.route")
    if name in ROUTES or is_creation(request, name):
        response.headers[RESUMABLE] = TUS_VERSION
    if request.method == "OPTIONS" and name in ROUTES | DOWNLOADS and response.status_int == 204:
        response.headers.update(offer(request.settings))
    if request.method == "HEAD" and "repoman.sent_as_post" in request.environ:
        # The client waits for as many bytes as Content-Length says: it did not send HEAD.
        response.body = b""


def offer(settings: Settings) -> dict[str, str]:
    """Say what of tus there is."""
    offered = {
        "Tus-Version": TUS_VERSION,
        "Tus-Extension": ",".join(EXTENSIONS),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    most = settings.max_image_size
    return offered if most is None else offered | {"Tus-Max-Size": str(most)}


def includeme(config: Configurator) -> None:
    """Subscribe."""
    config.add_subscriber(override_method, NewRequest)
    config.add_subscriber(add_headers, NewResponse)

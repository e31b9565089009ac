"""Requests that the pages make to the application itself, in the browser's name."""

from io import BytesIO
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

_KEPT = frozenset(
    {
        *("HTTP_HOST", "HTTP_COOKIE", "HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_USER_AGENT"),
        *("SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR"),
        *("wsgi.version", "wsgi.url_scheme", "wsgi.errors", "wsgi.multithread"),
        *("wsgi.multiprocess", "wsgi.run_once"),
        *("repoman.identity", "repoman.refusal", "repoman.request_id", "repoman.dn"),
    }
)
"""What such a request has of the browser's: who asks, from where, for which host."""


def ask(
    request: Request, method: str, path: str, *, query: str = "", body: bytes = b"", **more: Any
) -> tuple[Request, Response]:
    """Make a request of its own transaction; return it, answered.

    ``path`` is decoded; ``more`` are headers and the like, by their names in the environ.
    """
    environ = {name: value for name, value in request.environ.items() if name in _KEPT}
    environ |= {
        "REQUEST_METHOD": method,
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        **more,
    }
    asked = Request(environ)
    return asked, request.invoke_subrequest(asked, use_tweens=True)

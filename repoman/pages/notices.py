"""What was done, told on the next page: a cookie that the page takes back.

There is no session, and nothing else to remember between two requests.
"""

from urllib.parse import quote, unquote

from pyramid.request import Request
from pyramid.response import Response

_COOKIE = "__Host-repoman-notice"
_SECONDS = 60


def leave(response: Response, text: str) -> None:
    """Have the next page tell this."""
    if text:
        response.set_cookie(
            _COOKIE, quote(text), max_age=_SECONDS, secure=True, httponly=True, samesite="Lax"
        )


def take(request: Request) -> str:
    """Return what is to be told, '' where nothing is, and forget it."""
    text = request.cookies.get(_COOKIE)
    if text is None:
        return ""

    def forget(request: Request, response: Response) -> None:
        response.set_cookie(_COOKIE, "", max_age=0, secure=True, httponly=True, samesite="Lax")

    request.add_response_callback(forget)
    return unquote(text, errors="replace")[:500]

"""Tokens of forms: a browser shows its certificate to every site's forms that are sent here.

Each page has a random token in a cookie and again in its forms (double submit, as Pyramid's
`CookieCSRFStoragePolicy` does it). Another site can make a browser send the cookie and cannot read
it. The prefix ``__Host-`` keeps neighbouring hosts and plain HTTP from setting it (RFC 6265bis).
"""

from pyramid.config import Configurator
from pyramid.csrf import CookieCSRFStoragePolicy
from pyramid.request import Request

from repoman.errors import FormExpired

_policy = CookieCSRFStoragePolicy(
    cookie_name="__Host-repoman-token", secure=True, httponly=True, samesite="Lax"
)
FIELD = "_token"
"""The field of every form that holds it."""


def check(request: Request, token: str) -> None:
    """Raise `FormExpired` unless the form's token is the one in the cookie."""
    if not _policy.check_csrf_token(request, token):
        raise FormExpired(
            "This form is older than your browser's session, or its cookie is blocked. "
            "Open the page anew, and send the form again. Nothing was changed."
        )


def includeme(config: Configurator) -> None:
    """Make the token ``pyramid.csrf.get_csrf_token``'s."""
    config.set_csrf_storage_policy(_policy)

"""What every page has: the way to other pages, who the caller is, and what was refused or done.

It asks no database, for the pages of errors have it too.
"""

from datetime import datetime
from string import punctuation
from typing import Any
from urllib.parse import quote, urlsplit

from pyramid.config import Configurator
from pyramid.csrf import get_csrf_token
from pyramid.decorator import reify
from pyramid.events import BeforeRender
from pyramid.request import Request

from repoman.controllers.root import VERSION
from repoman.errors import PreconditionFailed
from repoman.identity import Identity
from repoman.pages import formats, notices, static, words
from repoman.pages.expiry import URGE, validity
from repoman.pages.forms import REFUSED, Refused
from repoman.security import Action, may


class Layout:
    """What templates call ``page``."""

    formats = formats
    version = VERSION

    def __init__(self, request: Request) -> None:
        self._request = request
        self.caller: Identity | None = request.environ.get("repoman.identity")
        self.refused: Refused | None = request.environ.get(REFUSED)
        self.contact: str | None = request.settings.contact

    @reify
    def token(self) -> str:
        """The token of this page's forms."""
        token: str = get_csrf_token(self._request)
        return token

    @reify
    def notice(self) -> str:
        """What the form before this page has done, '' where there was none."""
        return notices.take(self._request) if self.caller else ""

    @reify
    def ending(self) -> datetime | None:
        """The end of the caller's certificate, where every page is to warn of it."""
        end = self.caller.end_entity_not_after if self.caller else None
        return end if validity(end, URGE) else None

    @property
    def path(self) -> str:
        """The page's path. It may be none: errors have a page too."""
        return str(self._request.environ["PATH_INFO"]).encode("latin-1").decode(errors="replace")

    @property
    def here(self) -> str:
        """The page's path and query, for forms to come back to."""
        # Forms lead to ASCII alone, and not all clients quote what is none.
        query = quote(self._request.query_string.encode("latin-1"), safe=punctuation)
        return self.path + (f"?{query}" if query else "")

    def at(self, path: str) -> str:
        """Return where ``path`` is, which is not at the root of every server."""
        # Of a proxy in front that takes a prefix off, `repoman.base_url` alone tells.
        base = self._request.settings.base_url
        return (self._request.script_name if base is None else urlsplit(base).path) + path

    def of(self, url: str) -> str:
        """Return where the page is that shows what the API's ``url`` shows."""
        return self.at(self.path_of(url))

    def path_of(self, url: str) -> str:
        """Return the path of that page, for forms: ``/images/ann/debian12``."""
        return url.removeprefix(self._request.urls("/api"))

    def static(self, name: str) -> str:
        """Return where a file of the package is; another content has another URL."""
        return self.at(f"/static/{name}?v={static.digest(name)}")

    def is_in(self, path: str) -> bool:
        """Say whether this page is of that part of the site."""
        return self.path == path or self.path.startswith(path + "/")

    def may(self, action: str, thing: Any = None) -> bool:
        """Say whether the caller may do this, by its name in `repoman.security`."""
        return self.caller is not None and may(self.caller, Action(action), thing)

    def typed(self, form: str, name: str, value: object = "") -> str:
        """Return what was typed into a form that was refused, of others their ``value``."""
        if self.refused is not None and self.refused.form.name == form:
            return self.refused.form.fields.get(name, "")
        return "" if value is None else str(value)

    def is_wrong(self, form: str, name: str) -> bool:
        """Say whether it is this field for which a form was refused."""
        refused = self.refused
        if refused is None or refused.form.name != form:
            return False
        error = refused.error
        return bool(error.extra.get("field", words.FIELDS.get(error.code)) == name)

    def reason(self, form: str) -> str:
        """Return why this form was refused, '' where it was not."""
        refused = self.refused
        if refused is None or refused.form.name != form:
            return ""
        if refused.form.etag and isinstance(refused.error, PreconditionFailed):
            return words.CHANGED_MEANWHILE
        return words.words(refused.error)


def add_layout(event: BeforeRender) -> None:
    """Give it to Mako's templates, and to no other renderer."""
    request = event["request"]
    if request is not None and str(event["renderer_name"]).endswith(".mako"):
        event["page"] = Layout(request)


def includeme(config: Configurator) -> None:
    """Subscribe."""
    config.add_subscriber(add_layout, BeforeRender)

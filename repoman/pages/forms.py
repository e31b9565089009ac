"""Forms: ``POST /forms/PATH`` is a request to ``/api/PATH``, which has the rules.

A form can say neither PATCH nor DELETE, and its answer must be a page: where the API does what was
asked, the browser is sent on to a page (303), and where it refuses, the form's page is shown again
with the reason and what was typed.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from repoman import bodies, transactions, uploading
from repoman.controllers.base import Controller
from repoman.errors import RepomanError
from repoman.file_bodies import Body, form_body
from repoman.pages import notices, tokens
from repoman.pages.asking import ask
from repoman.pages.form import Form, read
from repoman.security import Action

REFUSED = "repoman.refused_form"
"""The environ's key for `Refused`, when a page is shown again."""


@dataclass(frozen=True)
class Refused:
    """A form that the API refused, and why."""

    form: Form
    error: RepomanError


@view_config(route_name="form", request_method="POST", permission=Action.READ_API)
def send(request: Request) -> Response:
    """Ask the API what the form asks."""
    # No change of this request's own: the API's has its own transaction, and its own audit.
    transactions.end(request)
    request.audit_action = None
    form = read(bodies.read_form(request))
    tokens.check(request, form.token)
    asked, answer = _ask(request, form)
    if answer.status_int < 400:
        return go(request, form.then or _shown_at(request, answer), form.done)
    return _show_again(request, Refused(form, asked.environ["repoman.error"]))


def _ask(request: Request, form: Form) -> tuple[Request, Response]:
    path = "/api/" + request.matchdict["path"] + (f"/{form.last}" if form.last else "")
    fields = urlencode(form.fields)
    more: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}
    if form.etag:
        more["HTTP_IF_MATCH"] = f'"{form.etag}"'
    if form.method == "DELETE":
        return ask(request, form.method, path, query=fields, **more)
    more["CONTENT_TYPE"] = bodies.FORM
    return ask(request, form.method, path, body=fields.encode(), **more)


def _shown_at(request: Request, answer: Response) -> str:
    """Return the path of the page that shows what the API has answered with."""
    url: str = answer.json["url"]
    return url.removeprefix(request.urls("/api"))


def go(request: Request, path: str, done: str) -> Response:
    """Send the browser on to a page, which tells what was ``done``."""
    found = HTTPSeeOther(location=request.script_name + path)
    notices.leave(found, done)
    return found


def _show_again(request: Request, refused: Refused) -> Response:
    """Show the form's page with the reason; where that page is gone, the reason alone."""
    page = urlsplit(refused.form.page)
    more: dict[str, Any] = {REFUSED: refused, "HTTP_ACCEPT": "text/html"}
    _, response = ask(request, "GET", page.path, query=page.query, **more)
    if response.status_int != 200:
        raise refused.error
    response.status_int = refused.error.status
    response.headers["X-Repoman-Error"] = refused.error.code
    return response


class FileForm(Controller):
    """The form with an image's file, for browsers without JavaScript: it streams."""

    conditional = False

    @view_config(route_name="form.file", request_method="POST", permission=Action.EDIT_IMAGE)
    def send(self) -> Response:
        """Take the file in, and show the image."""
        request, image = self.request, self.context.image
        uploading.upload(request, self.context, form_with_token)
        return go(request, quote(f"/images/{image.owner.name}/{image.name}"), "The file is here.")


def form_with_token(request: Request) -> Body:
    """Read the part ``file`` behind the form's token, which is checked before a byte is kept."""
    return form_body(request, {tokens.FIELD: partial(tokens.check, request)})

"""Entity tags of objects and lists: a hash of what is sent to this caller (RFC 9110 section 8.8.3).

A change may be conditional on what a GET of the same URL would give the caller now, so that two
people who edit one object do not undo each other's work. Files have tags of their own.
"""

import hashlib
from collections.abc import Callable
from inspect import isclass
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from repoman.conditions import is_match, is_none_match
from repoman.controllers.base import Controller
from repoman.errors import PreconditionFailed
from repoman.json_text import to_json

View = Callable[[Any, Request], Response]


def entity_tag(text: str) -> str:
    """Return the strong validator of a representation, without quotes."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def conditional_view(view: View, info: Any) -> View:
    """Derive a view that checks a change's conditions, and tags what it answers."""
    controller = info.original_view
    if not (isclass(controller) and issubclass(controller, Controller) and controller.conditional):
        return view

    def conditional(context: Any, request: Request) -> Response:
        if request.changes:
            check_change(request, lambda: controller(context, request).shown())
        return tagged(request, view(context, request))

    return conditional


def check_change(request: Request, shown: Callable[[], Any]) -> None:
    """Raise `PreconditionFailed` unless the object is what the client takes it for."""
    if not {"If-Match", "If-None-Match"} & {*request.headers}:
        return
    tag = entity_tag(to_json(shown()))
    if "If-Match" in request.headers and not is_match(request, tag):
        raise PreconditionFailed(
            "The object is not the one that If-Match names; fetch it anew.", etag=tag
        )
    if is_none_match(request, tag):
        raise PreconditionFailed("If-None-Match names the object as it is.", etag=tag)


def tagged(request: Request, response: Response) -> Response:
    """Set the ETag of a JSON answer; where a GET names it in If-None-Match, answer 304."""
    if response.content_type != "application/json" or request.method == "DELETE":
        return response
    tag = entity_tag(response.text)
    if not request.changes and is_none_match(request, tag):
        link = response.headers.get("Link")
        response = Response(status=304)
        response.content_type = None
        if link is not None:
            # A next page comes and goes without the tag, which is of the body alone: a cache
            # must learn of it (RFC 9110 section 15.4.5).
            response.headers["Link"] = link
    response.etag = tag
    return response


def includeme(config: Configurator) -> None:
    """Put the deriver between the permission check and the validation of what was sent."""
    config.add_view_deriver(conditional_view, under="secured_view", over="validate_request")

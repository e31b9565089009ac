"""``/api``, its description, and who the caller is."""

from importlib.metadata import version
from importlib.resources import files

from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller
from repoman.presenters import Json
from repoman.security import Action
from repoman.services import users

LINKED = ("whoami", "users", "groups", "images", "uploads")
"""What ``/api`` links to, besides its description."""

VERSION = version("repoman")
"""What this process runs, which an upgrade on disk does not change."""


@view_config(
    route_name="api", request_method="GET", permission=NO_PERMISSION_REQUIRED, renderer="json"
)
def api(request: Request) -> Json:
    """Show the name, the version, where to start, and who you are."""
    caller, urls = request.identity, request.urls
    return {
        "name": "repoman",
        "version": VERSION,
        "user": caller and urls(f"/api/users/{caller.user_name}"),
        "links": {name: urls(f"/api/{name}") for name in LINKED}
        | {"openapi": urls("/api/openapi.yaml")},
    }


@view_config(route_name="openapi", request_method="GET", permission=NO_PERMISSION_REQUIRED)
def openapi(request: Request) -> Response:
    """Serve the OpenAPI 3.1 document."""
    document = files("repoman").joinpath("openapi.yaml").read_bytes()
    return Response(document, content_type="application/yaml", charset="utf-8")


@view_defaults(route_name="whoami", renderer="json")
class Whoami(Controller):
    """``/api/whoami``."""

    @view_config(request_method="GET", permission=Action.READ_API)
    def get(self) -> Json:
        """Show the caller, and the certificate as the server sees it."""
        caller = self.request.identity
        return self.request.present.user(users.find(self.db, caller.user_name)) | {
            "certificate": {
                "dn": caller.dn,
                "end_entity_dn": caller.end_entity,
                "issuer_dn": caller.issuer,
                "proxy_depth": caller.proxy_depth,
                "limited": caller.limited,
                "not_after": self.request.present.time(caller.not_after),
            }
        }

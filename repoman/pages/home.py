"""``/``: for users the way to their images, for all others the way in."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config


@view_config(
    route_name="page.home",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    renderer="repoman:templates/home.mako",
)
def home(request: Request) -> Any:
    """Send users on to their images; tell others why they are not let in, and what to do."""
    if request.identity is not None:
        return HTTPSeeOther(location=request.script_name + "/images")
    return {"error": request.refusal}

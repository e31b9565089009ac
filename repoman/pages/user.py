"""One user: the record, certificates, groups and room."""

from datetime import datetime
from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.conferral import Account, Place
from repoman.controllers.base import Controller
from repoman.entity_tags import entity_tag
from repoman.json_text import to_json
from repoman.models import now
from repoman.pages.me import WARN
from repoman.security import Action, may
from repoman.services import groups


@view_defaults(route_name="page.user", renderer="repoman:templates/user.mako")
class User(Controller):
    """``/users/{user}``."""

    conditional = False

    @view_config(request_method="GET", permission=Action.READ_USER)
    def get(self) -> dict[str, Any]:
        """Show a user."""
        request, user, present = self.request, self.context.user, self.request.present
        shown = present.user(user)
        sees_use = may(request.identity, Action.READ_USER_USAGE, user)
        return {
            "user": shown,
            "thing": user,
            "account": Account(user, request.settings.default_group),
            "etag": entity_tag(to_json(shown)),
            "own": user.id == request.identity.user_id,
            "places": [Place(group, user) for group in groups.of_user(self.db, user)],
            "certificates": [
                present.certificate(one) | {"validity": validity(one.not_after)}
                for one in user.certificates
            ],
            "usage": present.user_usage(user) if sees_use else None,
            "require_issuer": request.settings.require_issuer,
        }


def validity(not_after: datetime | None) -> str:
    """Say what is to be said of an end: ``expired``, ``soon``, or nothing, ''."""
    if not_after is None or not_after - now() >= WARN:
        return ""
    return "soon" if not_after > now() else "expired"

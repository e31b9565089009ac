"""One user: the record, certificates, groups and room."""

from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.conferral import Account, Place
from repoman.controllers.base import Controller
from repoman.entity_tags import entity_tag
from repoman.json_text import to_json
from repoman.pages.expiry import validity
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

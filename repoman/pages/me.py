"""``/me``: who the server takes the caller for, by which certificate, and what is in use."""

from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller
from repoman.pages.expiry import validity
from repoman.security import Action
from repoman.services import groups, own_uploads, users


@view_defaults(route_name="page.me", renderer="repoman:templates/me.mako")
class Me(Controller):
    """The page."""

    conditional = False

    @view_config(request_method="GET", permission=Action.READ_API)
    def get(self) -> dict[str, Any]:
        """Show the caller."""
        request, caller = self.request, self.request.identity
        user, present = users.find(self.db, caller.user_name), request.present
        uploads = own_uploads.all_of(self.db, request.store, caller)
        return {
            "user": present.user(user),
            "thing": user,
            "groups": groups.of_user(self.db, user),
            "usage": present.user_usage(user),
            "uploads": present.uploads(uploads),
            "certificates": [present.certificate(one) for one in user.certificates],
            "shown": caller,
            "not_after": present.time(caller.not_after),
            "end_entity_not_after": present.time(caller.end_entity_not_after),
            "validity": validity(caller.end_entity_not_after),
        }

"""``/upload``: what was begun and not ended, and the way to a new image."""

from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller
from repoman.security import Action
from repoman.services import groups, own_uploads, users


@view_defaults(route_name="page.upload", renderer="repoman:templates/upload.mako")
class Upload(Controller):
    """The page."""

    conditional = False

    @view_config(request_method="GET", permission=Action.LIST_UPLOADS)
    def get(self) -> dict[str, Any]:
        """Show it."""
        request, caller = self.request, self.request.identity
        found = own_uploads.all_of(self.db, request.store, caller)
        user = users.find(self.db, caller.user_name)
        own = groups.of_user(self.db, user)
        names = [one.name for one in own]
        usual = request.settings.default_group
        return {
            "uploads": request.present.uploads(found),
            "usage": request.present.user_usage(user),
            "hypervisors": request.settings.hypervisors,
            "groups": names,
            # What the API takes where nothing is said.
            "group": usual if usual in names else "",
        }

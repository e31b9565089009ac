"""How much users and groups have in use, and how much they may."""

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller
from repoman.presenters import Json
from repoman.security import Action


@view_defaults(route_name="user.usage", renderer="json")
class UserUsage(Controller):
    """``/api/users/{user}/usage``."""

    @view_config(request_method="GET", permission=Action.READ_USER_USAGE)
    def get(self) -> Json:
        """Show a user's quota and use."""
        return self.request.present.user_usage(self.context.user)


@view_defaults(route_name="group.usage", renderer="json")
class GroupUsage(Controller):
    """``/api/groups/{group}/usage``."""

    @view_config(request_method="GET", permission=Action.READ_GROUP_USAGE)
    def get(self) -> Json:
        """Show a group's quota and use."""
        return self.request.present.group_usage(self.context.group)

"""Groups and their members."""

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller, deleted
from repoman.presenters import Json
from repoman.schemas import NewGroup, NewMember
from repoman.security import Action
from repoman.services import groups, users


@view_defaults(route_name="groups", renderer="json")
class Groups(Controller):
    """``/api/groups``."""

    @view_config(request_method="GET", permission=Action.LIST_GROUPS)
    def get(self) -> list[str]:
        """List the groups' URLs by name."""
        return [self.urls.group(group) for group in groups.list_all(self.db)]

    @view_config(request_method="POST", permission=Action.CREATE_GROUP, fields=NewGroup)
    def create(self) -> Json:
        """Make a group."""
        fields = self.request.fields
        group = groups.create(
            self.db,
            fields.name,
            description=fields.description,
            permissions=fields.permissions or (),
            users=[users.find(self.db, name, "users") for name in fields.users or ()],
        )
        return self.created(group, self.request.present.group(group), self.urls.group(group))


@view_defaults(route_name="group", renderer="json")
class Group(Controller):
    """``/api/groups/{group}``."""

    @view_config(request_method="GET", permission=Action.READ_GROUP)
    def get(self) -> Json:
        """Show a group."""
        return self.request.present.group(self.context.group)


@view_defaults(route_name="members", renderer="json")
class Members(Controller):
    """``/api/groups/{group}/users``."""

    @view_config(request_method="GET", permission=Action.READ_GROUP)
    def get(self) -> list[str]:
        """List the URLs of the group's users."""
        return [self.urls.user(user) for user in groups.members(self.db, self.context.group)]

    @view_config(request_method="POST", permission=Action.CHANGE_MEMBERS, fields=NewMember)
    def add(self) -> Json:
        """Add the user that the body names."""
        user = users.find(self.db, self.request.fields.name, "name")
        groups.add_member(self.db, self.context.group, user)
        return self.request.present.group(self.context.group)


@view_defaults(route_name="member", renderer="json", permission=Action.CHANGE_MEMBERS)
class Member(Controller):
    """``/api/groups/{group}/users/{user}``."""

    def shown(self) -> Json:
        """Show the group."""
        return self.request.present.group(self.context.group)

    @view_config(request_method=("POST", "PUT"))
    def add(self) -> Json:
        """Add the user; no change for a member."""
        groups.add_member(self.db, self.context.group, self.context.user)
        return self.shown()

    @view_config(request_method="DELETE")
    def remove(self) -> Json:
        """Take the user out; no change for who is no member."""
        users.leave_group(self.db, self.context.group, self.context.user)
        return deleted(f"{self.urls.group(self.context.group)}/users/{self.context.user.name}")

"""Groups and their members."""

from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller, deleted
from repoman.controllers.listing import GroupList, Rows, UserList
from repoman.presenters import Json
from repoman.queries import ListQuery
from repoman.schemas import NewGroup, NewMember
from repoman.security import Action
from repoman.services import groups, users


@view_defaults(route_name="groups", renderer="json")
class Groups(GroupList):
    """``/api/groups``."""

    def rows(self, query: ListQuery) -> Rows:
        """Select all."""
        return groups.rows()

    @view_config(request_method="GET", permission=Action.LIST_GROUPS, query=ListQuery)
    def get(self) -> list[Any]:
        """List the groups."""
        return self.listed()

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
        return self.created(self.request.present.group(group), self.urls.group(group))


@view_defaults(route_name="group", renderer="json")
class Group(Controller):
    """``/api/groups/{group}``."""

    @view_config(request_method="GET", permission=Action.READ_GROUP)
    def get(self) -> Json:
        """Show a group."""
        return self.request.present.group(self.context.group)


@view_defaults(route_name="members", renderer="json")
class Members(UserList):
    """``/api/groups/{group}/users``."""

    def rows(self, query: ListQuery) -> Rows:
        """Select the members."""
        return groups.rows_of_members(self.context.group)

    @view_config(request_method="GET", permission=Action.READ_GROUP, query=ListQuery)
    def get(self) -> list[Any]:
        """List the group's users."""
        return self.listed()

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

"""Who is in a group, and who administers it."""

from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller, deleted
from repoman.controllers.listing import Rows, UserList
from repoman.presenters import Json
from repoman.queries import ListQuery
from repoman.schemas import NewMember
from repoman.security import Action
from repoman.services import groups, users


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

    @view_config(request_method="POST", permission=Action.ADD_MEMBER, fields=NewMember)
    def add(self) -> Json:
        """Add the user that the body names."""
        user = users.find(self.db, self.request.fields.name, "name")
        groups.add_member(self.db, self.context.group, user)
        return self.request.present.group(self.context.group)


@view_defaults(route_name="admins", renderer="json")
class Admins(UserList):
    """``/api/groups/{group}/admins``."""

    def rows(self, query: ListQuery) -> Rows:
        """Select the admins."""
        return groups.rows_of_admins(self.context.group)

    @view_config(request_method="GET", permission=Action.READ_GROUP, query=ListQuery)
    def get(self) -> list[Any]:
        """List the group's admins."""
        return self.listed()

    @view_config(request_method="POST", permission=Action.APPOINT, fields=NewMember)
    def add(self) -> Json:
        """Make the user that the body names an admin of the group."""
        user = users.find(self.db, self.request.fields.name, "name")
        groups.appoint(self.db, self.context.group, user)
        return self.request.present.group(self.context.group)


class OfGroup(Controller):
    """A URL below a group's, whose changes show the group."""

    def shown(self) -> Json:
        """Show the group."""
        return self.request.present.group(self.context.group)


@view_defaults(route_name="member", renderer="json")
class Member(OfGroup):
    """``/api/groups/{group}/users/{user}``."""

    @view_config(request_method=("POST", "PUT"), permission=Action.ADD_MEMBER)
    def add(self) -> Json:
        """Add the user; no change for a member."""
        groups.add_member(self.db, self.context.group, self.context.user)
        return self.shown()

    @view_config(request_method="DELETE", permission=Action.REMOVE_MEMBER)
    def remove(self) -> Json:
        """Take the user out; no change for who is no member."""
        groups.remove_member(self.db, self.context.group, self.context.user)
        return deleted(f"{self.urls.group(self.context.group)}/users/{self.context.user.name}")


@view_defaults(route_name="admin", renderer="json")
class Admin(OfGroup):
    """``/api/groups/{group}/admins/{user}``."""

    @view_config(request_method=("POST", "PUT"), permission=Action.APPOINT)
    def add(self) -> Json:
        """Make the user an admin of the group, and a member first."""
        groups.appoint(self.db, self.context.group, self.context.user)
        return self.shown()

    @view_config(request_method="DELETE", permission=Action.CHANGE_MEMBERS)
    def remove(self) -> Json:
        """Leave the user a mere member; no change for who is no admin of the group."""
        groups.dismiss(self.db, self.context.group, self.context.user)
        return deleted(f"{self.urls.group(self.context.group)}/admins/{self.context.user.name}")

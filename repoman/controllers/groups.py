"""Groups; their members, admins and permissions are beside."""

from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller, deleted
from repoman.controllers.listing import GroupList, Rows
from repoman.presenters import Json
from repoman.queries import NamedQuery
from repoman.schemas import GroupChanges, NewGroup
from repoman.security import Action
from repoman.services import group_changes, groups


@view_defaults(route_name="groups", renderer="json")
class Groups(GroupList):
    """``/api/groups``."""

    query = NamedQuery

    def rows(self, query: NamedQuery) -> Rows:
        """Select all, or those that ``q`` finds."""
        return groups.rows(query.q)

    @view_config(request_method="GET", permission=Action.LIST_GROUPS, query=NamedQuery)
    def get(self) -> list[Any]:
        """List the groups."""
        return self.listed()

    @view_config(request_method="POST", permission=Action.CREATE_GROUP, fields=NewGroup)
    def create(self) -> Json:
        """Make a group, of which the caller is an admin."""
        fields = self.request.fields.given()
        group = group_changes.create(self.db, self.request.identity, fields)
        return self.created(group, self.request.present.group(group), self.urls.group(group))


@view_defaults(route_name="group", renderer="json")
class Group(Controller):
    """``/api/groups/{group}``."""

    @view_config(request_method="GET", permission=Action.READ_GROUP)
    def get(self) -> Json:
        """Show a group."""
        return self.request.present.group(self.context.group)

    @view_config(
        request_method=("POST", "PATCH"), permission=Action.CHANGE_GROUP, fields=GroupChanges
    )
    def modify(self) -> Json:
        """Change a group; each field has its own right (`group_changes.modify`)."""
        group_changes.modify(
            self.db,
            self.request.identity,
            self.context.group,
            self.request.fields.given(),
            self.request.settings,
        )
        return self.get()

    @view_config(request_method="DELETE", permission=Action.DELETE_GROUP)
    def delete(self) -> Json:
        """Remove a group."""
        url = self.urls.group(self.context.group)
        group_changes.delete(self.db, self.context.group, self.request.settings)
        return deleted(url)

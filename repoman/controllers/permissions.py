"""What a group confers on its members."""

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller, deleted
from repoman.controllers.members import OfGroup
from repoman.presenters import Json, permissions_of
from repoman.schemas import NewPermission
from repoman.security import Action
from repoman.services import group_changes, permissions


@view_defaults(route_name="permissions", renderer="json")
class Permissions(Controller):
    """``/api/groups/{group}/permissions``."""

    @view_config(request_method="GET", permission=Action.READ_GROUP)
    def get(self) -> list[str]:
        """List the permissions."""
        return permissions_of([self.context.group])

    @view_config(request_method="POST", permission=Action.CHANGE_PERMISSIONS, fields=NewPermission)
    def add(self) -> Json:
        """Add the permission that the body names."""
        group, permission = self.context.group, self.request.fields.name
        group_changes.grant(self.db, self.request.identity, group, permission)
        return self.request.present.group(group)


@view_defaults(route_name="permission", renderer="json")
class Permission(OfGroup):
    """``/api/groups/{group}/permissions/{permission}``."""

    @view_config(request_method=("POST", "PUT"), permission=Action.GRANT)
    def add(self) -> Json:
        """Add the permission; no change where the group has it."""
        permissions.add(self.db, self.context.group, self.context.permission)
        return self.shown()

    @view_config(request_method="DELETE", permission=Action.CHANGE_PERMISSIONS)
    def remove(self) -> Json:
        """Take the permission away; no change where the group has it not."""
        group, permission = self.context.group, self.context.permission
        permissions.remove(self.db, group, permission)
        return deleted(f"{self.urls.group(group)}/permissions/{permission}")

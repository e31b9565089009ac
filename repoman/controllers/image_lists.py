"""The images of a user, of a group, and what they share."""

from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.controllers.listing import ImageList
from repoman.queries import ImageQuery
from repoman.security import Action
from repoman.services import image_lists


@view_defaults(route_name="user.images", renderer="json", permission=Action.LIST_IMAGES)
class UserImages(ImageList):
    """``/api/users/{user}/images``."""

    def which(self) -> image_lists.Condition:
        """Choose the user's own."""
        return image_lists.owned_by(self.db, self.request.identity, self.context.user)

    @view_config(request_method="GET", query=ImageQuery)
    def get(self) -> list[Any]:
        """List the user's images."""
        return self.listed()


@view_defaults(route_name="user.shared", renderer="json", permission=Action.LIST_IMAGES)
class SharedWithUser(ImageList):
    """``/api/users/{user}/shared``."""

    def which(self) -> image_lists.Condition:
        """Choose those of others that the user may read."""
        return image_lists.shared_with(self.db, self.request.identity, self.context.user)

    @view_config(request_method="GET", query=ImageQuery)
    def get(self) -> list[Any]:
        """List what others share with the user."""
        return self.listed()


@view_defaults(route_name="user.sharing", renderer="json", permission=Action.LIST_IMAGES)
class SharedByUser(ImageList):
    """``/api/users/{user}/sharing``."""

    def which(self) -> image_lists.Condition:
        """Choose the user's own that others may read."""
        return image_lists.shared_by(self.request.identity, self.context.user)

    @view_config(request_method="GET", query=ImageQuery)
    def get(self) -> list[Any]:
        """List what the user shares with others."""
        return self.listed()


@view_defaults(route_name="group.images", renderer="json", permission=Action.LIST_IMAGES)
class GroupImages(ImageList):
    """``/api/groups/{group}/images``."""

    def which(self) -> image_lists.Condition:
        """Choose the group's."""
        return image_lists.of_group(self.db, self.request.identity, self.context.group)

    @view_config(request_method="GET", query=ImageQuery)
    def get(self) -> list[Any]:
        """List the images whose group it is."""
        return self.listed()


@view_defaults(route_name="group.shared", renderer="json", permission=Action.LIST_IMAGES)
class SharedWithGroup(ImageList):
    """``/api/groups/{group}/shared``."""

    def which(self) -> image_lists.Condition:
        """Choose those shared with the group."""
        return image_lists.shared_with_group(self.request.identity, self.context.group)

    @view_config(request_method="GET", query=ImageQuery)
    def get(self) -> list[Any]:
        """List the images shared with the group."""
        return self.listed()

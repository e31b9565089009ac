"""Images: their metadata and their shares."""

from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller, deleted
from repoman.controllers.listing import ImageList
from repoman.models import Image as ImageModel
from repoman.presenters import Json
from repoman.queries import ImageDeletion, ImageQuery
from repoman.schemas import ImageChanges, NewImage, Restoration
from repoman.security import Action, require
from repoman.services import groups, image_creation, image_lists, images, shares, trash, users


@view_defaults(route_name="images", renderer="json")
class Images(ImageList):
    """``/api/images``."""

    def which(self) -> image_lists.Condition:
        """Choose all that the caller may see."""
        return image_lists.everything(self.db, self.request.identity)

    @view_config(request_method="GET", permission=Action.LIST_IMAGES, query=ImageQuery)
    def get(self) -> list[Any]:
        """List the images that the caller may see."""
        return self.listed()

    @view_config(request_method="POST", permission=Action.CREATE_SOME_IMAGE, fields=NewImage)
    def create(self) -> Json:
        """Make an image; `image_creation.create` asks the right in the very group."""
        fields = self.request.fields.given()
        image = image_creation.create(
            self.db,
            self.request.identity,
            fields,
            source=self.source(fields.get("copy_of")),
            settings=self.request.settings,
        )
        location = self.urls.file(image, image.hypervisor_names[0])
        return self.created(image, self.request.present.image(image), location)

    def source(self, reference: str | None) -> ImageModel | None:
        """Find the image to be copied, which the caller must be able to see."""
        if reference is None:
            return None
        owner, name = self.urls.read_image(reference, "copy_of", "copy_of")
        image = images.find(self.db, self.request.identity, name, owner_name=owner, lock=True)
        require(self.request.identity, Action.READ_IMAGE, image)
        return image


@view_defaults(route_name="image", renderer="json")
class Image(Controller):
    """``/api/images/{image}``, and with the owner before it."""

    @view_config(request_method="GET", permission=Action.READ_IMAGE)
    @view_config(request_method="GET", permission=Action.READ_IMAGE, route_name="owned")
    def get(self) -> Json:
        """Show an image."""
        return self.request.present.image(self.context.image)

    @view_config(
        request_method=("POST", "PATCH"), permission=Action.CHANGE_IMAGE, fields=ImageChanges
    )
    @view_config(
        request_method=("POST", "PATCH"),
        permission=Action.CHANGE_IMAGE,
        fields=ImageChanges,
        route_name="owned",
    )
    def modify(self) -> Json:
        """Change an image; each field has its own right (`images.modify`)."""
        image = self.context.image
        images.modify(
            self.db,
            self.request.identity,
            image,
            self.request.fields.given(),
            self.request.settings,
        )
        return self.get()

    @view_config(request_method="DELETE", permission=Action.DELETE_IMAGE, query=ImageDeletion)
    @view_config(
        request_method="DELETE",
        permission=Action.DELETE_IMAGE,
        query=ImageDeletion,
        route_name="owned",
    )
    def delete(self) -> Json:
        """Move an image to the trash, or with ``purge`` remove it at once."""
        url = self.urls.image(self.context.image)
        trash.delete(self.db, self.context.image, purge=self.request.query.purge)
        return deleted(url)


@view_defaults(route_name="image.restore", renderer="json")
class Restored(Controller):
    """``/api/images/{image}/restore``."""

    def shown(self) -> Json:
        """Show the image."""
        return self.request.present.image(self.context.image)

    @view_config(request_method="POST", permission=Action.RESTORE_IMAGE, fields=Restoration)
    def restore(self) -> Json:
        """Take an image out of the trash; no change where it is not there."""
        request = self.request
        trash.restore(self.db, request.identity, self.context.image, request.fields.name)
        return self.shown()


@view_defaults(permission=Action.MANAGE_IMAGE, renderer="json")
class Share(Controller):
    """``…/share/user/{user}`` and ``…/share/group/{group}``."""

    def shown(self) -> Json:
        """Show the image."""
        return self.request.present.image(self.context.image)

    @view_config(request_method=("POST", "PUT"), route_name="image.share.user")
    @view_config(request_method=("POST", "PUT"), route_name="image.share.group")
    @view_config(request_method=("POST", "PUT"), route_name="owned.share.user")
    @view_config(request_method=("POST", "PUT"), route_name="owned.share.group")
    def add(self) -> Json:
        """Share; no change where it is shared already."""
        shares.add(self.db, self.context.image, self.target())
        return self.shown()

    @view_config(request_method="DELETE", route_name="image.share.user")
    @view_config(request_method="DELETE", route_name="image.share.group")
    @view_config(request_method="DELETE", route_name="owned.share.user")
    @view_config(request_method="DELETE", route_name="owned.share.group")
    def remove(self) -> Json:
        """End a share; no change where there is none."""
        target = self.target()
        shares.remove(self.db, self.context.image, target)
        kind = "group" if "group" in self.request.matchdict else "user"
        return deleted(f"{self.urls.image(self.context.image)}/share/{kind}/{target.name}")

    def target(self) -> shares.Target:
        """Find whom the URL names, now that the caller may know."""
        match = self.request.matchdict
        if "group" in match:
            return groups.find(self.db, match["group"])
        return users.find(self.db, match["user"])

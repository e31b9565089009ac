"""The file of an image, at all raw URLs."""

from typing import Any

from pyramid.config import Configurator
from pyramid.response import Response

from repoman import conditions, uploading
from repoman.controllers.base import Controller, deleted
from repoman.downloads import file_response
from repoman.presenters import Json
from repoman.routing import DOWNLOADS
from repoman.security import Action
from repoman.services import files


class File(Controller):
    """``/api/images/raw/…``; its views are registered below, for each of these routes."""

    conditional = False  # a file has an entity tag of its own: `repoman.conditions`

    def get(self) -> Response:
        """Send the file."""
        return file_response(self.request, self.context.image, self.context.file)

    def put(self) -> Json:
        """Take the body as the file, as ``curl -T`` sends it."""
        return uploading.upload(self.request, self.context, uploading.plain_body)

    def post(self) -> Json:
        """Take the part ``file`` of a form, as ``curl -F file=@…`` sends it."""
        return uploading.upload(self.request, self.context, uploading.form_body)

    def delete(self) -> Json:
        """Take the file off the image."""
        image, hypervisor = self.context.image, self.context.hypervisor
        conditions.precondition(self.request, image)(image.current_file(hypervisor))
        files.remove(self.db, image, hypervisor)
        return deleted(self.urls.file(image, hypervisor))


VIEWS: tuple[tuple[str, Action, dict[str, Any]], ...] = (
    ("GET", Action.DOWNLOAD, {}),
    ("PUT", Action.EDIT_IMAGE, {"renderer": "json"}),
    ("POST", Action.EDIT_IMAGE, {"renderer": "json"}),
    ("DELETE", Action.DELETE_IMAGE, {"renderer": "json"}),
)


def includeme(config: Configurator) -> None:
    """Register every method on every raw URL."""
    for route_name in sorted(DOWNLOADS):
        for method, action, options in VIEWS:
            config.add_view(
                File,
                attr=method.lower(),
                route_name=route_name,
                request_method=method,
                permission=action,
                **options,
            )

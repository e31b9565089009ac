"""The file of an image, at all raw URLs."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from repoman import conditions, file_bodies, uploading
from repoman.controllers.base import Controller, deleted
from repoman.downloads import file_response
from repoman.errors import UPLOAD_OFFSET
from repoman.presenters import Json
from repoman.routing import DOWNLOADS
from repoman.security import Action
from repoman.services import files, uploads
from repoman.tus.gate import is_creation
from repoman.tus.uploading import create


class File(Controller):
    """``/api/images/raw/…``; its views are registered below, for each of these routes."""

    conditional = False  # a file has an entity tag of its own: `repoman.conditions`

    def get(self) -> Response:
        """Send the file; HEAD also tells its uploader how much of an unfinished one arrived."""
        if self.request.method == "HEAD":
            self._tell_offset()
        return file_response(self.request, self.context.image, self.context.file)

    def _tell_offset(self) -> None:
        """Have the answer say where to go on, whether or not there is a file already."""
        caller, context = self.request.identity, self.context
        if caller is None:
            return
        begun = uploads.find_put(self.db, caller, context.image, context.hypervisor)
        arrived = None if begun is None else uploads.arrived(self.request.store, begun)
        if arrived is not None:

            def tell(request: Request, response: Response) -> None:
                response.headers[UPLOAD_OFFSET] = str(arrived)

            self.request.add_response_callback(tell)

    def put(self) -> Json:
        """Take the body as the file, as ``curl -T`` sends it."""
        return uploading.upload(self.request, self.context, file_bodies.plain_body)

    def post(self) -> Any:
        """Take the part ``file`` of a form, as ``curl -F file=@…`` sends it, or begin by tus."""
        if is_creation(self.request, self.request.matched_route.name):
            return create(self.request, self.context)
        return uploading.upload(self.request, self.context, file_bodies.form_body)

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

"""The file of an image, at all raw URLs."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from repoman import conditions, file_bodies, uploading
from repoman.controllers.base import Controller, deleted
from repoman.downloads import file_response
from repoman.errors import UPLOAD_OFFSET
from repoman.models import ImageFile
from repoman.presenters import Json
from repoman.queries import FileDeletion, FileQuery
from repoman.routing import DOWNLOADS
from repoman.security import Action, require
from repoman.services import trash, uploads, versions
from repoman.tus.gate import is_creation
from repoman.tus.uploading import create


class File(Controller):
    """``/api/images/raw/…``; its views are registered below, for each of these routes."""

    conditional = False  # a file has an entity tag of its own: `repoman.conditions`

    def get(self) -> Response:
        """Send the file, or with ``version`` an earlier one.

        HEAD also tells its uploader how much of an unfinished one has arrived.
        """
        if self.request.method == "HEAD":
            self._tell_offset()
        return file_response(self.request, self.context.image, self._wanted())

    def _wanted(self) -> ImageFile:
        """Find the version asked for; others than the current are for those who may edit."""
        context, request, number = self.context, self.request, self.request.query.version
        if not number:
            return context.file
        current = context.image.current_file(context.hypervisor)
        if current is not None and current.version == number:
            return current
        if request.identity is None:
            raise request.refusal
        require(request.identity, Action.EDIT_IMAGE, context.image)
        return versions.find(self.db, context.image, number, context.hypervisor)

    def _tell_offset(self) -> None:
        """Have the answer say where to go on, whether or not there is a file already."""
        caller, context = self.request.identity, self.context
        if caller is None:
            return
        begun = uploads.find_put(self.db, caller, context.image, context.hypervisor, lock=False)
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
        """Move the file, or one of its versions, to the trash, or with ``purge`` out of it."""
        image, hypervisor, query = self.context.image, self.context.hypervisor, self.request.query
        check = conditions.precondition(self.request, image)
        if query.version:
            file = versions.find(self.db, image, query.version, hypervisor, in_trash=query.purge)
            check(file)
            url = self.urls.version(image, file)
        else:
            check(image.current_file(hypervisor))
            file, url = self.context.file, self.urls.file(image, hypervisor)
        trash.remove_file(self.db, image, file, purge=query.purge)
        return deleted(url)


VIEWS: tuple[tuple[str, Action, dict[str, Any]], ...] = (
    ("GET", Action.DOWNLOAD, {"query": FileQuery}),
    ("PUT", Action.EDIT_IMAGE, {"renderer": "json"}),
    ("POST", Action.EDIT_IMAGE, {"renderer": "json"}),
    ("DELETE", Action.DELETE_IMAGE, {"renderer": "json", "query": FileDeletion}),
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

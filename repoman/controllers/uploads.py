"""The caller's unfinished uploads, and tus."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller, deleted
from repoman.presenters import Json
from repoman.security import Action
from repoman.services import own_uploads, uploads
from repoman.tus.answers import answer, state
from repoman.tus.gate import speaks_tus
from repoman.tus.uploading import append, create, locking


@view_defaults(route_name="uploads", renderer="json")
class Uploads(Controller):
    """``/api/uploads``."""

    shows_object = False

    @view_config(request_method="GET", permission=Action.LIST_UPLOADS)
    def get(self) -> list[Json]:
        """List the caller's; there are a few at most."""
        found = own_uploads.all_of(self.db, self.request.store, self.request.identity)
        return self.request.present.uploads(found)


@view_defaults(route_name="uploads")
class NewUpload(Controller):
    """``/api/uploads``, of which the conditions speak of the image's file."""

    conditional = False

    @view_config(request_method="POST", permission=Action.EDIT_IMAGE)
    def post(self) -> Response:
        """Begin one by tus."""
        return create(self.request, self.context)


@view_defaults(route_name="upload", renderer="json")
class Upload(Controller):
    """``/api/uploads/{id}``."""

    @view_config(request_method="GET", permission=Action.READ_UPLOAD)
    def get(self) -> Any:
        """Show it; to HEAD in tus's way."""
        upload = self.context.upload
        arrived = own_uploads.arrived(self.request.store, upload)
        if self.request.method == "HEAD":
            return answer(200, state(upload, arrived))
        return self.request.present.upload(upload, arrived)

    @view_config(request_method="DELETE", permission=Action.END_UPLOAD)
    def delete(self) -> Any:
        """End it, and remove what has arrived."""
        with locking():
            uploads.end(self.db, self.request.store, self.context.upload)
        # An upload is no change of anything yet.
        self.request.audit_action = None
        if speaks_tus(self.request, "upload"):
            return answer(204, {})
        return deleted(self.urls.upload(self.context.upload.uuid))


@view_defaults(route_name="upload")
class Rest(Controller):
    """``/api/uploads/{id}``, of which the conditions speak of the image's file."""

    conditional = False

    @view_config(request_method="PATCH", permission=Action.EDIT_IMAGE)
    def patch(self) -> Response:
        """Go on with it by tus."""
        return append(self.request, self.context)

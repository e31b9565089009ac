"""One image: all that is known of it, and all that can be done with it."""

from datetime import datetime, timedelta
from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller
from repoman.entity_tags import entity_tag
from repoman.inspection import FORMAT_NAMES, Danger
from repoman.json_text import to_json
from repoman.models import Image as ImageModel
from repoman.pages.sharing import audience
from repoman.presenters import Json
from repoman.security import Action
from repoman.services import groups, labels, own_uploads
from repoman.settings import Settings

_ENDINGS = {"gzip": ".gz", "xz": ".xz", "zstd": ".zst", "bzip2": ".bz2"}


@view_defaults(renderer="repoman:templates/image.mako")
class Image(Controller):
    """``/images/{owner}/{image}``, and by UUID also of one in the trash."""

    conditional = False

    @view_config(request_method="GET", permission=Action.READ_IMAGE, route_name="page.image")
    @view_config(request_method="GET", permission=Action.READ_IMAGE, route_name="page.owned")
    def get(self) -> dict[str, Any]:
        """Show an image."""
        image, request = self.context.image, self.request
        shown = request.present.image(image)
        caller = request.identity
        own = image.owner_id == caller.user_id
        return {
            "image": shown,
            "thing": image,
            # Where its forms go: a page may be old, and the image renamed.
            "place": f"/images/{image.uuid}",
            # Somebody else's change in between is not undone unseen.
            "etag": entity_tag(to_json(shown)),
            "own": own,
            "audience": audience(shown, caller),
            "files": {name: self.urls.file(image, name) for name in image.hypervisor_names},
            "uploads": self._uploads(),
            "groups": [one.name for one in groups.of_user(self.db, image.owner)],
            "formats": FORMAT_NAMES,
            "hypervisors": request.settings.hypervisors,
            "public_allowed": request.settings.allow_unauthenticated,
            "trash_days": request.settings.trash_ttl / 86400,
            "kept_until": request.present.time(_kept_until(image, request.settings)),
            "file_names": {name: file_name(shown, name) for name in image.hypervisor_names},
            "dangers": {str(one): labels.explain(one) for one in Danger},
        }

    def _uploads(self) -> list[Json]:
        """Show what the caller has begun to upload to this image."""
        request = self.request
        found = own_uploads.all_of(self.db, request.store, request.identity)
        return request.present.uploads(
            pair for pair in found if pair[0].image_id == self.context.image.id
        )


def _kept_until(image: ImageModel, settings: Settings) -> datetime | None:
    """Return when the collector may remove an image that is in the trash."""
    return image.deleted and image.deleted + timedelta(seconds=settings.trash_ttl)


def file_name(shown: Json, hypervisor: str) -> str:
    """Name the file for curl's lines: ``debian12.qcow2.xz``, ``debian12.img`` without a file.

    With the hypervisor's name where there are several files: one must not go on with another's.
    """
    files = shown["files"]
    file = files.get(hypervisor, {})
    stem = f"{shown['name']}-{hypervisor}" if len(files) > 1 else shown["name"]
    ending = _ENDINGS.get(file.get("compression"), "")
    return f"{stem}.{file.get('format') or 'img'}{ending}"

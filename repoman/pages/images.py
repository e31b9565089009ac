"""``/images``: the images that one may see, by whose they are."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator
from pyramid.view import view_config, view_defaults

from repoman.controllers.listing import ImageList
from repoman.inspection import FORMAT_NAMES
from repoman.pages.sharing import audience
from repoman.queries import ImageQuery
from repoman.security import Action
from repoman.services import image_lists, users
from repoman.services.states import STATES

PER_PAGE = 50

VIEWS: Mapping[str, str] = {
    "mine": "Mine",
    "shared": "Shared with me",
    "groups": "My groups",
    "all": "All",
}
"""What the page can show, and how the tabs are called."""

SORTS: Mapping[str, str] = {
    "name": "Name",
    "-modified": "Last changed first",
    "modified": "Longest unchanged first",
    "-size": "Largest first",
    "size": "Smallest first",
}


class ImagesQuery(ImageQuery):
    """The page's query: the API's, and which images. What a form leaves empty is not asked for."""

    view: Literal["mine", "shared", "groups", "all"] = "mine"

    @model_validator(mode="before")
    @classmethod
    def _pass_over_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != ""}

    def filters(self) -> dict[str, Any]:
        """Return those that choose among images."""
        return {name: value for name, value in super().filters().items() if name != "view"}


@view_defaults(route_name="page.images", renderer="repoman:templates/images.mako")
class Images(ImageList):
    """The page; its rows are the API's."""

    conditional = False

    def which(self) -> image_lists.Condition:
        """Choose by the tab."""
        session, caller = self.db, self.request.identity
        if self.request.query.view == "all":
            return image_lists.everything(session, caller)
        if self.request.query.view == "groups":
            return image_lists.of_own_groups(session, caller)
        me = users.find(session, caller.user_name)
        if self.request.query.view == "shared":
            return image_lists.shared_with(session, caller, me)
        return image_lists.owned_by(session, caller, me)

    @view_config(request_method="GET", permission=Action.LIST_IMAGES, query=ImagesQuery)
    def get(self) -> dict[str, Any]:
        """Show a page of images."""
        query = self.request.query
        limited = query.model_copy(update={"expand": True, "limit": query.limit or PER_PAGE})
        images, following = self._page(limited)
        caller = self.request.identity
        return {
            "images": images,
            "audience": {one["uuid"]: audience(one, caller) for one in images},
            "following": following and self._url_of_page(following),
            "query": query,
            "is_filtered": bool(query.filters()),
            "views": VIEWS,
            "sorts": SORTS,
            "states": STATES,
            "formats": FORMAT_NAMES,
            "hypervisors": self.request.settings.hypervisors,
        }

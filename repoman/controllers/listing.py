"""Lists: pages of URLs, or with ``?expand=true`` of the objects that these are of.

A list is a class: what it is of (`UserList`, `GroupList`, `ImageList` or one of its own) with
``rows``, and a ``get`` that Pyramid knows, which returns `ListController.listed`.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import Select

from repoman import bodies
from repoman.controllers.base import Controller
from repoman.models import Group, User
from repoman.presenters import Json
from repoman.queries import ImageQuery, ListQuery
from repoman.services import groups, image_lists, images, pages, users

Rows = Select[*tuple[Any, ...]]
EXPANDED = 100
"""The objects of a page, where the client does not say."""


class ListController(Controller):
    """Pages a list. Subclasses say which rows there are, and how one is shown."""

    shows_object = False

    query: type[ListQuery] = ListQuery
    """What the view takes as its option ``query``."""

    def rows(self, query: Any) -> Rows:
        """Select the list's rows, with ``id`` and the columns of the order."""
        raise NotImplementedError

    def order(self, query: Any) -> pages.Order:
        """Return what the rows are sorted by."""
        raise NotImplementedError

    def url(self, row: Any) -> str:
        """Return the URL of what ``row`` is of."""
        raise NotImplementedError

    def objects(self, ids: Sequence[int]) -> list[Json]:
        """Show these objects, in this order, in a number of queries that is the same for any."""
        raise NotImplementedError

    def listed(self) -> list[Any]:
        """Answer the page that the query asks for, and link to the next (RFC 8288)."""
        shown, following = self._page(self.request.query)
        if following is not None:
            self.request.response.headers["Link"] = f'<{self._url_of_page(following)}>; rel="next"'
        return shown

    def shown(self) -> list[Any]:
        """Return what a GET without query gives: a change takes none."""
        return self._page(self.query())[0]

    def _page(self, query: ListQuery) -> tuple[list[Any], str | None]:
        most = self.request.settings.list_max
        page = pages.fetch(
            self.db,
            self.rows(query),
            self.order(query),
            limit=min(query.limit or (EXPANDED if query.expand else most), most),
            after=query.after,
        )
        if query.expand:
            return self.objects([row.id for row in page.rows]), page.following
        return [self.url(row) for row in page.rows], page.following

    def _url_of_page(self, cursor: str) -> str:
        """Return this URL with all its parameters, but another ``after``."""
        request = self.request
        given = bodies.parse_form(request.query_string.encode("latin-1"))
        kept = [(name, value) for name, value in given if name != "after"]
        query = urlencode([*kept, ("after", cursor)])
        return f"{self.urls(quote(request.path_info))}?{query}"


class UserList(ListController):
    """Users by name."""

    def order(self, query: ListQuery) -> pages.Order:
        """Names are unique."""
        return pages.Order((User.name,))

    def url(self, row: Any) -> str:
        """``/api/users/{user}``."""
        return self.urls.user_named(row.name)

    def objects(self, ids: Sequence[int]) -> list[Json]:
        """Show the users."""
        return self.request.present.users(users.whole(self.db, ids))


class GroupList(ListController):
    """Groups by name."""

    def order(self, query: ListQuery) -> pages.Order:
        """Names are unique."""
        return pages.Order((Group.name,))

    def url(self, row: Any) -> str:
        """``/api/groups/{group}``."""
        return self.urls.group_named(row.name)

    def objects(self, ids: Sequence[int]) -> list[Json]:
        """Show the groups."""
        return self.request.present.groups(groups.whole(self.db, ids))


class ImageList(ListController):
    """Images that the caller may see, filtered and sorted as the query says."""

    query = ImageQuery

    def which(self) -> image_lists.Condition:
        """Choose the images of this list."""
        raise NotImplementedError

    def rows(self, query: ImageQuery) -> Rows:
        """Filter."""
        return image_lists.rows(
            self.request.identity, self.which(), query.filters(), self.order(query)
        )

    def order(self, query: ImageQuery) -> pages.Order:
        """By name unless the query says otherwise."""
        return image_lists.order(query.sort)

    def url(self, row: Any) -> str:
        """``/api/images/{owner}/{name}``, of one in the trash ``/api/images/{uuid}``."""
        if row.deleted is not None:
            return self.urls.image_of_uuid(row.uuid)
        return self.urls.image_named(row.owner_name, row.name)

    def objects(self, ids: Sequence[int]) -> list[Json]:
        """Show the images."""
        return [self.request.present.image(image) for image in images.whole(self.db, ids)]

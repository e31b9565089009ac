"""``/users``: everybody, and a form to register somebody."""

from collections.abc import Sequence
from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.controllers.listing import Rows, UserList
from repoman.pages.lists import NamedPageQuery, with_rows
from repoman.presenters import Json
from repoman.security import Action, may
from repoman.services import consumers, users


@view_defaults(route_name="page.users", renderer="repoman:templates/users.mako")
class Users(UserList):
    """The page; its rows are the API's, with use and without images."""

    conditional = False

    def rows(self, query: NamedPageQuery) -> Rows:
        """Choose by ``q``."""
        return users.rows(query.q)

    def objects(self, ids: Sequence[int]) -> list[Json]:
        """Show the users, and what is in use of those whose use the caller may see."""
        found = users.whole(self.db, ids)
        seen = [user for user in found if may(self.request.identity, Action.READ_USER_USAGE, user)]
        uses = consumers.of(self.db, seen, self.request.settings)
        return [
            shown | {"use": uses.get(user.id)}
            for user, shown in zip(found, self.request.present.user_heads(found), strict=True)
        ]

    @view_config(request_method="GET", permission=Action.LIST_USERS, query=NamedPageQuery)
    def get(self) -> dict[str, Any]:
        """Show a page of users."""
        found, following = self._page(with_rows(self.request.query))
        return {
            "users": found,
            "following": following and self._url_of_page(following),
            "query": self.request.query,
            # Of oneself alone, a column says little.
            "sees_use": any(
                one["use"] for one in found if one["user_name"] != self.request.identity.user_name
            ),
            "require_issuer": self.request.settings.require_issuer,
        }

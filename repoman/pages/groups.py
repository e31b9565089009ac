"""``/groups``: the groups that one is in, or all, and a form for a new one."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pyramid.view import view_config, view_defaults

from repoman.conferral import Grant
from repoman.controllers.listing import GroupList, Rows
from repoman.identity import Permission
from repoman.pages.lists import NamedPageQuery, with_rows
from repoman.pages.permissions import EXPLAINED
from repoman.presenters import Json
from repoman.security import Action, may
from repoman.services import groups, members, users

VIEWS: Mapping[str, str] = {"mine": "Mine", "all": "All"}
"""What the page can show, and how the tabs are called."""


class GroupsQuery(NamedPageQuery):
    """The page's query: the API's, and which groups."""

    view: Literal["mine", "all"] = "mine"


@view_defaults(route_name="page.groups", renderer="repoman:templates/groups.mako")
class Groups(GroupList):
    """The page; its rows are the API's, with how many are in each instead of who."""

    conditional = False

    def rows(self, query: GroupsQuery) -> Rows:
        """Choose by the tab and by ``q``."""
        if query.view == "all":
            return groups.rows(query.q)
        me = users.find(self.db, self.request.identity.user_name)
        return groups.rows_of_user(me, query.q)

    def objects(self, ids: Sequence[int]) -> list[Json]:
        """Show the groups, and what the caller is in each."""
        found, sizes = groups.whole(self.db, ids), members.sizes(self.db, ids)
        standings = self.request.identity.groups
        return [
            shown | {"members": sizes.get(group.id, 0), "standing": standings.get(group.id)}
            for group, shown in zip(found, self.request.present.group_heads(found), strict=True)
        ]

    @view_config(request_method="GET", permission=Action.LIST_GROUPS, query=GroupsQuery)
    def get(self) -> dict[str, Any]:
        """Show a page of groups."""
        query, caller = self.request.query, self.request.identity
        found, following = self._page(with_rows(query))
        grantable = [one for one in Permission if may(caller, Action.GRANT, Grant(None, one))]
        return {
            "groups": found,
            "following": following and self._url_of_page(following),
            "query": query,
            "views": VIEWS,
            "grantable": {str(one): EXPLAINED[one] for one in grantable},
        }

"""One group: who is in it, what it lets them do, what it has in use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pyramid.view import view_config, view_defaults

from repoman.conferral import Grant, Place
from repoman.controllers.listing import Rows, UserList
from repoman.entity_tags import entity_tag
from repoman.identity import ADMINS, Identity, Permission
from repoman.json_text import to_json
from repoman.models import Group as GroupModel
from repoman.pages.lists import NamedPageQuery, with_rows
from repoman.pages.permissions import EXPLAINED
from repoman.presenters import Json
from repoman.security import Action, may
from repoman.services import groups, members, users

_EDITING = (Action.DESCRIBE_GROUP, Action.CHANGE_PERMISSIONS)
"""What the page's forms do that would undo what somebody else did meanwhile."""


class MembersQuery(NamedPageQuery):
    """Which members of the group: a group may have thousands, so they are in pages."""

    role: Literal["", "admin"] = ""


@dataclass(frozen=True)
class Conferred:
    """A permission, whether the group has it, and whether the caller may change that."""

    name: str
    explained: str
    is_held: bool
    is_open: bool


@view_defaults(route_name="page.group", renderer="repoman:templates/group.mako")
class Group(UserList):
    """``/groups/{group}``, with a page of its members."""

    conditional = False

    def rows(self, query: MembersQuery) -> Rows:
        """Choose members."""
        return members.rows(self.context.group, query.q, admins_only=query.role == "admin")

    def objects(self, ids: Sequence[int]) -> list[Json]:
        """Show the members, each with the place in the group."""
        group, found = self.context.group, users.whole(self.db, ids)
        admins = members.admins_among(self.db, group, ids)
        return [
            shown | {"is_admin": user.id in admins, "place": Place(group, user)}
            for user, shown in zip(found, self.request.present.user_heads(found), strict=True)
        ]

    @view_config(request_method="GET", permission=Action.READ_GROUP, query=MembersQuery)
    def get(self) -> dict[str, Any]:
        """Show a group."""
        request, group, caller = self.request, self.context.group, self.request.identity
        found, following = self._page(with_rows(request.query))
        (shown,) = request.present.group_heads([group])
        sees_use = may(caller, Action.READ_GROUP_USAGE, group)
        return {
            "group": shown,
            "thing": group,
            "etag": self._etag(),
            "members": found,
            "following": following and self._url_of_page(following),
            "query": request.query,
            "counts": (groups.count_members(self.db, group), members.count_admins(self.db, group)),
            "standing": caller.groups.get(group.id),
            "permissions": conferred(caller, group),
            "is_of_admins": group.name == ADMINS,
            "usage": request.present.group_usage(group) if sees_use else None,
        }

    def _etag(self) -> str:
        """Return what a change is made of; to know it takes the names of all members."""
        caller, group = self.request.identity, self.context.group
        if not any(may(caller, one, group) for one in _EDITING):
            return ""
        return entity_tag(to_json(self.request.present.group(group)))


def conferred(caller: Identity, group: GroupModel) -> list[Conferred]:
    """List all permissions, or for those who may change none of them those that the group has."""
    held = {row.permission for row in group.permissions}
    may_change = may(caller, Action.CHANGE_PERMISSIONS, group)
    return [
        Conferred(
            str(one),
            EXPLAINED[one],
            is_held=one in held,
            is_open=may_change and (one in held or may(caller, Action.GRANT, Grant(group, one))),
        )
        for one in Permission
        if may_change or one in held
    ]

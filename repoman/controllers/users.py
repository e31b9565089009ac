"""Users and their certificates."""

from collections.abc import Sequence
from typing import Any

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller, deleted
from repoman.controllers.listing import GroupList, ListController, Rows, UserList
from repoman.identity import EVERYBODY
from repoman.models import Certificate as CertificateModel
from repoman.presenters import Json, permissions_by
from repoman.queries import ListQuery, NamedQuery, UserDeletion
from repoman.schemas import NewCertificate, NewUser, UserChanges
from repoman.security import Action
from repoman.services import certificates, groups, pages, user_deletion, users


@view_defaults(route_name="users", renderer="json")
class Users(UserList):
    """``/api/users``."""

    query = NamedQuery

    def rows(self, query: NamedQuery) -> Rows:
        """Select all, or those that ``q`` finds."""
        return users.rows(query.q)

    @view_config(request_method="GET", permission=Action.LIST_USERS, query=NamedQuery)
    def get(self) -> list[Any]:
        """List the users."""
        return self.listed()

    @view_config(request_method="POST", permission=Action.CREATE_USER, fields=NewUser)
    def create(self) -> Json:
        """Register a user with one certificate."""
        user = users.register(
            self.db, self.request.identity, self.request.fields.given(), self.request.settings
        )
        joined = groups.of_user(self.db, user)
        self.context.also = [group for group in joined if group.name != EVERYBODY]
        return self.created(user, self.request.present.user(user), self.urls.user(user))


@view_defaults(route_name="user", renderer="json")
class User(Controller):
    """``/api/users/{user}``."""

    @view_config(request_method="GET", permission=Action.READ_USER)
    def get(self) -> Json:
        """Show a user."""
        return self.request.present.user(self.context.user)

    @view_config(
        request_method=("POST", "PATCH"), permission=Action.MODIFY_USER, fields=UserChanges
    )
    def modify(self) -> Json:
        """Change a user."""
        users.modify(
            self.db,
            self.request.identity,
            self.context.user,
            self.request.fields.given(),
            self.request.settings,
        )
        return self.get()

    @view_config(request_method="DELETE", permission=Action.DELETE_USER, query=UserDeletion)
    def delete(self) -> Json:
        """Remove a user, with the images or after giving them away where the query says so."""
        user, fate = self.context.user, self.request.query.images
        url = self.urls.user(user)
        self.context.also = user_deletion.delete(
            self.db, self.request.identity, user, fate, self.request.settings
        )
        return deleted(url)


@view_defaults(route_name="user.groups", renderer="json")
class UserGroups(GroupList):
    """``/api/users/{user}/groups``."""

    def rows(self, query: ListQuery) -> Rows:
        """Select the user's."""
        return groups.rows_of_user(self.context.user)

    @view_config(request_method="GET", permission=Action.READ_USER, query=ListQuery)
    def get(self) -> list[Any]:
        """List the groups that the user is in."""
        return self.listed()


@view_defaults(route_name="user.permissions", renderer="json")
class UserPermissions(Controller):
    """``/api/users/{user}/permissions``."""

    @view_config(request_method="GET", permission=Action.READ_USER)
    def get(self) -> list[str]:
        """List the names of what the user's groups confer."""
        return permissions_by(groups.of_user(self.db, self.context.user))


@view_defaults(route_name="certificates", renderer="json")
class Certificates(ListController):
    """``/api/users/{user}/certificates``."""

    def rows(self, query: ListQuery) -> Rows:
        """Select the user's."""
        return certificates.rows_of_user(self.context.user)

    def order(self, query: ListQuery) -> pages.Order:
        """The oldest first."""
        return pages.Order((CertificateModel.id,))

    def url(self, row: Any) -> str:
        """``/api/users/{user}/certificates/{id}``."""
        return self.urls.certificate(row, self.context.user)

    def objects(self, ids: Sequence[int]) -> list[Json]:
        """Show the certificates."""
        return [self.request.present.certificate(one) for one in certificates.whole(self.db, ids)]

    @view_config(request_method="GET", permission=Action.READ_USER, query=ListQuery)
    def get(self) -> list[Any]:
        """List a user's certificates."""
        return self.listed()

    @view_config(request_method="POST", permission=Action.ADD_CERTIFICATE, fields=NewCertificate)
    def create(self) -> Json:
        """Register one more certificate."""
        registration = certificates.read_registration(
            self.request.fields.given(), require_issuer=self.request.settings.require_issuer
        )
        certificate = certificates.add(self.db, self.context.user, registration)
        shown = self.request.present.certificate(certificate)
        return self.created(self.context.user, shown, shown["url"])


@view_defaults(route_name="certificate", renderer="json")
class Certificate(Controller):
    """``/api/users/{user}/certificates/{id}``."""

    @view_config(request_method="GET", permission=Action.READ_USER)
    def get(self) -> Json:
        """Show a certificate."""
        return self.request.present.certificate(self.context.certificate)

    @view_config(request_method="DELETE", permission=Action.MODIFY_USER_FULLY)
    def delete(self) -> Json:
        """Take a certificate from its user."""
        certificate, user = self.context.certificate, self.context.user
        url = self.urls.certificate(certificate, user)
        users.remove_certificate(self.db, user, certificate)
        return deleted(url)

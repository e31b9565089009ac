"""Users and their certificates."""

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller, deleted
from repoman.presenters import Json
from repoman.queries import UserDeletion
from repoman.schemas import NewCertificate, NewUser, UserChanges
from repoman.security import Action
from repoman.services import certificates, user_deletion, users


@view_defaults(route_name="users", renderer="json")
class Users(Controller):
    """``/api/users``."""

    @view_config(request_method="GET", permission=Action.LIST_USERS)
    def get(self) -> list[str]:
        """List the users' URLs by name."""
        return [self.urls.user(user) for user in users.list_all(self.db)]

    @view_config(request_method="POST", permission=Action.CREATE_USER, fields=NewUser)
    def create(self) -> Json:
        """Register a user with one certificate."""
        user = users.register(
            self.db, self.request.identity, self.request.fields.given(), self.request.settings
        )
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
        url = self.urls.user(self.context.user)
        fate = self.request.query.images
        user_deletion.delete(self.db, self.request.identity, self.context.user, fate)
        return deleted(url)


@view_defaults(route_name="certificates", renderer="json")
class Certificates(Controller):
    """``/api/users/{user}/certificates``."""

    @view_config(request_method="GET", permission=Action.READ_USER)
    def get(self) -> list[str]:
        """List the URLs of a user's certificates."""
        user = self.context.user
        return [self.urls.certificate(one, user) for one in user.certificates]

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

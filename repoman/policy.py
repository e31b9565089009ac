"""The Pyramid security policy: asks the table in `repoman.security` for every view."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.security import Allowed

from repoman.identity import Identity
from repoman.local import is_local
from repoman.security import Action, expired, may, require
from repoman.services import labels
from repoman.services.identities import reidentify


class Policy:
    """Pyramid's security policy: the middleware's identity, and `TABLE`.

    A refusal is raised as the error that explains it, not returned: Pyramid's own HTTPForbidden
    has no room for it. A context (`repoman.resources`) names its object ``thing``.
    """

    def identity(self, request: Request) -> Identity | None:
        """Return who the middleware found, or None."""
        identity: Identity | None = request.environ["repoman.identity"]
        return identity

    def authenticated_userid(self, request: Request) -> str | None:
        """Return the caller's user name, or None."""
        identity = self.identity(request)
        return identity.user_name if identity else None

    def permits(self, request: Request, context: Any, permission: str) -> Allowed:
        """Allow, or raise why not."""
        action = Action(permission)
        identity = self.identity(request)
        thing = context.thing
        if action is Action.DOWNLOAD and is_open(request, context):
            if thing.expired and not (identity and may(identity, Action.MANAGE_IMAGE, thing)):
                raise expired(thing)
        elif action is Action.READ_METRICS and is_local(request.environ):
            pass
        elif identity is None:
            raise request.refusal
        else:
            if request.changes:
                # The object is locked by now. Who lost a right while waiting for the lock, to the
                # very change that held it, must not take it back.
                identity = request.environ["repoman.identity"] = reidentify(request.db, identity)
            require(identity, action, thing)
        return Allowed(str(action))

    def remember(self, request: Request, userid: str, **kw: Any) -> list[tuple[str, str]]:
        """Remember nobody: the certificate comes with every request."""
        return []

    def forget(self, request: Request, **kw: Any) -> list[tuple[str, str]]:
        """Forget nobody."""
        return []


def is_open(request: Request, context: Any) -> bool:
    """Say whether anybody at all may download the file; nobody may what is quarantined."""
    file = context.image.current_file(context.hypervisor)
    if file is not None and labels.is_unsafe(file.blob):
        return False
    return bool(request.settings.allow_unauthenticated and context.image.unauthenticated_access)


def includeme(config: Configurator) -> None:
    """Make `Policy` the application's."""
    config.set_security_policy(Policy())

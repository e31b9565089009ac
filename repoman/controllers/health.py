"""``/healthz``, for monitors."""

from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from repoman.identity import Identity
from repoman.presenters import Json
from repoman.services.health import Failures


@view_config(
    route_name="healthz", request_method="GET", permission=NO_PERMISSION_REQUIRED, renderer="json"
)
def healthz(request: Request) -> Json:
    """Say whether the server can do its work: 200, or 503.

    The 503 is what was asked for and no error: it has no code, and never another form.
    """
    failures = request.registry.health.failures()
    request.response.status_int = 503 if any(failures.values()) else 200
    return shown(failures, request.identity)


def shown(failures: Failures, caller: Identity | None) -> Json:
    """Show the whole to anybody, the parts to users, and to admins why they fail."""
    answer: Json = {"status": _state(any(failures.values()))}
    if caller is not None:
        answer |= {part: _state(bool(reason)) for part, reason in failures.items()}
    if caller is not None and caller.is_admin:
        answer["reasons"] = {part: reason for part, reason in failures.items() if reason}
    return answer


def _state(failing: bool) -> str:
    return "failing" if failing else "ok"

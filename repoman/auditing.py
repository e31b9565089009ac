"""Every change leaves a row in the audit trail, in its own transaction.

Done for all views in one place, so that no new view can forget it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from repoman.models import ImageFile
from repoman.services import audit

View = Callable[[Any, Request], Response]


def audited_view(view: View, info: Any) -> View:
    """Derive a view that records what it changed."""
    if info.exception_only:
        return view
    action = info.options.get("permission")

    def audited(context: Any, request: Request) -> Response:
        if not request.changes:
            return view(context, request)
        request.audit_action = action
        # Before the change: it may rename the thing.
        place = audit.path_of(context.thing) if context.thing is not None else None
        response = view(context, request)
        record(request, context, place)
        return response

    return audited


def record(request: Request, context: Any, place: str | None = None) -> None:
    """Record what the request did, once. An upload calls this in its last transaction.

    What else it changed, the context has as ``also``.
    """
    if request.audit_action is None:
        return
    asked = sent(request)
    detail = asked | file_of(context, asked)
    for thing, before in [(context.thing, place), *((one, None) for one in also(context))]:
        audit.record(
            request.db,
            request.identity,
            request.audit_action,
            thing,
            place=before,
            request=f"{request.method} {request.path}",
            request_id=request.environ["repoman.request_id"],
            detail=detail,
        )
    request.audit_action = None


def also(context: Any) -> Sequence[Any]:
    """Return what a request changed besides the thing that its URL names."""
    found: Sequence[Any] = getattr(context, "also", ())
    return found


def sent(request: Request) -> dict[str, Any]:
    """Return the fields and parameters of the request, as they were written."""
    fields = getattr(request, "fields", None)
    return (fields.model_dump(mode="json", exclude_unset=True) if fields else {}) | (
        request.query.model_dump(mode="json", exclude_unset=True)
    )


def file_of(context: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the file, where the request is about one, as it is after the change.

    Where it ``asked`` for a version, the file that is current is none of its business.
    """
    hypervisor = getattr(context, "hypervisor", None)
    if hypervisor is None:
        return {}
    file: ImageFile | None = context.image.current_file(hypervisor)
    described = {"hypervisor": hypervisor}
    if file is None or "version" in asked:
        return described
    return described | {
        "version": file.version,
        "size": file.blob.size,
        "sha256": file.blob.sha256,
    }


def includeme(config: Configurator) -> None:
    """Put the deriver closest to the view: whatever is refused has changed nothing."""
    config.add_view_deriver(audited_view, under="validate_request", over="rendered_view")

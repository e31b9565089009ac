"""What is settled before an object is looked up: the caller, the URL, the method, the body.

The order of checks is REST.markdown's: caller 401/403, URL 404, method 405, Accept 406, then the
object.
"""

import re
from urllib.parse import urlsplit

from pyramid.config import Configurator
from pyramid.events import BeforeTraversal, NewRequest, NewResponse
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

from repoman import accept, bodies
from repoman.errors import ForeignOrigin, MethodNotAllowed, NotFound, UnknownHost
from repoman.local import is_local
from repoman.routing import ANY_HOST, DOWNLOADS, FORMS, LOCAL, PUBLIC, UPLOADS, media_type
from repoman.services.identities import reidentify
from repoman.tus.gate import check_version

_host = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", re.ASCII)


def strip_trailing_slash(event: NewRequest) -> None:
    """Make a trailing slash equal none, before the routes are matched."""
    environ = event.request.environ
    path = environ.get("PATH_INFO", "")
    if len(path) > 1 and path.endswith("/"):
        environ["PATH_INFO"] = path[:-1]


def check(event: BeforeTraversal) -> None:
    """Settle caller, host, URL and method, and read the fields.

    The body is read and parsed here, while no database lock is held: a client that sends its form
    a byte at a time must not keep others waiting. Who the caller is may have changed meanwhile.
    """
    request = event.request
    route = request.matched_route
    name = route.name if route else None
    request.environ["repoman.route"] = name
    if request.identity is None and not is_public(request, name):
        raise request.refusal
    if name not in ANY_HOST:
        check_host(request)
    if name is None:
        raise NotFound("There is no such URL; GET /api lists where to start.")
    allowed = methods(request.registry)[name]
    if request.method == "OPTIONS":
        raise OptionsAnswer(allowed)
    if request.method not in allowed:
        raise MethodNotAllowed(
            f"This URL takes {', '.join(allowed)}, not {request.method}.", allow=allowed
        )
    check_origin(request)
    answered_as = media_type(name, request.method)
    if answered_as is not None:
        accept.check(request, answered_as)
    check_version(request, name)
    if name not in UPLOADS | FORMS and request.changes and bodies.prefetch(request):
        with request.registry.sessions.asking() as session:
            request.environ["repoman.identity"] = reidentify(session, request.identity)


def is_public(request: Request, route_name: str | None) -> bool:
    """Say whether this URL may answer somebody unknown at all."""
    if request.changes:
        return False
    if route_name in DOWNLOADS:
        return bool(request.settings.allow_unauthenticated)
    if route_name in LOCAL:
        return is_local(request.environ)
    return route_name in PUBLIC


def is_host(text: str) -> bool:
    """Say whether a Host header (RFC 9110 section 7.2) can stand in a URL as it is."""
    try:
        # Reading the port checks it; splitting checks an IPv6 address.
        return bool(_host.fullmatch(text)) and urlsplit(f"//{text}").port != 0
    except ValueError:
        return False


def check_host(request: Request) -> None:
    """Refuse a Host that is not ours, for it would come back in every URL we write."""
    settings = request.settings
    if settings.base_url is None and not is_host(request.host):
        raise UnknownHost("The Host header is not a host name.")
    if settings.hosts and not {request.host.lower(), request.domain.lower()} & {*settings.hosts}:
        raise UnknownHost(f"This server is {', '.join(settings.hosts)}; use that name in the URL.")


def check_origin(request: Request) -> None:
    """Refuse a change that another site's page makes: browsers send certificates by themselves.

    Fetch's Origin and Sec-Fetch-Site are sent by browsers alone, never by curl.
    """
    if not request.changes:
        return
    own = urlsplit(request.urls.base)
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "none")
    is_own = origin is None or origin.lower() == f"{own.scheme}://{own.netloc}".lower()
    if not is_own or site not in {"same-origin", "none"}:
        raise ForeignOrigin("A page of another site may not change anything here.")


class OptionsAnswer(Exception):
    """The answer to OPTIONS, raised before the object is looked up: it is the URL's alone."""

    def __init__(self, allow: list[str]) -> None:
        super().__init__(allow)
        self.allow = allow


def answer_options(answer: OptionsAnswer, request: Request) -> Response:
    """Say which methods the URL takes (RFC 9110 section 9.3.7)."""
    response = Response(status=204, headers={"Allow": ", ".join(answer.allow)})
    response.content_type = None
    return response


def methods(registry: Registry) -> dict[str, list[str]]:
    """List the methods of each route, from the views that are registered for it."""
    cached: dict[str, list[str]] | None = getattr(registry, "route_methods", None)
    if cached is not None:
        return cached
    found: dict[str, set[str]] = {}
    for entry in registry.introspector.get_category("views"):
        view = entry["introspectable"]
        named = view["request_methods"] or ()
        methods_of_view = {named} if isinstance(named, str) else set(named)
        if "GET" in methods_of_view:
            methods_of_view.add("HEAD")
        found.setdefault(view["route_name"], {"OPTIONS"}).update(methods_of_view)
    registry.route_methods = {name: sorted(names) for name, names in found.items()}
    return registry.route_methods


def add_headers(event: NewResponse) -> None:
    """Say on every answer which request it was and whose."""
    request, headers = event.request, event.response.headers
    headers["X-Repoman-Request-Id"] = request.environ["repoman.request_id"]
    if request.identity is not None:
        headers["X-Repoman-User"] = request.identity.user_name
    if event.response.content_type in {"application/json", "application/problem+json", "text/html"}:
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Cache-Control"] = "private, no-cache"
        headers["Vary"] = "Accept"


def includeme(config: Configurator) -> None:
    """Subscribe."""
    config.add_subscriber(strip_trailing_slash, NewRequest)
    config.add_subscriber(check, BeforeTraversal)
    config.add_subscriber(add_headers, NewResponse)
    config.add_exception_view(answer_options, context=OptionsAnswer)

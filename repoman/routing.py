"""Every URL on one page, each with the factory of its context.

A trailing slash equals none: `gate` takes it off before the routes are matched.
"""

from pyramid.config import Configurator

from repoman import resources

PUBLIC = frozenset({"api", "openapi", "healthz"})
"""Routes that need no certificate. Downloads ask `repoman.security` themselves."""

DOWNLOADS = frozenset({"raw", "raw.two", "raw.three"})
"""Routes where somebody unknown may be allowed to GET."""

UPLOADS = DOWNLOADS
"""Routes whose bodies are files: streamed, never read beforehand."""

ANY_HOST = frozenset({"healthz"})
"""Routes for whatever host: their answers hold no URL, and monitors call by address."""


def media_type(route_name: str, method: str) -> str:
    """Say what a success at this route is sent as."""
    if route_name == "openapi":
        return "application/yaml"
    if route_name in DOWNLOADS and method in {"GET", "HEAD"}:
        return "application/octet-stream"
    return "application/json"


def includeme(config: Configurator) -> None:
    """Add the routes, the more particular before the more general."""
    add = config.add_route
    config.set_root_factory(resources.Root)
    add("healthz", "/healthz")
    add("api", "/api")
    add("openapi", "/api/openapi.yaml")
    add("whoami", "/api/whoami")

    add("users", "/api/users")
    add("user", "/api/users/{user}", factory=resources.UserContext)
    add("user.images", "/api/users/{user}/images", factory=resources.UserContext)
    add("user.groups", "/api/users/{user}/groups", factory=resources.UserContext)
    add("user.permissions", "/api/users/{user}/permissions", factory=resources.UserContext)
    add("user.shared", "/api/users/{user}/shared", factory=resources.UserContext)
    add("user.sharing", "/api/users/{user}/sharing", factory=resources.UserContext)
    add("certificates", "/api/users/{user}/certificates", factory=resources.CertificatesContext)
    add("certificate", "/api/users/{user}/certificates/{id}", factory=resources.CertificateContext)

    add("groups", "/api/groups")
    add("group", "/api/groups/{group}", factory=resources.GroupContext)
    group, place = "/api/groups/{group}", resources.PlaceContext
    add("group.images", group + "/images", factory=resources.GroupContext)
    add("group.shared", group + "/shared", factory=resources.GroupContext)
    add("members", group + "/users", factory=place)
    add("member", group + "/users/{user}", factory=place)
    add("admins", group + "/admins", factory=place)
    add("admin", group + "/admins/{user}", factory=place)
    add("permissions", group + "/permissions", factory=resources.GroupContext)
    add("permission", group + "/permissions/{permission}", factory=resources.PermissionContext)

    add("images", "/api/images")
    add("raw", "/api/images/raw/{image}", factory=resources.FileContext)
    add("raw.two", "/api/images/raw/{first}/{image}", factory=resources.FileContext)
    add("raw.three", "/api/images/raw/{owner}/{hypervisor}/{image}", factory=resources.FileContext)
    one, owned, context = (
        "/api/images/{image}",
        "/api/images/{owner}/{image}",
        resources.ImageContext,
    )
    add("image.share.user", one + "/share/user/{user}", factory=context)
    add("image.share.group", one + "/share/group/{group}", factory=context)
    add("owned.share.user", owned + "/share/user/{user}", factory=context)
    add("owned.share.group", owned + "/share/group/{group}", factory=context)
    add("image", one, factory=context)
    add("owned", owned, factory=context)

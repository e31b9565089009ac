"""Every URL on one page, each with the factory of its context.

A trailing slash equals none: `gate` takes it off before the routes are matched.
"""

from pyramid.config import Configurator

from repoman import resources

PUBLIC = frozenset({"api", "openapi", "healthz", "page.home", "static"})
"""Routes that need no certificate. Downloads ask `repoman.security` themselves."""

LOCAL = frozenset({"metrics"})
"""Routes that need no certificate on the server itself: `repoman.local`."""

DOWNLOADS = frozenset({"raw", "raw.two", "raw.three"})
"""Routes where somebody unknown may be allowed to GET."""

UPLOADS = DOWNLOADS | {"uploads", "upload", "form.file"}
"""Routes whose bodies are files: streamed, never read beforehand."""

FORMS = frozenset({"form"})
"""Routes whose views read the body themselves, as a page's form."""

ANY_HOST = frozenset({"healthz", "metrics"})
"""Routes for whatever host: their answers hold no URL, and monitors call by address."""


def media_type(route_name: str, method: str) -> str | None:
    """Say what a success at this route is sent as; None: as different things."""
    if route_name == "static":
        return None
    if route_name.startswith(("page.", "form")):
        return "text/html"
    if route_name == "openapi":
        return "application/yaml"
    if route_name == "metrics":
        return "text/plain"
    if route_name in DOWNLOADS and method in {"GET", "HEAD"}:
        return "application/octet-stream"
    return "application/json"


def includeme(config: Configurator) -> None:
    """Add the routes, the more particular before the more general."""
    config.set_root_factory(resources.Root)
    config.add_route("healthz", "/healthz")
    config.add_route("metrics", "/metrics")
    config.add_route("api", "/api")
    config.add_route("openapi", "/api/openapi.yaml")
    config.add_route("whoami", "/api/whoami")
    config.add_route("storage", "/api/storage")
    _add_users(config)
    _add_groups(config)
    _add_images(config)
    config.add_route("uploads", "/api/uploads", factory=resources.UploadsContext)
    config.add_route("upload", "/api/uploads/{id}", factory=resources.UploadContext)
    _add_pages(config)


def _add_users(config: Configurator) -> None:
    add, user, context = config.add_route, "/api/users/{user}", resources.UserContext
    add("users", "/api/users")
    add("user", user, factory=context)
    add("user.usage", user + "/usage", factory=context)
    add("user.images", user + "/images", factory=context)
    add("user.groups", user + "/groups", factory=context)
    add("user.permissions", user + "/permissions", factory=context)
    add("user.shared", user + "/shared", factory=context)
    add("user.sharing", user + "/sharing", factory=context)
    add("certificates", user + "/certificates", factory=resources.CertificatesContext)
    add("certificate", user + "/certificates/{id}", factory=resources.CertificateContext)


def _add_groups(config: Configurator) -> None:
    add, group, context = config.add_route, "/api/groups/{group}", resources.GroupContext
    add("groups", "/api/groups")
    add("group", group, factory=context)
    add("group.usage", group + "/usage", factory=context)
    add("group.images", group + "/images", factory=context)
    add("group.shared", group + "/shared", factory=context)
    add("members", group + "/users", factory=resources.PlaceContext)
    add("member", group + "/users/{user}", factory=resources.PlaceContext)
    add("admins", group + "/admins", factory=resources.PlaceContext)
    add("admin", group + "/admins/{user}", factory=resources.PlaceContext)
    add("permissions", group + "/permissions", factory=context)
    add("permission", group + "/permissions/{permission}", factory=resources.PermissionContext)


def _add_images(config: Configurator) -> None:
    add, raw, file = config.add_route, "/api/images/raw", resources.FileContext
    one, owned, context = (
        "/api/images/{image}",
        "/api/images/{owner}/{image}",
        resources.ImageContext,
    )
    add("images", "/api/images")
    add("raw", raw + "/{image}", factory=file)
    add("raw.two", raw + "/{first}/{image}", factory=file)
    add("raw.three", raw + "/{owner}/{hypervisor}/{image}", factory=file)
    add("image.share.user", one + "/share/user/{user}", factory=context)
    add("image.share.group", one + "/share/group/{group}", factory=context)
    add("owned.share.user", owned + "/share/user/{user}", factory=context)
    add("owned.share.group", owned + "/share/group/{group}", factory=context)
    add("image.restore", one + "/restore", factory=resources.RestorationContext)
    add("image", one, factory=resources.WholeImageContext)
    add("owned", owned, factory=resources.WholeImageContext)


def _add_pages(config: Configurator) -> None:
    """Add the pages for browsers: each at the path of what it shows, without ``/api``."""
    add = config.add_route
    add("static", "/static/{file}")
    add("page.home", "/")
    add("page.me", "/me")
    add("page.upload", "/upload")
    add("page.images", "/images")
    add("page.image", "/images/{image}", factory=resources.WholeImageContext)
    add("page.owned", "/images/{owner}/{image}", factory=resources.WholeImageContext)
    add("page.groups", "/groups")
    add("page.group", "/groups/{group}", factory=resources.GroupContext)
    add("page.users", "/users")
    add("page.user", "/users/{user}", factory=resources.UserContext)
    add("page.storage", "/storage")
    file = "/forms/file/{owner}/{hypervisor}/{image}"
    add("form.file", file, factory=resources.FileContext)
    add("form", "/forms/{path:.*}")

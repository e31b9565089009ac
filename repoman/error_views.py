"""Exceptions to ``application/problem+json`` (RFC 9457) or a page, with ``X-Repoman-Error``."""

from pyramid.config import Configurator
from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import HTTPException
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy.exc import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from repoman import error_pages
from repoman.accept import prefers_html
from repoman.errors import (
    CertificateInUse,
    DatabaseUnavailable,
    EmailExists,
    GroupExists,
    ImageExists,
    InternalError,
    InvalidParameter,
    NotFound,
    PermissionDenied,
    RepomanError,
    UserExists,
)
from repoman.json_text import to_json
from repoman.logs import get_logger

log = get_logger(__name__)

# What a unique constraint says when two requests come at once: PostgreSQL's names, SQLite's words.
CONFLICTS: tuple[tuple[str, str, type[RepomanError], str], ...] = (
    ("uq_user_name", "user.name", UserExists, "user name"),
    ("uq_user_email", "user.email", EmailExists, "e-mail address"),
    (
        "uq_certificate_dn_issuer",
        "certificate.dn, certificate.issuer",
        CertificateInUse,
        "distinguished name",
    ),
    ("uq_group_name", "group.name", GroupExists, "group name"),
    ("uq_image_owner_id_name", "image.owner_id, image.name", ImageExists, "image name"),
)

# PostgreSQL's states of a database that has no tables (yet), or that may only be read, as a standby
# does. SQLite says the same by OperationalError.
UNUSABLE = frozenset({"42P01", "25006"})


def problem(request: Request, error: RepomanError) -> Response:
    """Make the answer. Somebody unknown learns nothing but why: not what is there and what not."""
    if request.environ.get("repoman.identity") is None and isinstance(
        error, NotFound | PermissionDenied
    ):
        error = request.environ.get("repoman.refusal") or error
    # For whoever made this request on behalf of a form.
    request.environ["repoman.error"] = error
    response = (error_pages.page if prefers_html(request) else _json)(request, error)
    response.status_int = error.status
    response.headers["X-Repoman-Error"] = error.code
    response.headers.update(error.headers())
    return response


def _json(request: Request, error: RepomanError) -> Response:
    body = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **{name: value for name, value in error.extra.items() if value is not None},
    }
    if isinstance(error, InternalError):
        body["request_id"] = request.environ["repoman.request_id"]
    response = Response(content_type="application/problem+json")
    response.charset = None
    response.body = to_json(body).encode()
    return response


def refused(error: RepomanError, request: Request) -> Response:
    """Answer an error of the domain."""
    if error.status >= 500:
        log.error("request failed", code=error.code, reason=str(error.__cause__ or error))
    return problem(request, error)


def undecodable(error: Exception, request: Request) -> Response:
    """Answer a path that is not UTF-8."""
    refusal: RepomanError | None = request.environ["repoman.refusal"]
    return problem(request, refusal or InvalidParameter("The URL's path is not valid UTF-8."))


def conflict(error: IntegrityError, request: Request) -> Response:
    """Answer the loser of two requests at one moment."""
    broken = broken_constraint(error)
    for constraint, columns, kind, what in CONFLICTS:
        if broken in {constraint, columns}:
            return problem(request, kind(f"Somebody took this {what} in the same moment."))
    if broken.startswith("fk_") or broken == "FOREIGN KEY":
        return problem(
            request,
            DatabaseUnavailable("What this request names changed in the same moment; try again."),
        )
    return unexpected(error, request)


def broken_constraint(error: IntegrityError) -> str:
    """Say which constraint was broken: PostgreSQL gives its name, SQLite its columns or kind.

    Never searched for in PostgreSQL's message, which quotes what the client sent.
    """
    diagnostics = getattr(error.orig, "diag", None)
    if diagnostics is not None:
        return str(diagnostics.constraint_name)
    text = str(error.orig)
    return text.removeprefix("UNIQUE constraint failed: ").removesuffix(" constraint failed")


def no_database(error: Exception, request: Request) -> Response:
    """Answer while the database is locked or gone."""
    log.error("no database", reason=str(error))
    return problem(
        request, DatabaseUnavailable("The database does not answer; try again in a few seconds.")
    )


def damaged(error: DatabaseError, request: Request) -> Response:
    """Answer while the database is damaged, or none of Repoman's.

    sqlite3 says so by its plain DatabaseError, PostgreSQL by a state in `UNUSABLE`. All else that
    has no view of its own is a defect of ours.
    """
    unusable = type(error) is DatabaseError or getattr(error.orig, "sqlstate", None) in UNUSABLE
    return (no_database if unusable else unexpected)(error, request)


def unexpected(error: Exception, request: Request) -> Response:
    """Answer a defect of ours; the traceback goes to the log and nowhere else."""
    log.error("defect", exc_info=error)
    return problem(
        request, InternalError("This is a defect of Repoman; please report the request_id.")
    )


def includeme(config: Configurator) -> None:
    """Register the views, from the particular to the general."""
    add = config.add_exception_view
    add(refused, context=RepomanError)
    add(undecodable, context=URLDecodeError)
    add(conflict, context=IntegrityError)
    add(damaged, context=DatabaseError)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        add(no_database, context=kind)
    add(unexpected, context=Exception)
    add(unexpected, context=HTTPException)

"""Conditional requests (RFC 9110 section 13), in the order of its section 13.2.2."""

from datetime import datetime

from pyramid.request import Request
from webob.datetime_utils import parse_date

from repoman.errors import PreconditionFailed
from repoman.models import Image, ImageFile
from repoman.services.files import Precondition, etag


def precondition(request: Request, image: Image) -> Precondition:
    """Make the check that a change of a file must pass, when it begins and again when it ends."""

    def check(file: ImageFile | None) -> None:
        check_match(request, image, file)
        if file is not None and is_none_match(request, etag(image, file)):
            raise PreconditionFailed("There is such a file already.", etag=etag(image, file))

    return check


def check_match(request: Request, image: Image, file: ImageFile | None) -> None:
    """Check If-Match, or where that is absent If-Unmodified-Since. Raises `PreconditionFailed`."""
    tag = etag(image, file) if file else None
    since = _date(request, "If-Unmodified-Since")
    if "If-Match" in request.headers:
        if tag is None or not is_match(request, tag):
            raise PreconditionFailed(
                "The file is not the one that If-Match names; fetch it anew.", etag=tag
            )
    elif since is not None and (file is None or file.uploaded > since):
        raise PreconditionFailed("The file has been modified since; fetch it anew.", etag=tag)


def is_match(request: Request, tag: str) -> bool:
    """Say whether If-Match names ``tag``, or anything.

    An empty one, as a script sends that lost the tag, names nothing.
    """
    return bool(request.headers["If-Match"].strip()) and tag in request.if_match


def is_none_match(request: Request, tag: str) -> bool:
    """Say whether If-None-Match is there and names ``tag``, or anything."""
    return "If-None-Match" in request.headers and tag in request.if_none_match


def is_not_modified(request: Request, tag: str, modified: datetime) -> bool:
    """Say whether a GET should be answered with 304."""
    if "If-None-Match" in request.headers:
        return is_none_match(request, tag)
    since = _date(request, "If-Modified-Since")
    return since is not None and modified <= since


def _date(request: Request, name: str) -> datetime | None:
    """Return a header's time; None where it is absent or no date, which RFC 9110 ignores."""
    try:
        since: datetime | None = parse_date(request.headers.get(name))
    except (ValueError, OverflowError):
        # WebOb lets these through for years and zones beyond what a datetime holds.
        return None
    return since


def range_applies(request: Request, tag: str) -> bool:
    """Say whether If-Range (section 13.1.5) lets the Range header count.

    Only a strong entity tag does: with one-second times, a date could name two files.
    """
    value = request.headers.get("If-Range")
    return value is None or value.strip() == f'"{tag}"'

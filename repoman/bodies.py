"""Request bodies that hold fields: form, multipart or JSON, at most 1 MiB, into one dict.

Parsed here and strictly, because WebOb turns invalid UTF-8 into U+FFFD without a word, and both
it and simplejson keep the last of two fields of one name.
"""

from typing import Any
from urllib.parse import parse_qsl

import simplejson
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from pyramid.request import Request

from repoman.errors import (
    BodyTooLarge,
    MalformedBody,
    RepeatedParameter,
    RepomanError,
    UnsupportedMediaType,
)
from repoman.streams import body_chunks

LIMIT = 1 << 20
"""The most bytes of fields."""

SECONDS = 30
"""Within which they must have come, where the server can tell (``repoman.limit_body``)."""

FORM, MULTIPART, JSON = (
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/json",
)


def prefetch(request: Request) -> bool:
    """Read and parse the body, and say whether there was one.

    What is wrong with it waits for `read_fields`: not the shape of a body but the caller's right is
    settled first. Raises `IncompleteBody`, also for a body that takes longer than `SECONDS`,
    `LengthRequired` and `InvalidParameter` where its end is unknown.
    """
    body = _read(request)
    try:
        request.body_fields = _parse(request, body)
    except (BodyTooLarge, UnsupportedMediaType, MalformedBody, RepeatedParameter) as complaint:
        request.body_fields = complaint
    return body != b""


def read_form(request: Request) -> list[tuple[str, str]]:
    """Read the body of a page's form: names and values as they come, of a file its text.

    A file that is no text has U+FFFD in it, and is refused, or not, by what takes the field.

    Raises what is wrong with the body at once; of `prefetch` and `read_fields` together.
    """
    body = _read(request)
    if body is None:
        raise _too_large()
    if not body:
        return []
    return _parse_pairs(*_content_type(request), body, files=True)


def read_fields(request: Request) -> dict[str, Any]:
    """Return the prefetched body's fields by name; an empty body has none.

    Values are str from forms, and whatever JSON said otherwise. Raises `BodyTooLarge`,
    `UnsupportedMediaType`, `MalformedBody`, `RepeatedParameter`.
    """
    found: dict[str, Any] | RepomanError = request.body_fields
    if isinstance(found, RepomanError):
        raise found
    return found


def _read(request: Request) -> bytes | None:
    """Return the body, or None where it is larger than `LIMIT`."""
    limit_body = request.environ.get("repoman.limit_body")
    if limit_body is not None:
        limit_body(SECONDS)
    if (request.content_length or 0) > LIMIT:
        return None
    parts, size = [], 0
    for chunk in body_chunks(request.environ):
        size += len(chunk)
        if size > LIMIT:
            return None
        parts.append(chunk)
    return b"".join(parts)


def _parse(request: Request, body: bytes | None) -> dict[str, Any]:
    if body is None:
        raise _too_large()
    if not body:
        return {}
    kind, options = _content_type(request)
    return _parse_json(body) if kind == JSON else unique(_parse_pairs(kind, options, body))


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"The fields may take {LIMIT} bytes at most.", limit=LIMIT)


def _content_type(request: Request) -> tuple[str, dict[str, str]]:
    """Return the media type and its parameters. Raises `UnsupportedMediaType`."""
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if options.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the fields in UTF-8.")
    return kind, options


def _parse_pairs(
    kind: str, options: dict[str, str], body: bytes, *, files: bool = False
) -> list[tuple[str, str]]:
    """Parse a form of either kind; with ``files``, files among the fields count as their text."""
    try:
        if kind == FORM:
            return parse_form(body)
        if kind == MULTIPART:
            return _parse_multipart(body, options.get("boundary", ""), files=files)
    except UnicodeDecodeError:
        raise _not_utf8() from None
    raise UnsupportedMediaType(f"Send the fields as {FORM}, {MULTIPART} or {JSON}.")


def _not_utf8() -> MalformedBody:
    return MalformedBody("The body is not valid UTF-8.")


def unique(pairs: list[tuple[str, Any]], kind: str = "field") -> dict[str, Any]:
    """Make a dict of fields. Raises `RepeatedParameter` where a name comes twice."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise RepeatedParameter(f"The {kind} {name[:100]!r} is given twice.", field=name[:100])
        fields[name] = value
    return fields


def parse_form(data: bytes) -> list[tuple[str, str]]:
    """Parse ``application/x-www-form-urlencoded``. Raises `MalformedBody`, UnicodeDecodeError."""
    try:
        # Not ASCII though it should be: browsers and curl -d send raw UTF-8 as it is typed.
        return parse_qsl(
            data.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=1000,
        )
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise MalformedBody(
            f"The form cannot be read: {error}. Write name=value&name=value."
        ) from None


def _parse_multipart(body: bytes, boundary: str, *, files: bool) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    value = bytearray()
    name, errors = "", "strict"
    try:
        with PushMultipartParser(boundary, strict=True, max_segment_count=1000) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    if event.filename and not files:
                        raise MalformedBody("This URL takes fields, not files.", field=event.name)
                    name = event.name
                    # What a file must be says who takes it, to whom the user chose it.
                    errors = "replace" if event.filename else "strict"
                elif event is None:
                    pairs.append((name, value.decode(errors=errors)))
                    value.clear()
                else:
                    value += event
    except MultipartError as error:
        raise MalformedBody(f"The multipart body cannot be read: {error}.") from None
    return pairs


def _parse_json(body: bytes) -> dict[str, Any]:
    try:
        found = simplejson.loads(body.decode(), object_pairs_hook=unique)
    except UnicodeDecodeError:
        raise _not_utf8() from None
    except (ValueError, RecursionError) as error:
        raise MalformedBody(f"The body is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise MalformedBody("The body must be one JSON object, {…}.")
    return found

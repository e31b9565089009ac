"""Requests that cannot be understood: parameters, headers, bodies, conditions."""

from repoman.errors.base import RepomanError

TUS_VERSION = "1.0.0"
"""The version of tus, of which there is one."""


class InvalidParameter(RepomanError):
    """A field, query parameter or header whose value cannot be used."""

    status, code, title = 400, "invalid-parameter", "Invalid parameter"


class MissingParameter(RepomanError):
    """A required field is absent."""

    status, code, title = 400, "missing-parameter", "Missing parameter"


class UnknownParameter(RepomanError):
    """A field or query parameter that this URL does not know."""

    status, code, title = 400, "unknown-parameter", "Unknown parameter"


class RepeatedParameter(RepomanError):
    """A field or query parameter given twice."""

    status, code, title = 400, "repeated-parameter", "Repeated parameter"


class MalformedBody(RepomanError):
    """A body that is not what its Content-Type says."""

    status, code, title = 400, "malformed-body", "Malformed body"


class UnknownHost(RepomanError):
    """The Host header names none of this server's hosts."""

    status, code, title = 400, "unknown-host", "Unknown host"


class MethodNotAllowed(RepomanError):
    """A known URL, but not with this method."""

    status, code, title = 405, "method-not-allowed", "Method not allowed"

    def headers(self) -> dict[str, str]:
        """RFC 9110 section 15.5.6 wants Allow beside 405."""
        return {"Allow": ", ".join(self.extra["allow"])}


class NotAcceptable(RepomanError):
    """The Accept header excludes what this URL answers with."""

    status, code, title = 406, "not-acceptable", "Not acceptable"


class LengthRequired(RepomanError):
    """The server cannot tell where this body ends."""

    status, code, title = 411, "length-required", "Length required"


class PreconditionFailed(RepomanError):
    """If-Match or If-None-Match does not hold."""

    status, code, title = 412, "precondition-failed", "Precondition failed"


class UnknownTusVersion(RepomanError):
    """A request of another version of tus than the one here, or of none."""

    status, code, title = 412, "tus-version", "Unknown version of tus"

    def headers(self) -> dict[str, str]:
        """Tus wants to be told beside 412 which versions there are."""
        return {"Tus-Version": TUS_VERSION}


class BodyTooLarge(RepomanError):
    """More than 1 MiB of fields."""

    status, code, title = 413, "body-too-large", "Body too large"


class UnsupportedMediaType(RepomanError):
    """A Content-Type that this URL does not take."""

    status, code, title = 415, "unsupported-media-type", "Unsupported media type"


class RangeNotSatisfiable(RepomanError):
    """No byte of the file is in the range."""

    status, code, title = 416, "range-not-satisfiable", "Range not satisfiable"

    def headers(self) -> dict[str, str]:
        """RFC 9110 section 15.5.17: say how long the file is."""
        return {"Content-Range": f"bytes */{self.extra['size']}"}

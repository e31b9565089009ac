"""What is wrong on our side."""

from repoman.errors.base import RepomanError


class InternalError(RepomanError):
    """A defect of ours; the request id finds it in the log."""


class DatabaseUnavailable(RepomanError):
    """The database does not answer, or is locked for too long."""

    status, code, title = 503, "database-unavailable", "Database unavailable"

    def headers(self) -> dict[str, str]:
        """RFC 9110 section 10.2.3, in seconds."""
        return {"Retry-After": "5"}


class StoreUnavailable(RepomanError):
    """The image store cannot be read or written."""

    status, code, title = 503, "store-unavailable", "Store unavailable"


class StoreFull(RepomanError):
    """The image store has no room for the file."""

    status, code, title = 507, "store-full", "Store full"

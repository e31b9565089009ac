"""When people are warned of the end of a certificate."""

from datetime import datetime, timedelta

from repoman.models import now

WARN = timedelta(days=30)
"""So long before its end. Of a proxy, which lives for hours, that of the certificate behind it."""


URGE = timedelta(days=14)
"""So long before its end, every page warns."""


def validity(not_after: datetime | None, before: timedelta = WARN) -> str:
    """Say what is to be said of an end: ``expired``, ``soon``, or nothing, ''."""
    if not_after is None or not_after - now() >= before:
        return ""
    return "soon" if not_after > now() else "expired"

"""Times as the API writes and reads them: RFC 3339 in UTC, whole seconds."""

import re
from datetime import UTC, datetime

_rfc3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def show(moment: datetime | None) -> str | None:
    """Write ``2026-11-24T05:37:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def read(text: str) -> datetime:
    """Read RFC 3339; a fraction of a second is dropped. Raises ValueError."""
    try:
        if not _rfc3339.fullmatch(text):
            raise ValueError  # noqa: TRY301 - one sentence for every way to be wrong
        return datetime.fromisoformat(text.upper()).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise ValueError("it must be a time such as 2026-11-24T05:37:00Z") from None

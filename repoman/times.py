"""Times as the API writes and reads them: in UTC, whole seconds.

RFC 3339, or C's ``ctime`` for the scripts of the first Repoman. Neither knows a locale.
"""

import re
from datetime import UTC, datetime
from typing import Literal

TimeFormat = Literal["rfc3339", "ctime"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_rfc3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_ctime = re.compile(
    r"([a-z]{3}) ([a-z]{3}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})", re.ASCII | re.IGNORECASE
)


def show(moment: datetime | None, time_format: TimeFormat) -> str | None:
    """Write ``2026-11-24T05:37:00Z`` or ``Tue Nov 24 05:37:00 2026``."""
    if moment is None:
        return None
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.ctime() if time_format == "ctime" else utc.isoformat(timespec="seconds") + "Z"


def read(text: str) -> datetime:
    """Read either form; a fraction of a second is dropped. Raises ValueError."""
    try:
        if _rfc3339.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC).replace(microsecond=0)
        return _read_ctime(text)
    except (ValueError, OverflowError):
        raise ValueError("it must be a time such as 2026-11-24T05:37:00Z") from None


def _read_ctime(text: str) -> datetime:
    match = _ctime.fullmatch(text)
    if match is None:
        raise ValueError(text)
    month = _MONTHS.index(match[2].lower()) + 1
    day, hour, minute, second, year = (int(number) for number in match.groups()[2:])
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    if _DAYS[moment.weekday()] != match[1].lower():
        raise ValueError("that date is another day of the week")
    return moment

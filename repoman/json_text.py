"""JSON as answers carry it, for people who use curl; and on one line, for logs and tables."""

from typing import Any

import simplejson


def to_json(value: Any, **options: Any) -> str:
    """Write ``value`` indented and ended by a line break. ``options`` are Pyramid's renderer's."""
    return simplejson.dumps(value, indent=2, **options) + "\n"


def to_line(value: Any) -> str:
    """Write ``value`` as JSON on one line of ASCII, without a line break."""
    return simplejson.dumps(value)


def from_line(text: str) -> Any:
    """Read what `to_line` wrote."""
    return simplejson.loads(text)

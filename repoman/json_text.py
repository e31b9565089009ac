"""JSON as answers carry it: indented and ended by a line break, for people who use curl."""

from typing import Any

import simplejson


def to_json(value: Any, **options: Any) -> str:
    """Write ``value`` as JSON. ``options`` are those that Pyramid's renderer adds."""
    return simplejson.dumps(value, indent=2, **options) + "\n"

"""The values of a deployment under Apache: the ``Define`` lines of its repoman.conf."""

import re

DEFINE = re.compile(
    r'^\s*Define\s+(\w+)(?:[ \t]+"?([^"\n]*?)"?)?\s*$', re.MULTILINE | re.IGNORECASE
)
VARIABLE = re.compile(r"\$\{(\w+)\}")


def read_defines(text: str) -> dict[str, str]:
    """Return name and value of each ``Define`` line, with variables of earlier lines put in."""
    found: dict[str, str] = {}
    for name, value in DEFINE.findall(text):
        found[name] = VARIABLE.sub(lambda match: found.get(match[1], match[0]), value)
    return found

"""What the tests' Apache loads in place of repoman.wsgi: the application of the test that asks.

The header X-Test names its ini section, a JSON file in the folder var beside this one.
"""

import json
from pathlib import Path
from threading import Lock

import repoman

VAR = Path(__file__).parents[1] / "var"
lock = Lock()
made = {}


def application(environ, start_response):
    """Call the test's application, made with its first request; the last test's has ended."""
    name = environ.pop("HTTP_X_TEST", None)
    if name is None:
        start_response("204 No Content", [])
        return []
    with lock:
        if name not in made:
            for ended in made.values():
                ended.sessions.engine.dispose()
            made.clear()
            made[name] = repoman.main({}, **json.loads((VAR / name).read_text()))
    return made[name](environ, start_response)

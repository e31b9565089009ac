"""What the tests' Apache loads in place of repoman.wsgi: the application of the test that asks.

The header X-Test names its ini section, a JSON file in the folder var beside this one.
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

sys.path.append(str(Path(__file__).parent))

from tests import engines, standing

engines.share()
VAR = Path(__file__).parents[1] / "var"
lock = Lock()
last = ExitStack()
made = {}


def application(environ, start_response):
    """Call the test's application, made with its first request; the last test's has ended."""
    name = environ.pop("HTTP_X_TEST", None)
    if name is None:
        start_response("204 No Content", [])
        return []
    with lock:
        if name not in made:
            made.clear()
            last.close()
            ini = json.loads((VAR / name).read_text())
            made[name] = last.enter_context(standing.serving(ini))
    return made[name](environ, start_response)

"""``repoman-admin`` of an installation, standing ready: a process that has imported it, and forks.

To import Repoman takes longer than most of its commands do, and the tests under Apache run some
hundred of them.
"""

import json
import subprocess
import tempfile
from pathlib import Path
from threading import Lock
from typing import Any

# The order holds what subprocess would have done before the program began.
RUNNER = """
import json, os, sys, traceback
from repoman.scripts.admin import main

for line in sys.stdin:
    order = json.loads(line)
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(order["stdout"], os.O_WRONLY), 1)
    os.dup2(os.open(order["stderr"], os.O_WRONLY), 2)
    os.environ.clear()
    os.environ.update(order["environment"])
    if "user" in order:
        os.setgroups(order["extra_groups"])
        os.setgid(order["group"])
        os.setuid(order["user"])
    code, sys.argv = 1, ["repoman-admin", *order["arguments"]]
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
"""


class Administrator:
    """Runs commands of the ``repoman-admin`` in ``venv``, each in a process of its own, in ``/``.

    It ends with the tests: the pipe from them closes then.
    """

    def __init__(self, venv: Path, environment: dict[str, str]) -> None:
        self._environment, self._lock = environment, Lock()
        self._process = subprocess.Popen(
            # Safe: what is installed and not what is in the folder of the tests.
            [venv / "bin/python", "-P", "-c", RUNNER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd="/",
            start_new_session=True,
        )

    def __call__(
        self, *arguments: object, environment: dict[str, str] | None = None, **user: Any
    ) -> subprocess.CompletedProcess:
        """Run a command, as another ``user`` (with ``group`` and ``extra_groups``) or our own."""
        with (
            self._lock,
            tempfile.NamedTemporaryFile("r") as out,
            tempfile.NamedTemporaryFile("r") as err,
        ):
            order = user | {
                "arguments": [*map(str, arguments)],
                "environment": environment or self._environment,
                "stdout": out.name,
                "stderr": err.name,
            }
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            return subprocess.CompletedProcess(arguments, code, out.read(), err.read())

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=20)

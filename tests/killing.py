"""``repoman-admin`` killed with SIGKILL before each of the steps that it takes on a disk."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# A process that imports everything once and forks for each run. The audit events of Python itself
# (PEP 578) tell of each file that is opened, linked, renamed or removed, before it is.
_RUNNER = """
import os, signal, sys
from repoman.scripts.admin import main

EVENTS = {"open", "os.link", "os.mkdir", "os.remove", "os.rename"}
folders, arguments = sys.argv[1].split(":"), sys.argv[2:]
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        left = int(line)

        def watch(event, values):
            global left
            if event in EVENTS and any(str(values[0]).startswith(one) for one in folders):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.addaudithook(watch)
        try:
            main(arguments)
        except SystemExit as end:
            os._exit(end.code or 0)
        os._exit(99)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def killed_at_each_step(arguments: list[str], *folders: Path) -> Iterator[int]:
    """Run the command again and again, and kill it before its first, second … step in ``folders``.

    Yields the number of the step when it is dead, and ends when a run comes to its end.
    """
    watched = ":".join(map(str, folders))
    process = subprocess.Popen(
        [sys.executable, "-c", _RUNNER, watched, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        for step in range(1, 1000):
            process.stdin.write(f"{step}\n")
            process.stdin.flush()
            ended = process.stdout.readline()
            if ended == "0\n":
                return
            assert ended == "-9\n", f"step {step} ended with {ended}"
            yield step
    raise AssertionError("it never ends")

"""Apache, as its own command shows and restarts it."""

import os
import re
import shlex
import subprocess
import time
from pathlib import Path

import click

SECONDS = 30
"""How long Apache may take for what it is asked, and to have restarted."""


class Apache:
    """Apache by its command, such as ``apache2ctl``, or ``apache2 -f FILE`` for one of several."""

    def __init__(self, command: str) -> None:
        self._command = shlex.split(command)

    def complaint(self) -> str | None:
        """Say what is wrong with its configuration, or None (configtest)."""
        ended = self._run("-t")
        return (ended.stdout + ended.stderr).strip() if ended.returncode else None

    def last_read(self) -> float | None:
        """Say when it last read its files, in seconds since 1970; None where it is not running.

        It writes its PID file when it starts and at every restart, when it has read them.
        """
        shown = self._run("-t", "-D", "DUMP_RUN_CFG").stdout
        found = re.search(r'^PidFile: "([^"]+)"', shown, re.MULTILINE)
        if found is None:
            raise click.ClickException(f"{shlex.join(self._command)} names no PID file.")
        try:
            path = Path(found[1])
            os.kill(int(path.read_text()), 0)
            return path.stat().st_mtime
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return None

    def restart_gracefully(self) -> None:
        """Have it read its files anew, and wait until it has. Raises click.ClickException."""
        before = self.last_read()
        ended = self._run("-k", "graceful")
        if ended.returncode:
            raise click.ClickException((ended.stdout + ended.stderr).strip())
        deadline = time.monotonic() + SECONDS
        while (read := self.last_read()) is None or read == before:
            if time.monotonic() > deadline:
                raise click.ClickException(
                    f"Apache has not restarted within {SECONDS} s; see its log."
                )
            time.sleep(0.1)

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(  # noqa: S603 - the administrator's own command
                [*self._command, *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=SECONDS,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired, IndexError) as error:
            raise click.ClickException(
                f"{shlex.join(self._command)!r} cannot be run ({error}); --apache names it."
            ) from None

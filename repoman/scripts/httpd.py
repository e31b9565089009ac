"""Apache, as its own command shows and restarts it."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click

SBIN = "/usr/sbin:/sbin"
SECONDS = 30
"""How long Apache may take for what it is asked, and to have restarted."""


class CannotRun(click.ClickException):
    """Apache's command is not there, or does not end."""


@dataclass(frozen=True)
class Apache:
    """Apache by its command: ``apache2ctl``, or ``apache2 -f FILE`` for one of several."""

    command: Sequence[str]

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command. Raises `CannotRun`."""
        try:
            return subprocess.run(  # noqa: S603 - the administrator's own command
                [*self.command, *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=SECONDS,
                stdin=subprocess.DEVNULL,
                # cron's PATH has not where Debian puts it.
                env={**os.environ, "LC_ALL": "C", "PATH": f"{os.environ.get('PATH', '')}:{SBIN}"},
            )
        except (OSError, subprocess.TimeoutExpired, IndexError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise CannotRun(
                f"{shlex.join(self.command)!r} cannot be run ({reason}); --apache names it"
            ) from None

    @cached_property
    def _settings(self) -> str:
        return self.run("-t", "-D", "DUMP_RUN_CFG").stdout

    def setting(self, pattern: str) -> str | None:
        """Find something in what it says of how it runs."""
        found = re.search(pattern, self._settings, re.MULTILINE)
        return found[1] if found else None

    def complaint(self) -> str | None:
        """Say what is wrong with its configuration, or None (configtest)."""
        ended = self.run("-t")
        return (ended.stdout + ended.stderr).strip() if ended.returncode else None

    def last_read(self) -> float | None:
        """Say when it last read its files, in seconds since 1970; None where it is not running.

        It writes its PID file when it starts and at every restart, when it has read them.
        """
        pid_file = Path(self.setting(r'^PidFile: "([^"]+)"') or "")
        try:
            Path("/proc", pid_file.read_text().strip(), "stat").read_bytes()
            return pid_file.stat().st_mtime
        except OSError:
            return None

    def restart_gracefully(self) -> None:
        """Have it read its files anew, and wait until it has. Raises click.ClickException."""
        before = self.last_read()
        ended = self.run("-k", "graceful")
        if ended.returncode:
            raise click.ClickException((ended.stdout + ended.stderr).strip())
        deadline = time.monotonic() + SECONDS
        while (read := self.last_read()) is None or read == before:
            if time.monotonic() > deadline:
                raise click.ClickException(
                    f"Apache has not restarted within {SECONDS} s; see its log."
                )
            time.sleep(0.1)

"""What Apache says of its own configuration."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from repoman.scripts.doctor.findings import NotChecked

SECONDS = 30
LOAD_MODULE = re.compile(r'^\s*LoadModule\s+(\w+)_module\s+"?([^"\s]+)"?', re.MULTILINE)
LIBPYTHON = re.compile(rb"libpython(3\.\d+)[a-z]*\.so")


@dataclass(frozen=True)
class Apache:
    """Apache's command, such as ``apache2ctl``, with the options that choose a configuration."""

    command: Sequence[str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Have it look at its configuration. Raises `NotChecked` where there is no such command."""
        try:
            return subprocess.run(  # noqa: S603 - the administrator's own command
                [*self.command, *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=SECONDS,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C"},
            )
        except (OSError, subprocess.TimeoutExpired, IndexError) as error:
            raise NotChecked(
                f"{' '.join(self.command)!r} cannot be run ({_reason(error)}); --apache names it"
            ) from None

    @cached_property
    def _settings(self) -> str:
        return self.run("-t", "-D", "DUMP_RUN_CFG").stdout

    def _setting(self, pattern: str) -> str | None:
        found = re.search(pattern, self._settings, re.MULTILINE)
        return found[1] if found else None

    @property
    def user(self) -> str | None:
        """Say whom its children run as, where it says so."""
        try:
            return self._setting(r'^User: name="([^"]+)"')
        except NotChecked:
            return None

    @property
    def last_read(self) -> float | None:
        """Say when it started or was reloaded, in seconds since 1970: it writes its PID file then.

        None where it does not run.
        """
        path = self._setting(r'^PidFile: "([^"]+)"')
        try:
            pid_file = Path(path or "")
            Path("/proc", pid_file.read_text().strip(), "stat").read_bytes()
            return pid_file.stat().st_mtime
        except OSError:
            return None

    @cached_property
    def _configuration(self) -> str:
        """Read all files of the configuration, which is possible also where it is wrong."""
        listed = self.run("-t", "-D", "DUMP_INCLUDES").stdout
        paths = re.findall(r"^\s+\([^)]*\) (.+)$", listed, re.MULTILINE)
        return "\n".join(
            Path(path).read_text(encoding="utf-8", errors="replace")
            for path in paths
            if Path(path).is_file()
        )

    @cached_property
    def modules(self) -> set[str]:
        """Name the modules that are loaded, without the ``mod_``."""
        listed = re.findall(r"^ (\w+)_module ", self.run("-M").stdout, re.MULTILINE)
        # A wrong configuration has no list, and what makes it wrong may be a missing module.
        return set(listed or (name for name, _ in LOAD_MODULE.findall(self._configuration)))

    @property
    def python(self) -> str | None:
        """Say which Python its mod_wsgi was built for, such as 3.11, where that can be seen."""
        paths = dict(LOAD_MODULE.findall(self._configuration))
        root = self._setting(r'^ServerRoot: "([^"]+)"') or "/"
        try:
            found = LIBPYTHON.search(Path(root, paths["wsgi"]).read_bytes())
        except (KeyError, OSError):
            return None
        return found[1].decode() if found else None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__

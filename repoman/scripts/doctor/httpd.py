"""What Apache says of its own configuration."""

import re
import subprocess
from functools import cached_property
from pathlib import Path

from repoman.scripts import httpd
from repoman.scripts.doctor.findings import NotChecked

LOAD_MODULE = re.compile(r'^\s*LoadModule\s+(\w+)_module\s+"?([^"\s]+)"?', re.MULTILINE)
LIBPYTHON = re.compile(rb"libpython(3\.\d+)[a-z]*\.so")


class Apache(httpd.Apache):
    """Apache, asked for what its configuration amounts to."""

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command. Raises `NotChecked` where there is no such command."""
        try:
            return super().run(*arguments)
        except httpd.CannotRun as error:
            raise NotChecked(error.message) from None

    @property
    def user(self) -> str | None:
        """Say whom its children run as, where it says so."""
        try:
            return self.setting(r'^User: name="([^"]+)"')
        except NotChecked:
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
        root = self.setting(r'^ServerRoot: "([^"]+)"') or "/"
        try:
            found = LIBPYTHON.search(Path(root, paths["wsgi"]).read_bytes())
        except (KeyError, OSError):
            return None
        return found[1].decode() if found else None

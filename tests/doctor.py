"""What ``repoman-admin doctor`` prints, in parts, and ways to break a deployment for a while."""

import os
import pwd
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from repoman.scripts.admin import main
from tests.server.running import Running, admin_command, free_port

LINE = re.compile(
    r"(ok|warning|FAILED|not checked) +"
    r"([A-Za-z0-9'][A-Za-z0-9' ]*?)(?:: |, because )(.*)"
)


ME = pwd.getpwuid(os.geteuid()).pw_name
LIVE = [
    "answers",
    "certificate shown",
    "TLS versions",
    "TLS sessions",
    "client certificates",
    "version",
    "health",
    "errors",
    "large uploads",
]
"""What asks the running server."""


@dataclass
class Report:
    """What was printed: ``states`` and ``texts`` by the title of the check, ``code`` at exit."""

    code: int
    printed: str
    states: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        for line in self.printed.splitlines():
            found = LINE.fullmatch(line)
            assert found, line
            state, title, text = found.groups()
            assert title not in self.states, line
            self.states[title], self.texts[title] = state, text
        assert self.code == (1 if "FAILED" in self.states.values() else 0), self.printed

    @property
    def not_ok(self):
        """Return the states that are not ok; the room of the tests' own disk does not count."""
        return {
            title: state
            for title, state in self.states.items()
            if state != "ok" and not (title == "store's room" and "is little" in self.texts[title])
        }

    def not_checked(self):
        """Return the titles of what was not checked."""
        return [title for title, state in self.states.items() if state == "not checked"]

    def broken(self):
        """Return the state of what is a warning or failed."""
        return {title: one for title, one in self.not_ok.items() if one != "not checked"}


def fake_timedatectl(folder: Path, answer: str) -> Path:
    """Write a ``timedatectl`` that says this, and return the folder to put first into PATH."""
    folder.mkdir(exist_ok=True)
    program = folder / "timedatectl"
    program.write_text(f"#!/bin/sh\necho {answer}\n")
    program.chmod(0o755)
    return folder


@contextmanager
def replaced(path: Path, text: str | None):
    """Let a file hold something else for a while; with None, be away."""
    before, mode = path.read_text(), path.stat().st_mode
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    try:
        yield
    finally:
        path.write_text(before)
        path.chmod(mode)


class Deployment:
    """The ini file and the files of certificates, in ``folder``; the server need not run."""

    def __init__(self, folder: Path, app: dict[str, str], authority) -> None:
        self.folder, self.app, self.authority = folder, dict(app), authority
        self.config, self.port = folder / "site.ini", free_port()
        self.holder = authority.issue("/O=Test Grid/CN=localhost", hostnames=["localhost"])
        self.revoked = authority.issue("/O=Test Grid/CN=Ann Lee")
        self.certificate, self.key = folder / "server.pem", folder / "server.key"
        self.ca, self.crl = folder / "ca.pem", folder / "crl.pem"
        self.certificate.write_text(self.holder.pem)
        self.key.write_text(self.holder.key_pem)
        self.key.chmod(0o600)
        self.ca.write_text(authority.pem)
        self.crl.write_text(authority.revoke([self.revoked.certificate.serial_number]))
        self.server = {
            "use": "egg:repoman#https",
            "port": self.port,
            "certificate": self.certificate,
            "key": self.key,
            "ca": self.ca,
            "crl": self.crl,
            "workers": 1,
        }
        self.write()

    def write(self) -> None:
        """Write the ini file, after a change of ``app`` or ``server``."""
        lines = ["[app:main]", "use = egg:repoman"]
        lines += [f"{key} = {value}".replace("%", "%%") for key, value in self.app.items()]
        lines += ["[server:main]", *(f"{key} = {value}" for key, value in self.server.items())]
        self.config.write_text("\n".join([*lines, ""]))
        self.config.chmod(0o600)

    def admin(self, *arguments, **options):
        """Run a command of ``repoman-admin``."""
        return CliRunner().invoke(
            main, ["--config", str(self.config), *map(str, arguments)], **options
        )

    def doctor(self, *options, live: bool = False) -> Report:
        """Run the doctor; without ``live``, `LIVE` is left out, and out of the report."""
        more = [] if live else ["--offline"]
        if "--user" not in options:
            more += ["--user", ME]
        result = self.admin("doctor", *more, *options)
        assert result.stderr == ""
        assert isinstance(result.exception, SystemExit | None), result.exception
        report = Report(result.exit_code, result.stdout)
        if not live:
            left_out = [report.states.pop(title, "not checked") for title in LIVE]
            assert set(left_out) == {"not checked"}
        return report


@contextmanager
def serving(deployment):
    """Run its embedded server."""
    running = Running(
        admin_command("serve", config=deployment.config), deployment.folder, deployment.port
    )
    try:
        yield running
    finally:
        running.stop()

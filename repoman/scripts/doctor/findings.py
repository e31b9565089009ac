"""What a check finds, and the one line in which it is said."""

import re
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands with what was looked at."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Finding:
    """What was ``seen``; where it is not ok, the ``remedy`` is a sentence or a command."""

    state: State
    seen: str
    remedy: str = ""

    def line(self, title: str) -> str:
        """Write the line of the check of that title."""
        joint = ", because " if self.state is State.NOT_CHECKED else ": "
        text = f"{self.state:<12} {title}{joint}{self.seen.rstrip('. ')}. {self.remedy}"
        # Messages of OpenSSL, Apache and PostgreSQL may go over several lines. A command that
        # stands last is to be copied without a full stop.
        line = re.sub(r"\s*\n\s*", " ", text.rstrip(". "))
        # Names in certificates are whatever somebody put there: nothing for a terminal to obey.
        return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line)


class NotChecked(Exception):
    """A check that cannot be made; the message says why."""


def ok(seen: str) -> Finding:
    """Make the finding that all is well."""
    return Finding(State.OK, seen)


def warning(seen: str, remedy: str) -> Finding:
    """Make the finding that something is not as it should be, though it works."""
    return Finding(State.WARNING, seen, remedy)


def failed(seen: str, remedy: str) -> Finding:
    """Make the finding that something does not work, or is not safe."""
    return Finding(State.FAILED, seen, remedy)


def first_not_ok(findings: list[Finding]) -> Finding | None:
    """Choose the finding to show of several about one thing: a failure before a warning."""
    for state in (State.FAILED, State.WARNING):
        for finding in findings:
            if finding.state is state:
                return finding
    return None

"""The clock: whether it is kept right, and whether all whose time counts agree."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, NotChecked, failed, ok, warning

MOST_APART = 5.0
"""Seconds."""
ASK = ("timedatectl", "show", "-p", "NTPSynchronized", "--value")


def check_synchronised(deployed: Deployed) -> Finding:
    """Something keeps the clock right."""
    try:
        told = subprocess.run(ASK, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 - a constant
    except (OSError, subprocess.TimeoutExpired):
        raise NotChecked("there is no timedatectl to ask") from None
    match told.stdout.strip():
        case "yes":
            return ok("synchronised, says timedatectl")
        case "no":
            return warning("nothing keeps it right", "timedatectl set-ntp true")
    raise NotChecked(f"timedatectl does not say ({told.stderr.strip() or told.stdout.strip()})")


def check_agreement(deployed: Deployed) -> Finding:
    """The database, the store's filesystem and the server have the time of this system."""
    asked, wrong = [], []
    for name, seconds in _differences(deployed):
        asked.append(name)
        if abs(seconds) > MOST_APART:
            wrong.append(f"{name} is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}")
    if wrong:
        return failed(
            f"the clocks differ: {', '.join(wrong)} of this system",
            "Keep the clock of each of these machines right: timedatectl set-ntp true",
        )
    if not asked:
        raise NotChecked("there is nothing to compare this system's time with")
    return ok(f"this system, {', '.join(asked)}: within {MOST_APART:.0f} s")


def _differences(deployed: Deployed) -> Iterator[tuple[str, float]]:
    """Yield how many seconds each is ahead of this system, as far as each can be asked."""
    for name, ask in (
        ("the database", _database),
        ("the store", _store),
        ("the server", _server),
    ):
        try:
            yield name, ask(deployed)
        except (NotChecked, OSError, SQLAlchemyError, ValueError, TypeError):
            continue  # what is wrong there, its own checks have said


def _database(deployed: Deployed) -> float:
    if deployed.sessions.engine.dialect.name == "sqlite":
        raise NotChecked("SQLite has no clock of its own")
    with deployed.reading() as session:
        session.connection()
        before = time.time()
        theirs = float(session.scalar(text("SELECT extract(epoch FROM now())")) or 0)
        return _apart(theirs, before, time.time())


def _store(deployed: Deployed) -> float:
    with deployed.as_server():
        before = time.time()
        with tempfile.TemporaryFile(dir=deployed.store.partial, buffering=0) as file:
            file.write(b"check")
            theirs = os.fstat(file.fileno()).st_mtime
        return _apart(theirs, before, time.time())


def _server(deployed: Deployed) -> float:
    answer = deployed.entrance
    theirs = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    # It is in whole seconds, the last one that had begun.
    return _apart(theirs, answer.time - 1, answer.time)


def _apart(theirs: float, before: float, after: float) -> float:
    """Return how far a time lies outside of the two that it must be between."""
    return max(theirs - after, 0.0) or min(theirs - before, 0.0)

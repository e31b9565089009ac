"""The folder in which the processes of one server put their values together.

Each process has a file of its own, ``values-…``, and holds its lock. What processes counted that
have ended is added up in the file ``ended``, and their files are removed: a counter never goes
back, and there are as many files as processes. That happens when a process begins to count, and
when somebody asks, under the lock of the folder. Nothing is synced: after a loss of power some of
it may begin at 0 again, which Prometheus knows how to read.
"""

import errno
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from repoman.logs import get_logger
from repoman.metrics.families import Key, is_counted
from repoman.metrics.values import ValueFile, read_values
from repoman.names import new_uuid
from repoman.storage.medium import try_lock

log = get_logger(__name__)

PREFIX = "values-"
PATIENCE_SECONDS, PAUSE_SECONDS = 3.0, 0.01
"""How long the lock of the folder is waited for. It takes milliseconds to read it."""


@dataclass
class Ended:
    """What processes counted that have ended.

    ``files`` are their files: they are in the sum already, though they may still be there, where
    the process that added them up was killed before it had removed them.
    """

    values: dict[Key, float] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


class Folder:
    """See the module. All methods raise OSError where the folder cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ended = path / "ended"

    def prepare(self) -> None:
        """Make the folder, and see that files can be made in it."""
        self.path.mkdir(mode=0o750, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=self.path).close()

    def create(self) -> ValueFile:
        """Make the file of a process that begins to count."""
        with suppress(BlockingIOError), self._locked(0):
            self._totals()
        path = self.path / f"{PREFIX}{new_uuid()}"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Somebody may have taken it for that of an ended process before the lock.
            if os.fstat(descriptor).st_nlink:
                return ValueFile(descriptor)
            os.close(descriptor)

    def totals(self) -> dict[Key, float]:
        """Return the sums over all processes, and tidy up after those that have ended."""
        with self._locked(PATIENCE_SECONDS):
            return self._totals()

    def _totals(self) -> dict[Key, float]:
        ended = self._read_ended()
        totals, gone = dict(ended.values), {}
        for path in sorted(self.path.glob(f"{PREFIX}*")):
            if path.name in ended.files:
                with suppress(OSError):
                    path.unlink()
                continue
            values, lives = _read(path)
            add(totals, values)
            if not lives:
                gone[path] = values
        if gone:
            self._add_up(ended, gone)
        return totals

    def _add_up(self, ended: Ended, gone: Mapping[Path, dict[Key, float]]) -> None:
        """Add ended processes to the sum, then remove their files."""
        for values in gone.values():
            add(ended.values, values)
        left = [name for name in ended.files if (self.path / name).exists()]
        ended.files = left + [path.name for path in gone]
        try:
            self._write_ended(ended)
            for path in gone:
                path.unlink(missing_ok=True)
        except OSError as error:
            # They are counted all the same, and tidied up another time.
            log.warning("metrics not tidied up", folder=str(self.path), reason=str(error))

    def _read_ended(self) -> Ended:
        try:
            found = json.loads(self._ended.read_bytes())
            values = {
                tuple(key): float(value)
                for key, value in found["values"]
                if all(isinstance(word, str) for word in key)
            }
            counted = {key: value for key, value in values.items() if is_counted(key, ended=True)}
            return Ended(counted, list(found["files"]))
        except FileNotFoundError:
            return Ended()
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            log.warning("metrics begin anew", file=str(self._ended), reason=str(error))
            return Ended()

    def _write_ended(self, ended: Ended) -> None:
        text = json.dumps({"files": ended.files, "values": [*ended.values.items()]})
        new = self.path / "ended.new"
        new.touch(mode=0o640)
        new.write_text(text)
        new.replace(self._ended)

    @contextmanager
    def _locked(self, seconds: float) -> Iterator[None]:
        """Have the folder for oneself, among the threads of this process too.

        Raises BlockingIOError where somebody else has it for longer than that: a process that was
        stopped at such a moment must not stop all others.
        """
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        deadline = time.monotonic() + seconds
        try:
            while not try_lock(descriptor):
                if time.monotonic() >= deadline:
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(self.path))
                time.sleep(PAUSE_SECONDS)
            yield
        finally:
            os.close(descriptor)


def _read(path: Path) -> tuple[dict[Key, float], bool]:
    """Return what a process has counted, and whether it lives; without gauges where it does not."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        lives = not try_lock(file.fileno())
        values = read_values(file.fileno())
        return {k: v for k, v in values.items() if is_counted(k, ended=not lives)}, lives
    return {}, True


def add(totals: dict[Key, float], values: Mapping[Key, float]) -> None:
    """Add ``values`` to ``totals``."""
    for key, value in values.items():
        totals[key] = totals.get(key, 0.0) + value

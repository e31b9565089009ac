"""What one process has counted: in memory, and in a file where other processes are to read it."""

import os
import threading

from repoman.logs import get_logger
from repoman.metrics.families import Key
from repoman.metrics.folder import Folder
from repoman.metrics.values import ValueFile

log = get_logger(__name__)


class Tally:
    """Counts; without a folder, for this process alone.

    Servers make the application in one process and use it in others, forked from that one: each
    begins at nothing, with a file of its own, when it first counts.
    """

    def __init__(self, folder: Folder | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._values: dict[Key, float] = {}
        self._file: ValueFile | None = None
        self._failing = False

    def add(self, *changes: tuple[Key, float]) -> None:
        """Add to values. Where the file fails, they are right in memory and written next time."""
        with self._lock:
            if self._pid != os.getpid():
                self._begin_process()
            for key, amount in changes:
                self._values[key] = self._values.get(key, 0.0) + amount
            if self._folder is not None:
                self._save(self._folder, [key for key, _ in changes])

    def totals(self) -> dict[Key, float]:
        """Return the sums over all processes.

        Where the folder fails, nothing: the values of one process alone would look as if all
        counters had begun anew.
        """
        if self._folder is not None:
            try:
                return self._folder.totals()
            except OSError as error:
                log.error("metrics cannot be read", reason=str(error))
                return {}
        with self._lock:
            return dict(self._values) if self._pid == os.getpid() else {}

    def close(self) -> None:
        """Have this process count as ended."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _begin_process(self) -> None:
        """Leave to the process that this one was forked from what is its own."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._pid, self._values = os.getpid(), {}

    def _save(self, folder: Folder, keys: list[Key]) -> None:
        try:
            if self._file is not None and not self._file.is_there:
                self._file.close()
                self._file = None
            if self._file is None:
                self._file = folder.create()
                keys = list(self._values)
            for key in keys:
                self._file.write(key, self._values[key])
        except OSError as error:
            if not self._failing:
                log.error("metrics cannot be written", folder=str(folder.path), reason=str(error))
            self._failing = True
        else:
            self._failing = False

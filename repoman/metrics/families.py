"""Every metric on one page. REST.markdown has the same table.

Labels are few and of few values: never a user, an image or a path, for each value is a series that
Prometheus keeps.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Key = tuple[str, ...]
"""One value: the metric's name and the values of its labels.

A histogram has several for the same labels, told apart by one word more: the upper bound of a
bucket, whose observations are counted without those of lower ones, or `SUM`.
"""

SUM = "sum"
ENDLESS = float("inf")


class Direction(StrEnum):
    """Where a file goes."""

    UPLOAD = "upload"
    DOWNLOAD = "download"


@dataclass(frozen=True)
class Family:
    """A metric; ``buckets`` are a histogram's upper bounds.

    ``always`` are values of the one label that are shown from the beginning, as 0.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    always: tuple[str, ...] = ()

    def holds(self, key: Key) -> bool:
        """Say whether a key, such as one from a file of an earlier version, is of this form."""
        words = key[1 + len(self.labels) :]
        if self.kind != "histogram":
            return len(key) == 1 + len(self.labels)
        return len(words) == 1 and words[0] in {SUM, *map(str, self.buckets)}


_directions = tuple(str(one) for one in Direction)

REQUESTS = Family(
    "repoman_requests_total",
    "counter",
    "Requests that have ended, by the status of the answer.",
    ("method", "route", "status"),
)
ERRORS = Family(
    "repoman_errors_total",
    "counter",
    "Answers that were errors, by the code in X-Repoman-Error.",
    ("code",),
)
CUT_OFF = Family(
    "repoman_answers_cut_off_total",
    "counter",
    "Answers that were not sent to their end.",
    ("route",),
)
DURATION = Family(
    "repoman_request_duration_seconds",
    "histogram",
    "Time to the end of the answer, of requests that transferred no file.",
    ("route",),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, ENDLESS),
)
TRANSFER_DURATION = Family(
    "repoman_transfer_duration_seconds",
    "histogram",
    "Time to the end of the answer, of requests that transferred a file.",
    ("direction",),
    (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 10800.0, ENDLESS),
)
RUNNING = Family(
    "repoman_transfers_running",
    "gauge",
    "Files being transferred at this moment.",
    ("direction",),
    always=_directions,
)
RECEIVED = Family(
    "repoman_received_bytes_total",
    "counter",
    "Bytes of request bodies that were read.",
    ("route",),
)
SENT = Family(
    "repoman_sent_bytes_total",
    "counter",
    "Bytes of answers' bodies that were sent.",
    ("route",),
)
CONNECTIONS = Family(
    "repoman_database_connections_in_use",
    "gauge",
    "Database connections in use at this moment.",
)

_figures = (
    ("database_up", "Whether the database answers (1) or not (0)."),
    ("users", "Users."),
    ("groups", "Groups."),
    ("images", "Images."),
    ("blobs", "Stored files that the database knows."),
    ("blob_bytes", "Their bytes."),
    ("damaged_blobs", "Those of them that are damaged and that images name."),
    ("store_up", "Whether the store answers (1) or not (0)."),
    ("store_free_bytes", "Bytes that can still be written to the store's filesystem."),
    ("store_size_bytes", "Size of the store's filesystem in bytes."),
)
BUILD = Family("repoman_build_info", "gauge", "Always 1.", ("version",))

COUNTED = (
    REQUESTS,
    ERRORS,
    CUT_OFF,
    DURATION,
    TRANSFER_DURATION,
    RUNNING,
    RECEIVED,
    SENT,
    CONNECTIONS,
)
"""What each process counts."""

FIGURES = tuple(Family(f"repoman_{name}", "gauge", text) for name, text in _figures)
"""What whoever is asked finds out: `repoman.services.usage`."""

FAMILIES = (*COUNTED, *FIGURES, BUILD)

_counted = {family.name: family for family in COUNTED}


def is_counted(key: Key, *, ended: bool) -> bool:
    """Say whether a value that a process has left counts; a gauge ends with its process."""
    family = _counted.get(key[0]) if key else None
    return family is not None and family.holds(key) and not (ended and family.kind == "gauge")

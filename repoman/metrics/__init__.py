"""What `/metrics` tells, in the text format of Prometheus.

`families` lists every metric; `tally` counts in one process, `folder` puts the processes together,
`page` writes the text. None of it may break a request: what cannot be written is counted on in
memory, and the log says so once.
"""

from pathlib import Path

from repoman.metrics.families import Direction
from repoman.metrics.folder import Folder
from repoman.metrics.metrics import Metrics
from repoman.metrics.tally import Tally
from repoman.settings import InvalidSetting

__all__ = ["Direction", "Metrics", "make_metrics"]


def make_metrics(path: Path | None) -> Metrics:
    """Make the metrics of an application, kept in a folder where they are those of several.

    Raises `InvalidSetting` for a folder that cannot be made or written to.
    """
    if path is None:
        return Metrics(Tally())
    folder = Folder(path)
    try:
        folder.prepare()
    except OSError as error:
        raise InvalidSetting(
            "repoman.metrics",
            f"{path} must be a folder that this user can make and write to ({error.strerror})",
        ) from None
    return Metrics(Tally(folder))

"""Figures over time as shapes of SVG, in a square of 1000 by 1000 that the page stretches.

The numbers beside a plot are HTML, so that they keep their size on a narrow screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

SIDE = 1000


@dataclass(frozen=True)
class Plot:
    """One figure: ``line`` and ``area`` are SVG path data, ``top`` what the upper edge stands for.

    ``first`` and ``last`` are the times of the left and the right edge.
    """

    line: str
    area: str
    top: int
    first: datetime
    last: datetime


def plot(times: Sequence[datetime], values: Sequence[int]) -> Plot | None:
    """Plot values of 0 and more, in the order of their times; None where two times are lacking."""
    if len(times) < 2 or times[0] == times[-1]:
        return None
    span, top = (times[-1] - times[0]).total_seconds(), max(*values, 1)
    points = " L".join(
        f"{(time - times[0]).total_seconds() / span * SIDE:.1f} {SIDE - value / top * SIDE:.1f}"
        for time, value in zip(times, values, strict=True)
    )
    line = f"M{points}"
    return Plot(line, f"{line} V{SIDE} H0 Z", top, times[0], times[-1])


def shares(values: Sequence[int]) -> list[float]:
    """Return how long the bar of each value is, of 100 for the largest."""
    top = max(values, default=0)
    return [value / top * 100 if top else 0.0 for value in values]

"""Values to the text format of Prometheus, version 0.0.4, by its own library."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from repoman.metrics.families import FAMILIES, SUM, Family, Key

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

Rows = dict[tuple[str, ...], float]
"""The values of a family by what stands in the key behind its name."""


def page(values: Mapping[Key, float]) -> bytes:
    """Write what is known, and the names of what is not."""
    return generate_latest(_Values(values))


class _Values(Collector):
    def __init__(self, values: Mapping[Key, float]) -> None:
        self._rows: dict[str, Rows] = {}
        for key, value in values.items():
            self._rows.setdefault(key[0], {})[key[1:]] = value

    def collect(self) -> Iterable[Metric]:
        for family in FAMILIES:
            rows: Rows = {(value,): 0.0 for value in family.always}
            rows |= self._rows.get(family.name, {})
            yield _writers[family.kind](family, dict(sorted(rows.items())))


def _counter(family: Family, rows: Rows) -> Metric:
    made = CounterMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in rows.items():
        made.add_metric(labels, value)
    return made


def _gauge(family: Family, rows: Rows) -> Metric:
    made = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in rows.items():
        made.add_metric(labels, value)
    return made


def _histogram(family: Family, rows: Rows) -> Metric:
    made = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for labels in dict.fromkeys(row[:-1] for row in rows):
        buckets = list(_cumulated(family, rows, labels))
        made.add_metric(labels, buckets, rows.get((*labels, SUM), 0.0))
    return made


def _cumulated(family: Family, rows: Rows, labels: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """Count in each bucket those of the lower ones too, as Prometheus does."""
    count = 0.0
    for bound in family.buckets:
        count += rows.get((*labels, str(bound)), 0.0)
        yield floatToGoString(bound), count


_writers: dict[str, Callable[[Family, Rows], Metric]] = {
    "counter": _counter,
    "gauge": _gauge,
    "histogram": _histogram,
}

"""What ``/metrics`` tells, read as Prometheus reads it."""

from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families
from webtest import TestApp

LOCAL = {"REMOTE_ADDR": "127.0.0.1"}


class Scrape:
    """The samples of one answer."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self.types = {family.name: family.type for family in self.families}

    def series(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of every sample of that name."""
        return [
            (one.labels, one.value)
            for family in self.families
            for one in family.samples
            if one.name == name
        ]

    def __call__(self, name: str, **labels: str) -> float:
        """Add up the samples of that name with at least these labels."""
        wanted = labels.items()
        return sum(value for found, value in self.series(name) if wanted <= found.items())

    def counters(self) -> dict[tuple, float]:
        """Return all that may never become less."""
        return {
            (one.name, *sorted(one.labels.items())): one.value
            for family in self.families
            for one in family.samples
            if family.type in {"counter", "histogram"}
        }


def went_back(earlier: Scrape, later: Scrape) -> list[tuple]:
    """List the counters that have become less, which may never be."""
    now = later.counters()
    return [key for key, value in earlier.counters().items() if now.get(key, 0.0) < value]


def scraper(application) -> Callable[[], Scrape]:
    """Return what asks as Prometheus on the server itself does."""
    client = TestApp(application, extra_environ=LOCAL)
    return lambda: Scrape(client.get("/metrics", status=200).text)

"""What is counted, as it stands on the page."""

import pytest

from repoman.metrics import make_metrics
from repoman.metrics.page import page


def answered(seconds, direction=None):
    metrics = make_metrics(None)
    for one in seconds:
        metrics.answer(
            "GET",
            "raw",
            200,
            None,
            direction=direction,
            seconds=one,
            cut_off=False,
            received=0,
            sent=0,
        )
    return page(metrics.tally.totals()).decode().splitlines()


@pytest.mark.parametrize(
    ("seconds", "bounds"),
    [
        ([0, 0.004, 0.005], ("0.005", 3, "0.01", 3, "+Inf", 3)),
        ([0.0051, 0.01, 0.02], ("0.005", 0, "0.01", 2, "0.025", 3, "+Inf", 3)),
        ([10, 10.5, 1000], ("5.0", 0, "10.0", 1, "+Inf", 3)),
    ],
)
def test_a_duration_is_in_the_buckets_of_its_bound_and_above(seconds, bounds):
    lines = answered(seconds)
    name = "repoman_request_duration_seconds"
    for bound, count in zip(bounds[::2], bounds[1::2], strict=True):
        assert f'{name}_bucket{{le="{bound}",route="raw"}} {count}.0' in lines
    assert f'{name}_count{{route="raw"}} 3.0' in lines
    assert f'{name}_sum{{route="raw"}} {float(sum(seconds))}' in lines


def test_a_transfer_has_buckets_of_its_own():
    lines = answered([0.05, 7200], "download")
    name = "repoman_transfer_duration_seconds"
    for bound, count in (("0.1", 1), ("3600.0", 1), ("10800.0", 2), ("+Inf", 2)):
        assert f'{name}_bucket{{direction="download",le="{bound}"}} {count}.0' in lines
    assert not any(line.startswith("repoman_request_duration_seconds_") for line in lines)


def test_a_new_page_names_every_metric_and_shows_that_no_transfer_runs():
    lines = page({}).decode().splitlines()
    assert len([line for line in lines if line.startswith("# TYPE repoman_")]) == 20
    assert [line for line in lines if not line.startswith("#")] == [
        'repoman_transfers_running{direction="download"} 0.0',
        'repoman_transfers_running{direction="upload"} 0.0',
    ]

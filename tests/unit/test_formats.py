"""Sizes and times as pages write them."""

from datetime import UTC, datetime, timedelta

import pytest

from repoman.pages.formats import GIB, age, exact, gib, moment, plural, typed_size, utc
from repoman.settings import parse_size

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "written"),
    [
        (0, "0 GiB"),
        (1, "< 0.001 GiB"),
        (GIB // 1000, "< 0.001 GiB"),
        (300 << 20, "0.293 GiB"),
        (GIB - 1, "1.00 GiB"),
        (GIB, "1.00 GiB"),
        (GIB * 9994 // 1000, "9.99 GiB"),
        (GIB * 9996 // 1000, "10.0 GiB"),
        (GIB * 125 // 10, "12.5 GiB"),
        (GIB * 9996 // 100, "100 GiB"),
        (GIB * 1234, "1,234 GiB"),
    ],
)
def test_sizes_have_three_digits(size, written):
    assert gib(size) == written


@pytest.mark.parametrize("text", ["", "0", "1023", "1K", "1536M", "500G", "2T", "1025K"])
def test_a_size_is_typed_exactly_as_it_is_read(text):
    size = parse_size(text) if text else None
    assert typed_size(size) == text


@pytest.mark.parametrize(
    ("past", "written"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=-59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=-5, minutes=-1), "in 5 days"),
        (timedelta(days=59), "1 month ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_ages_are_in_the_largest_unit(past, written):
    assert age(NOW - past, NOW) == written


def test_times_are_read_in_both_forms_of_the_api():
    assert moment("2026-11-29T12:00:00Z") == NOW == moment("Sun Nov 29 12:00:00 2026")
    assert utc(NOW) == "2026-11-29 12:00 UTC"


def test_numbers_have_all_digits_and_words_their_plural():
    assert exact(1048576) == "1,048,576 bytes"
    assert [plural(1, "file"), plural(2, "person", "people")] == ["1 file", "2 people"]

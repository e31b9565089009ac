"""Range headers, against a model that counts bytes one by one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoman.errors import RangeNotSatisfiable
from repoman.ranges import MOST, ByteRange, parse_ranges

positions = st.integers(0, 40)
specs = st.one_of(
    st.tuples(positions, positions),
    st.tuples(positions, st.none()),
    st.tuples(st.none(), positions),
)
sizes = st.integers(1, 30)


def write(spec) -> str:
    first, last = spec
    return f"{'' if first is None else first}-{'' if last is None else last}"


def model(wanted: list, size: int) -> list[list[int]] | str | None:
    """List the bytes of each range; None for the whole file, "none" where there is no byte."""
    if not wanted or len(wanted) > MOST:
        return None
    found = []
    for first, last in wanted:
        if first is None:
            found.append([at for at in range(size) if at >= size - last])
        elif last is not None and last < first:
            return None
        else:
            found.append([at for at in range(size) if at >= first and (last is None or at <= last)])
    found = [each for each in found if each]
    if not found:
        return "none"
    flat = [at for each in found for at in each]
    return None if len(flat) != len(set(flat)) else found


@given(st.lists(specs, max_size=MOST + 2), sizes, st.sampled_from([",", ", ", " ,,\t"]))
def test_parse_ranges_agrees_with_the_model(wanted, size, comma):
    header = "bytes=" + comma.join(map(write, wanted))
    expected = model(wanted, size)
    try:
        found = parse_ranges(header, size)
    except RangeNotSatisfiable as error:
        found, headers = "none", error.headers()
        assert headers == {"Content-Range": f"bytes */{size}"}
    if isinstance(found, list):
        found = [list(range(one.start, one.stop)) for one in found]
    assert found == expected


@given(st.text(max_size=40), sizes)
def test_no_header_makes_it_fail_otherwise(text, size):
    for header in (text, f"bytes={text}", f"BYTES={text}-{text}"):
        try:
            found = parse_ranges(header, size)
        except RangeNotSatisfiable:
            continue
        for one in found or ():
            assert 0 <= one.start < one.stop <= size


@given(st.text("0123456789-, ", max_size=20), sizes)
def test_digits_and_dashes_do_not_either(text, size):
    try:
        found = parse_ranges(f"bytes={text}", size)
    except RangeNotSatisfiable:
        return
    if found is None:
        return
    assert all(re.fullmatch(r"\d*-\d*", part.strip()) for part in text.split(",") if part.strip())


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=1-2-3",
        "bytes=5-4",
        "bytes=0-1,5-4",
        "bytes=+1-2",
        "bytes=0x1-2",
        "bytes=1 - 2",
        "bytes=\u0661-\u0662",
        "items=0-1",
        "bytes 0-1/10",
        f"bytes=0-{'9' * 5000}",
    ],
)
def test_what_is_no_byte_range_is_ignored(header):
    assert parse_ranges(header, 10) is None


def test_a_range_ends_with_the_file():
    assert parse_ranges("bytes=0-", 10) == [ByteRange(0, 10)]
    assert parse_ranges("bytes=3-99", 10) == [ByteRange(3, 10)]
    assert parse_ranges("bytes=-99", 10) == [ByteRange(0, 10)]
    assert parse_ranges("bytes=-3", 10) == [ByteRange(7, 10)]
    assert parse_ranges("Bytes = 9-9 , 0-0", 10) == [ByteRange(9, 10), ByteRange(0, 1)]


def test_ranges_that_touch_do_not_overlap():
    assert parse_ranges("bytes=0-1,2-3", 10) == [ByteRange(0, 2), ByteRange(2, 4)]
    assert parse_ranges("bytes=5-,0-4", 10) == [ByteRange(5, 10), ByteRange(0, 5)]
    assert parse_ranges("bytes=0-2,2-3", 10) is None


def test_ranges_beyond_the_file_are_dropped_while_one_is_within():
    assert parse_ranges("bytes=10-11, 0-1, -0", 10) == [ByteRange(0, 2)]
    with pytest.raises(RangeNotSatisfiable):
        parse_ranges("bytes=10-11, -0", 10)


def test_sixteen_ranges_are_served_and_seventeen_are_not():
    header = ",".join(f"{at}-{at}" for at in range(0, 34, 2))
    assert parse_ranges(f"bytes={header}", 100) is None
    assert len(parse_ranges(f"bytes={header.rpartition(',')[0]}", 100)) == MOST

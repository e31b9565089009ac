"""Request bodies as streams, as each of the servers in front gives them."""

import io
import itertools
from types import SimpleNamespace

import pytest
from gunicorn.http.errors import ChunkMissingTerminator, NoMoreData
from hypothesis import given
from hypothesis import strategies as st

from repoman import streams
from repoman.errors import IncompleteBody, InvalidParameter, LengthRequired, MalformedBody
from repoman.multiparts import file_part
from repoman.server.bodies import PromptingReader
from tests.wsgi import MIB, Noise, Source, Untouchable, multipart


def environ(source, length=None, **more):
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    length = chunked if length is None else {"CONTENT_LENGTH": str(length)}
    return {"wsgi.input": source} | length | more


@given(st.binary(max_size=2000), st.integers(1, 700))
def test_a_body_comes_whole_however_the_network_cuts_it(data, step):
    for length in (len(data), None):
        chunks = list(streams.body_chunks(environ(Source(data, step=step), length)))
        assert b"".join(chunks) == data
        assert all(0 < len(chunk) <= streams.CHUNK for chunk in chunks)


def test_no_byte_after_the_content_length_is_asked_for():
    source = io.BytesIO(b"the file and the next request")
    assert b"".join(streams.body_chunks(environ(source, 8))) == b"the file"
    assert source.read() == b" and the next request"


def test_a_body_without_length_has_no_bytes_and_is_not_read():
    for more in ({}, {"CONTENT_LENGTH": ""}, {"CONTENT_LENGTH": "0"}):
        assert list(streams.body_chunks({"wsgi.input": Untouchable()} | more)) == []
        assert streams.announced_length(more) == 0


def test_no_read_asks_for_more_than_a_chunk():
    asked = []

    class Asked(Noise):
        def read(self, size):
            asked.append(size)
            return super().read(size)

    for length in (MIB, None):
        assert sum(map(len, streams.body_chunks(environ(Asked(MIB), length)))) == MIB
    assert set(asked) <= set(range(1, streams.CHUNK + 1))


ENDINGS = (OSError("gone"), NoMoreData())


@pytest.mark.parametrize(
    ("ending", "length"), [(None, 11), *itertools.product(ENDINGS, (11, None))]
)
def test_a_body_that_breaks_off_is_incomplete(ending, length):
    stream = streams.body_chunks(environ(Source(b"ten bytes.", ending=ending, step=10), length))
    assert next(stream) == b"ten bytes."
    with pytest.raises(IncompleteBody):
        next(stream)


def test_the_embedded_server_says_of_a_broken_chunk_what_mod_wsgi_says():
    source = Source(b"", ending=ChunkMissingTerminator(b""))
    body = SimpleNamespace(reader=source)
    reader = PromptingReader(SimpleNamespace(body=body, must_close=False), None, expects=False)
    with pytest.raises(OSError, match="broken"):
        reader.read(10)


def test_a_chunked_body_is_refused_where_nothing_marks_its_end():
    chunked = {"HTTP_TRANSFER_ENCODING": "Chunked", "CONTENT_LENGTH": "5"}
    with pytest.raises(LengthRequired):
        streams.announced_length(chunked)
    assert streams.announced_length(chunked | {"wsgi.input_terminated": True}) is None


@pytest.mark.parametrize("length", ["-1", "+1", "1.0", "1_000", "x", " 1", "\u0661", "9" * 101])
def test_a_length_that_is_no_number_is_refused(length):
    with pytest.raises(InvalidParameter):
        streams.announced_length({"CONTENT_LENGTH": length})


# The file in a form


@given(st.binary(min_size=1, max_size=3000), st.integers(1, 900))
def test_the_file_in_a_form_comes_whole_however_it_is_cut(data, step):
    body = multipart(data, boundary="a-boundary-that-random-bytes-lack")
    chunks = streams.body_chunks(environ(Source(body, step=step), len(body)))
    found = file_part(chunks, "a-boundary-that-random-bytes-lack")
    assert b"".join(found) == data


@given(st.data())
def test_a_form_cut_short_is_malformed(data):
    body = multipart(b"a file")
    end = data.draw(st.integers(0, len(body) - 3))  # without its last line break it is whole
    with pytest.raises(MalformedBody):
        list(file_part([body[:end]] if end else [], "limit"))

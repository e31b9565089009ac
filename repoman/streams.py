"""The request's body as a stream of chunks, whatever server is in front."""

import re
from collections.abc import Generator
from typing import Any

from repoman.errors import IncompleteBody, InvalidParameter, LengthRequired

Chunks = Generator[bytes, None, None]
"""A stream of bytes; closing it ends what reading it has begun, such as a hashing thread."""

CHUNK = 256 * 1024
"""Bytes a read: a client that goes away costs at most the bytes of one read."""


_length = re.compile(r"[0-9]{1,100}", re.ASCII)


def announced_length(environ: dict[str, Any]) -> int | None:
    """Return the body's Content-Length in bytes, 0 where there is no body, None if chunked.

    Raises `InvalidParameter` for a length that is no number, and `LengthRequired` where the server
    does not mark the end of a chunked body (``wsgi.input_terminated``).
    """
    coding = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
    if coding not in {"", "chunked"}:
        raise InvalidParameter(
            "Of transfer codings, only chunked is known here.", field="Transfer-Encoding"
        )
    if coding:
        if not environ.get("wsgi.input_terminated"):
            raise LengthRequired("Send a Content-Length; this server takes no chunked bodies.")
        return None
    text = environ.get("CONTENT_LENGTH") or "0"
    if not _length.fullmatch(text):
        raise InvalidParameter("Content-Length must be a number of bytes.", field="Content-Length")
    return int(text)


def body_chunks(environ: dict[str, Any]) -> Chunks:
    """Yield the body in chunks of at most `CHUNK` bytes.

    Raises `IncompleteBody` where it ends before its announced length: mod_wsgi raises OSError
    then, gunicorn returns a short read.
    """
    length = announced_length(environ)
    read = environ["wsgi.input"].read
    left = length
    while left is None or left > 0:
        try:
            chunk = read(CHUNK if left is None else min(CHUNK, left))
        except OSError as error:
            raise IncompleteBody("The body broke off before its end; send it again.") from error
        if not chunk:
            if left is None:
                return
            raise IncompleteBody(
                f"The body ended {left} bytes before its Content-Length; send it again.",
                limit=length,
            )
        if left is not None:
            left -= len(chunk)
        yield chunk

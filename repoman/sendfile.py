"""Having the web server send a file in our place: X-Sendfile, as Apache's mod_xsendfile reads it.

What a client gets is the same with it and without it. The web server looks at the request's range
and conditions once more, by its own reading. So it is left only what it reads as we do, see
`is_understood`: all refusals, 304 and answers of several parts are made here. No client is told a
path, for the web server says by the variable `UNDERSTOOD` that it takes the header away.
"""

import os
import re
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from pyramid.request import Request
from pyramid.response import Response

from repoman.errors import StoreUnavailable
from repoman.ranges import ByteRange

UNDERSTOOD = "REPOMAN_SENDFILE"
"""Of the WSGI environ, where no client sets it: which of `Settings.sendfile` the server is for."""

READ_OTHERWISE = ("If-Match", "If-Modified-Since", "If-Unmodified-Since", "Request-Range")
"""Apache looks at the second date where RFC 9110 has it ignored, and knows ranges of 1995."""

_one_range = re.compile(r"bytes=([0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})", re.ASCII)


def is_understood(request: Request, wanted: list[ByteRange] | None) -> bool:
    """Say whether the web server would answer this request for a file as we do.

    ``wanted`` are the ranges that count, None for the whole file.
    """
    how = request.settings.sendfile
    if how == "none" or request.environ.get(UNDERSTOOD) != how or request.method != "GET":
        return False
    if any(name in request.headers for name in READ_OTHERWISE):
        return False
    header = request.headers.get("Range")
    return header is None or (wanted is not None and bool(_one_range.fullmatch(header)))


def hand_over(response: Response, opened: BinaryIO, path: Path, size: int) -> None:
    """Make an answer of 200 without body that names the file, and close the file.

    It was opened, since a missing one is our error and not the web server's. Raises
    `StoreUnavailable` where the stored file has not the ``size`` that it should have: the web
    server would send what is there as if it were all.
    """
    with opened:
        stored = os.fstat(opened.fileno()).st_size
    if stored != size:
        raise StoreUnavailable(f"The stored file has {stored} bytes and not {size}.")
    response.app_iter = []
    # Were the header not understood, a client would see that the body is missing.
    response.content_length = size
    # mod_xsendfile decodes what is encoded.
    response.headers["X-Sendfile"] = quote(str(path.absolute()))

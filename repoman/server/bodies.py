"""Request bodies that the application may refuse before they are sent.

gunicorn says ``100 Continue`` before the application runs, and keeps a connection alive whose
request body nobody read. Here a client that sent ``Expect`` is told to go on when, and only if,
the application reads; and an answer given before a large body was read closes the connection.
"""

from typing import Any

from gunicorn.http.errors import ParseException

SMALL_BODY = 64 * 1024
"""What gunicorn itself discards to keep a connection alive, in bytes."""


def before_request(worker: Any, request: Any) -> None:
    """Take over the body of a request; gunicorn's ``pre_request`` hook, after its head is read."""
    connection = request.unreader.sock
    connection.head_complete()
    expects = bool(getattr(request, "_expected_100_continue", False))
    request._expected_100_continue = False
    length = getattr(request.body.reader, "length", None)  # None when chunked
    if length == 0 or (length is not None and length <= SMALL_BODY and not expects):
        return
    request.body.reader = PromptingReader(request, connection, expects)


class PromptingReader:
    """A reader of gunicorn's that asks for the body when it is first read.

    Until the body has been read to its end, the request counts as one after which the connection
    closes, and an answer that is sent before says so.
    """

    def __init__(self, request: Any, connection: Any, expects: bool) -> None:
        self._request, self._reader = request, request.body.reader
        self._connection, self._expects = connection, expects
        self._must_close = request.must_close
        request.must_close = True

    def read(self, size: int) -> bytes:
        """Read up to that many bytes; b"" at the end. Raises OSError when the client is gone."""
        if self._expects and not self._connection.answering:
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._connection.answering = False
        self._expects = False
        try:
            data: bytes = self._reader.read(size)
        except ParseException as error:
            # As mod_wsgi says it: the application need not know which server is in front.
            raise OSError("the chunked body is broken") from error
        if not data or getattr(self._reader, "length", None) == 0:
            self._request.must_close = self._must_close
        return data

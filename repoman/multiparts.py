"""The one file in a ``multipart/form-data`` body (RFC 7578), as a stream."""

from collections.abc import Iterable, Iterator

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from repoman.errors import (
    MalformedBody,
    MissingParameter,
    RepeatedParameter,
    UnknownParameter,
)


def file_part(chunks: Iterable[bytes], boundary: str) -> Iterator[bytes]:
    """Yield the bytes of the part ``file``, of which there must be exactly one and no other.

    Raises `MalformedBody`, `UnknownParameter`, `RepeatedParameter`, `MissingParameter`; at the end
    of the stream at the latest, before anything becomes visible.
    """
    found = False
    try:
        with PushMultipartParser(boundary, strict=True) as parser:
            for chunk in chunks:
                for event in parser.parse(chunk):
                    if isinstance(event, MultipartSegment):
                        _check_name(event.name, found)
                        found = True
                    elif event:
                        yield bytes(event)
    except MultipartError as error:
        raise MalformedBody(f"The multipart body cannot be read: {error}.") from None
    if not found:
        raise MissingParameter("Send the file as curl -F file=@FILE does.", field="file")


def _check_name(name: str, found: bool) -> None:
    if name != "file":
        raise UnknownParameter(
            f"Send one part named 'file' and no other; there is {name[:100]!r}.", field=name[:100]
        )
    if found:
        raise RepeatedParameter("There are two parts named 'file'; send one.", field="file")

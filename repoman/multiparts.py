"""The one file in a ``multipart/form-data`` body (RFC 7578), as a stream."""

from collections.abc import Callable, Iterable, Mapping

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from repoman.errors import (
    MalformedBody,
    MissingParameter,
    RepeatedParameter,
    UnknownParameter,
    UnsupportedMediaType,
)
from repoman.streams import Chunks

FORM_ITSELF = 64 * 1024
"""Bytes of a body that are none of its file's at most, unless somebody means to waste them:
boundaries, and eight header lines of 4 KiB, which is all that the parser takes."""

FIELD_MAX = 4096
"""Bytes of a field before the file, at most."""

Checks = Mapping[str, Callable[[str], None]]
"""Fields that must come before the file, and what is called with the value of each."""

_AS_THEY_ARE = frozenset({"7bit", "8bit", "binary"})


def file_part(chunks: Iterable[bytes], boundary: str, checks: Checks | None = None) -> Chunks:
    """Yield the bytes of the part ``file``, of which there must be exactly one and no other.

    But for the fields of ``checks``, which are checked before the file's first byte. Raises
    `MalformedBody`, `UnknownParameter`, `RepeatedParameter`, `MissingParameter`,
    `UnsupportedMediaType`; at the end of the stream at the latest, before anything becomes visible.
    """
    found = False
    fields = _Fields(checks or {})
    try:
        with PushMultipartParser(boundary, strict=True) as parser:
            for chunk in chunks:
                for event in parser.parse(chunk):
                    if fields.take(event):
                        continue
                    if isinstance(event, MultipartSegment):
                        _check(event, found)
                        found = True
                        # What may follow the last boundary, such as a line break in a chunk of
                        # its own, is none of ours (RFC 2046 section 5.1.1).
                        parser.strict = False
                    elif event:
                        yield bytes(event)
    except MultipartError as error:
        raise MalformedBody(f"The multipart body cannot be read: {error}.") from None
    if not found:
        raise MissingParameter("Send the file as curl -F file=@FILE does.", field="file")


class _Fields:
    """Takes the fields before the file, and checks each when it has come to its end."""

    def __init__(self, checks: Checks) -> None:
        self._waiting = dict(checks)
        self._name: str | None = None
        self._value = bytearray()

    def take(self, event: MultipartSegment | bytearray | None) -> bool:
        """Say whether this belongs to a field. Raises `MissingParameter`, `MalformedBody`."""
        if isinstance(event, MultipartSegment):
            if event.name not in self._waiting and self._waiting:
                missing = next(iter(self._waiting))
                raise MissingParameter(f"Before the file comes {missing!r}.", field=missing)
            self._name = event.name if event.name in self._waiting else None
        elif self._name is not None and event is None:
            self._waiting.pop(self._name)(self._value.decode(errors="replace"))
            self._name, self._value = None, bytearray()
            return True
        elif self._name is not None and event is not None:
            self._value += event
            if len(self._value) > FIELD_MAX:
                raise MalformedBody(f"{self._name!r} takes {FIELD_MAX} bytes at most.")
        return self._name is not None


def _check(part: MultipartSegment, found: bool) -> None:
    name = part.name
    if name != "file":
        raise UnknownParameter(
            f"Send one part named 'file' and no other; there is {name[:100]!r}.", field=name[:100]
        )
    if found:
        raise RepeatedParameter("There are two parts named 'file'; send one.", field="file")
    # RFC 7578 section 4.7 deprecates it; its encodings would be stored as the file.
    if part.header("Content-Transfer-Encoding", "binary").lower() not in _AS_THEY_ARE:
        raise UnsupportedMediaType("Send the file's bytes as they are: curl -F file=@FILE.")

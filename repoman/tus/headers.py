"""The headers of tus: reading those of a request."""

import base64
import binascii
import re
from collections.abc import Mapping

from repoman.digests import parse_checksum
from repoman.errors import InvalidParameter, MissingParameter

EXTENSIONS = ("creation", "creation-with-upload", "checksum", "expiration", "termination")
ALGORITHMS = {"sha1": 20, "sha256": 32, "sha512": 64}
"""Of checksums, by hashlib's names, with the bytes of each."""

RESUMABLE, OFFSET, LENGTH = "Tus-Resumable", "Upload-Offset", "Upload-Length"
METADATA, EXPIRES, CHECKSUM = "Upload-Metadata", "Upload-Expires", "Upload-Checksum"
CHUNK_TYPE = "application/offset+octet-stream"
"""The Content-Type of a part of a file."""

NOT_TAKEN = {
    "Upload-Defer-Length": "say the file's length in Upload-Length",
    "Upload-Concat": "send the file as one upload",
}
"""Headers of extensions that are not here, and what to do instead."""

_number = re.compile(r"[0-9]{1,100}", re.ASCII)
_key = re.compile(r"[!-+\--~]+", re.ASCII)  # printable, without comma


def number(headers: Mapping[str, str], name: str) -> int:
    """Read a number of bytes. Raises `MissingParameter`, `InvalidParameter`."""
    text = headers.get(name)
    if text is None:
        raise MissingParameter(f"tus wants the header {name}, a number of bytes.", field=name)
    if not _number.fullmatch(text.strip()):
        raise InvalidParameter(f"{name} must be a number of bytes.", field=name)
    return int(text)


def new_length(headers: Mapping[str, str]) -> int:
    """Read how long the file of a new upload is. Raises as `number` does."""
    for name, instead in NOT_TAKEN.items():
        if name in headers:
            raise InvalidParameter(f"{name} is not supported here; {instead}.", field=name)
    return number(headers, LENGTH)


def parse_metadata(text: str | None) -> dict[str, str]:
    """Read Upload-Metadata: ``key BASE64, key BASE64``, where a value may be missing.

    Bytes that are not UTF-8 become U+FFFD: only of what we know ourselves it counts what they are.
    Raises `InvalidParameter`.
    """
    found: dict[str, str] = {}
    for pair in text.split(",") if text and text.strip() else ():
        key, _, value = pair.strip(" ").partition(" ")
        try:
            if not _key.fullmatch(key) or key in found:
                raise ValueError(key)  # noqa: TRY301 - one sentence for every way to be wrong
            found[key] = base64.b64decode(value.strip(" "), validate=True).decode(errors="replace")
        except (ValueError, binascii.Error):
            raise InvalidParameter(
                "Upload-Metadata must look like image BASE64,filename BASE64, each key once.",
                field=METADATA,
            ) from None
    return found


def file_checksum(metadata: Mapping[str, str]) -> dict[str, bytes]:
    """Read what the key ``checksum`` says of the whole file: ``sha256:HEX`` or ``sha256=HEX``.

    Returns the digest by hashlib's name. Raises `InvalidParameter`.
    """
    text = metadata.get("checksum")
    return {} if text is None else parse_checksum(text, f"checksum in {METADATA}", METADATA)


def chunk_checksum(headers: Mapping[str, str]) -> dict[str, bytes]:
    """Read Upload-Checksum, as in ``sha1 BASE64``, of the bytes in this request.

    Returns the digest by hashlib's name. Raises `InvalidParameter`.
    """
    text = headers.get(CHECKSUM)
    if text is None:
        return {}
    name, _, value = text.strip().partition(" ")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except (ValueError, binascii.Error):
        digest = b""
    if len(digest) != ALGORITHMS.get(name):
        raise InvalidParameter(
            f"{CHECKSUM} must be one of {', '.join(ALGORITHMS)}, a blank, and the digest of this "
            "request's body in base64.",
            field=CHECKSUM,
        )
    return {name: digest}

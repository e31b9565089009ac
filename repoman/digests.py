"""The digests that a client gives for what it sends, and computing them while it streams.

``Repr-Digest`` and ``X-Repoman-Checksum`` cover the whole file, ``Content-Digest`` this message's
content (RFC 9530).
"""

import base64
import binascii
import hashlib
import hmac
import queue
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Protocol

from repoman.errors import ContentMismatch, DigestMismatch, InvalidParameter
from repoman.streams import Chunks

ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512"}
"""RFC 9530's names, and hashlib's."""

_member = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):\s*")
_checksum = re.compile(r"sha256[=:]([0-9A-Fa-f]{64})")


def parse_digest_field(header: str, value: str | None) -> dict[str, bytes]:
    """Read a dictionary of byte sequences (RFC 8941), as in ``sha-256=:…:, sha-512=:…:``.

    Returns the digests by hashlib's names; algorithms that we do not compute are passed over, as
    RFC 9530 wants. Raises `InvalidParameter`.
    """
    found: dict[str, bytes] = {}
    for part in value.split(",") if value else ():
        match = _member.fullmatch(part)
        try:
            if match is None:
                raise ValueError(part)  # noqa: TRY301 - one sentence for every way to be wrong
            digest = base64.b64decode(match[2], validate=True)
        except (ValueError, binascii.Error):
            raise InvalidParameter(
                f"{header} must look like sha-256=:BASE64: (RFC 9530).", field=header
            ) from None
        name = ALGORITHMS.get(match[1])
        if name is None:
            continue
        if len(digest) != hashlib.new(name).digest_size:
            raise InvalidParameter(
                f"The {match[1]} in {header} has not the length of such a digest.", field=header
            )
        found[name] = digest
    return found


def file_digests(headers: Mapping[str, str]) -> dict[str, bytes]:
    """Read what the client says of the whole file. Raises `InvalidParameter`."""
    found = parse_digest_field("Repr-Digest", headers.get("Repr-Digest"))
    checksum = headers.get("X-Repoman-Checksum")
    if checksum is not None:
        given = parse_checksum(checksum, "X-Repoman-Checksum", "X-Repoman-Checksum")
        found = united(found, given, "Repr-Digest and X-Repoman-Checksum", "X-Repoman-Checksum")
    return found


def parse_checksum(text: str, what: str, field: str) -> dict[str, bytes]:
    """Read ``sha256=HEX`` or ``sha256:HEX``. Raises `InvalidParameter`, which names ``what``."""
    match = _checksum.fullmatch(text.strip())
    if match is None:
        raise InvalidParameter(f"{what} must look like sha256=HEX.", field=field)
    return {"sha256": bytes.fromhex(match[1])}


def united(
    one: Mapping[str, bytes], other: Mapping[str, bytes], what: str, field: str
) -> dict[str, bytes]:
    """Put together what is said of one file in two places. Raises `InvalidParameter`."""
    if any(one.get(name, digest) != digest for name, digest in other.items()):
        raise InvalidParameter(f"{what} contradict each other.", field=field)
    return {**one, **other}


def content_digests(headers: Mapping[str, str]) -> dict[str, bytes]:
    """Read what the client says of this message's content. Raises `InvalidParameter`."""
    return parse_digest_field("Content-Digest", headers.get("Content-Digest"))


class Consumer(Protocol):
    """What looks at a stream besides the digests."""

    def update(self, chunk: bytes, /) -> None:
        """Take the next bytes."""


class Hasher:
    """Computes digests in a second thread, while the first reads and writes.

    hashlib releases the interpreter's lock. At most `DEPTH` chunks wait, so memory stays flat.
    ``consumers`` get the same chunks in the same thread, each after the digests.
    """

    DEPTH = 8

    def __init__(self, algorithms: Iterable[str], *consumers: Consumer) -> None:
        self._hashes = {name: hashlib.new(name) for name in algorithms}
        self._consumers: list[Consumer] = [*self._hashes.values(), *consumers]
        self._chunks: queue.Queue[bytes | None] = queue.Queue(self.DEPTH)
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None

    def update(self, chunk: bytes) -> None:
        """Hand over a chunk; waits while `DEPTH` are still to be hashed."""
        if not self._consumers:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self._chunks.put(chunk)

    def _run(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            if self._failure is None:
                try:
                    for consumer in self._consumers:
                        consumer.update(chunk)
                # Kept for `close`: were nobody there to take chunks, `update` would wait for ever.
                except Exception as failure:
                    self._failure = failure

    def close(self) -> dict[str, bytes]:
        """Wait for the thread and return the digests by name. May be repeated.

        Raises what a consumer raised.
        """
        if self._thread is not None:
            self._chunks.put(None)
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            raise self._failure
        return {name: digest.digest() for name, digest in self._hashes.items()}


def verify(
    expected: Mapping[str, bytes],
    found: Mapping[str, bytes],
    what: str = "file",
    mismatch: type[DigestMismatch] = DigestMismatch,
) -> None:
    """Raise ``mismatch`` where a digest that the client gave is not the one computed."""
    for name, digest in expected.items():
        if not hmac.compare_digest(digest, found[name]):
            raise mismatch(
                f"The {name} of the {what} received is {found[name].hex()}, not {digest.hex()}; "
                "send it again. The image is as it was."
            )


def verified(
    chunks: Iterable[bytes],
    expected: Mapping[str, bytes],
    mismatch: type[ContentMismatch] = ContentMismatch,
) -> Chunks:
    """Pass chunks through; raise ``mismatch`` at their end where they are not those meant."""
    hasher = Hasher(expected)
    try:
        for chunk in chunks:
            hasher.update(chunk)
            yield chunk
    finally:
        digests = hasher.close()
    verify(expected, digests, "content", mismatch)

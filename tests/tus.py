"""A client of tus, as small as can be, through WebTest."""

import base64
import hashlib

from tests.factories import FILE

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = "application/offset+octet-stream"


def b64(text: str | bytes) -> str:
    """Write base64."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def metadata(**values: str) -> str:
    """Write Upload-Metadata."""
    return ",".join(f"{key} {b64(value)}" for key, value in values.items())


def checksum(data: bytes, algorithm: str = "sha1") -> dict[str, str]:
    """Write Upload-Checksum."""
    return {"Upload-Checksum": f"{algorithm} {b64(hashlib.new(algorithm, data).digest())}"}


def create(client, body=b"", *, path="/api/uploads", headers=(), **options):
    """Begin an upload, by default of `FILE` to ``debian12``, and return the answer."""
    sent = TUS | {"Upload-Length": str(len(FILE))}
    if path == "/api/uploads":
        sent["Upload-Metadata"] = metadata(image="debian12", filename="disk.img")
    if body:
        sent["Content-Type"] = CHUNK
    return client.post(path, body, headers=without_none(sent | dict(headers)), **options)


def head(client, url, **options):
    """Ask how far it has come."""
    return client.head(url, headers=TUS, **options)


def patch(client, url, offset, data, *, headers=(), **options):
    """Send a part."""
    sent = TUS | {"Upload-Offset": str(offset), "Content-Type": CHUNK}
    return client.patch(url, data, headers=without_none(sent | dict(headers)), **options)


def without_none(headers: dict[str, str | None]) -> dict[str, str]:
    """Leave out headers that a test takes away."""
    return {name: value for name, value in headers.items() if value is not None}

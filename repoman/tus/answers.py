"""What tus's answers say, all of it in headers."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

from pyramid.response import Response

from repoman.models import Upload
from repoman.tus.headers import EXPIRES, LENGTH, METADATA, OFFSET


def answer(status: int, told: Mapping[str, str]) -> Response:
    """Make an answer without a body."""
    response = Response(status=status)
    response.content_type = None
    response.headers.update(told)
    return response


def progress(offset: int, expires: datetime | None = None) -> dict[str, str]:
    """Say how much has arrived, and until when that is kept; of a whole file there is no such."""
    told = {OFFSET: str(offset)}
    return told | ({} if expires is None else {EXPIRES: format_datetime(expires, usegmt=True)})


def state(upload: Upload, arrived: int) -> dict[str, str]:
    """Say how far an upload has come, which nobody may keep for later."""
    told = progress(arrived, upload.expires) | {"Cache-Control": "no-store"}
    if upload.file_length is not None:
        told[LENGTH] = str(upload.file_length)
    if upload.tus_metadata is not None:
        told[METADATA] = upload.tus_metadata
    return told

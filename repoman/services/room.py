"""Room for a file: the most bytes that it may have, and the part of the disk that stays free.

Pure rules of the settings and the store. What people may use of it is `repoman.services.quotas`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from repoman.errors import FileTooLarge, RepomanError, StoreFull
from repoman.settings import Settings
from repoman.storage import Store
from repoman.streams import Chunks

STEP = 64 << 20
"""Bytes of a stream between two looks at the free disk."""


class Coming(NamedTuple):
    """How many bytes a file on its way has, at ``least`` and at ``most``.

    With a declared length the two are one. Of a chunked body nothing is known but that it is not
    empty; of a form only the length of all, a little of which is the form itself.
    """

    least: int = 1
    most: int | None = None


class Limit(NamedTuple):
    """The most bytes that a file may have, and what is raised of a larger one."""

    most: int
    refusal: RepomanError


def size_limits(settings: Settings) -> list[Limit]:
    """Return what ``repoman.max_image_size`` sets as limit, if anything."""
    most = settings.max_image_size
    if most is None:
        return []
    detail = f"This server takes files of at most {most} bytes; the image is as it was."
    return [Limit(most, FileTooLarge(detail, limit=most))]


def check(limits: Iterable[Limit], coming: Coming) -> None:
    """Raise the refusal of the first limit that the file cannot but pass."""
    for limit in limits:
        if coming.least > limit.most:
            raise limit.refusal


def check_free(store: Store, settings: Settings, size: int) -> None:
    """Raise `StoreFull` where ``size`` bytes more would leave less than ``repoman.min_free``."""
    if store.free() - size < settings.min_free:
        raise StoreFull(
            f"The image store has no room for {size} bytes more; the image is as it was. "
            "Tell an administrator.",
            limit=size,
        )


def admit(store: Store, settings: Settings, coming: Coming, *, arrived: int = 0) -> list[Limit]:
    """Check a file of which some bytes have ``arrived``, and return the limits of its size.

    Raises `FileTooLarge`, `StoreFull`.
    """
    limits = size_limits(settings)
    check(limits, coming)
    check_free(store, settings, coming.least - arrived)
    return limits


def bounded(
    chunks: Iterable[bytes], limits: Sequence[Limit], store: Store, settings: Settings, start: int
) -> Chunks:
    """Pass chunks through; raise the tightest limit's refusal, or `StoreFull`, as soon as due.

    The limits are of the whole file, of which ``start`` bytes are there already. The free disk is
    looked at every `STEP` bytes: others fill it too.
    """
    tightest = min(limits, key=lambda limit: limit.most, default=None)
    size = looked = start
    for chunk in chunks:
        size += len(chunk)
        if tightest is not None and size > tightest.most:
            raise tightest.refusal
        if size - looked >= STEP:
            check_free(store, settings, 0)
            looked = size
        yield chunk

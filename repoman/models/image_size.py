"""Keeps `Image.size`, a copy of what files and hypervisors say, so that lists can sort by it.

Done whenever such a row is written, and not by those who write it, of whom one would forget it.
Only changes through the ORM are seen: a bulk INSERT, UPDATE or DELETE of these rows must set
``size`` itself.
"""

from typing import Any

from sqlalchemy import Connection, event, func, select, update

from repoman.models.blob import Blob, ImageFile
from repoman.models.image import NO_FILE, Image, ImageHypervisor

_first = (
    select(ImageHypervisor.hypervisor)
    .where(ImageHypervisor.image_id == Image.id)
    .order_by(ImageHypervisor.position)
    .limit(1)
    .correlate(Image)
    .scalar_subquery()
)
_size = (
    select(Blob.size)
    .join(ImageFile, ImageFile.blob_id == Blob.id)
    .where(ImageFile.image_id == Image.id, ImageFile.hypervisor == _first, ImageFile.current)
    .correlate(Image)
    .scalar_subquery()
)
PRIMARY_SIZE = func.coalesce(_size, NO_FILE)
"""SQL for an image: bytes of its first hypervisor's current file, or `NO_FILE`."""


def keep(mapper: Any, connection: Connection, row: ImageFile | ImageHypervisor) -> None:
    """Set the size of the image that ``row`` is of, in the transaction that writes ``row``."""
    connection.execute(update(Image).where(Image.id == row.image_id).values(size=PRIMARY_SIZE))


def watch() -> None:
    """Call `keep` for every row that the ORM writes."""
    for kind in (ImageFile, ImageHypervisor):
        for moment in ("after_insert", "after_update", "after_delete"):
            event.listen(kind, moment, keep)

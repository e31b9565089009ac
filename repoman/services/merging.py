"""Merging: of blobs with the same bytes, one is kept, and every image that names another gets it.

It is the collector's work, after reading both, and never an upload's: so nobody learns by uploading
what others keep. What nobody names any more by then, the collector removes after its grace time.
A blob that is damaged is replaced by one that is not, and the images that name it are whole again.
"""

import hashlib
from collections.abc import Iterator

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from repoman.errors import StoreUnavailable
from repoman.models import Blob, Image, ImageFile, Sessions
from repoman.services import integrity
from repoman.storage import Store

_LABEL = ("format", "virtual_size", "compression", "dangers")


def pairs(sessions: Sessions) -> list[tuple[Blob, Blob]]:
    """Find blobs that have an equal by size and digest, each with the one to take its place.

    That is the oldest that is not damaged. Those that no version names are left out: they go.
    """
    extra, kept = aliased(Blob), aliased(Blob)
    twins = and_(
        kept.sha256 == extra.sha256,
        kept.size == extra.size,
        kept.id != extra.id,
        kept.damaged.is_(None),
    )
    statement = (
        select(extra.id, func.min(kept.id))
        .join(kept, twins)
        .where(
            or_(extra.damaged.is_not(None), kept.id < extra.id),
            extra.id.in_(select(ImageFile.blob_id)),
            kept.id.in_(select(ImageFile.blob_id)),
        )
        .group_by(extra.id)
        .order_by(extra.id)
    )
    with sessions.reading() as session:
        found = session.execute(statement).all()
        keys = {key for pair in found for key in pair}
        blobs = {blob.id: blob for key in keys if (blob := session.get(Blob, key))}
    return [(blobs[one], blobs[other]) for one, other in found]


def merge(sessions: Sessions, store: Store, *, dry_run: bool) -> Iterator[tuple[Blob, str]]:
    """Merge all that can be; yield each blob with what became of it, or in a dry run might.

    Nothing is merged beside a backup or a restore. Raises `StoreUnavailable`.
    """
    for extra, kept in pairs(sessions):
        # A damaged one cannot be compared; its place is taken by one that has the digest.
        if not (extra.damaged or _look_alike(extra, kept)):
            continue
        if dry_run:
            yield extra, f"would be merged into {kept.uuid} if it has the same bytes"
            continue
        if not (extra.damaged or _are_equal(store, extra, kept)):
            yield from _flawed(sessions, store, extra, kept)
        elif extra.damaged and integrity.examine(sessions, store, kept):
            continue
        else:
            with store.collecting() as allowed:
                if allowed:
                    replace(sessions, extra, kept)
                    yield extra, f"merged into {kept.uuid}"


def _look_alike(extra: Blob, kept: Blob) -> bool:
    """Say whether the same was found of both: what their images say must not change."""
    if extra.format is None or kept.format is None:
        return extra.format is kept.format
    return all(getattr(extra, name) == getattr(kept, name) for name in _LABEL)


def _are_equal(store: Store, extra: Blob, kept: Blob) -> bool:
    """Compare two files byte for byte, and one of them with the digest."""
    digest = hashlib.sha256()
    try:
        with store.open(extra.uuid) as one, store.open(kept.uuid) as other:
            while chunk := one.read(integrity.CHUNK):
                if chunk != other.read(integrity.CHUNK):
                    return False
                digest.update(chunk)
            return not other.read(1) and digest.hexdigest() == kept.sha256
    except (StoreUnavailable, OSError):
        return False


def _flawed(
    sessions: Sessions, store: Store, extra: Blob, kept: Blob
) -> Iterator[tuple[Blob, str]]:
    for blob in (extra, kept):
        flaw = integrity.examine(sessions, store, blob)
        if flaw:
            yield blob, f"damaged: its file {flaw}"


def replace(sessions: Sessions, extra: Blob, kept: Blob) -> None:
    """Have all versions that name ``extra`` name ``kept``, image by image.

    Each image is locked for a moment, as for any other change: whoever copies it, or puts a version
    back, has named one of the two by then. Ends early where ``kept`` was collected, or was found to
    be damaged.
    """
    named = select(ImageFile.image_id).where(ImageFile.blob_id == extra.id).distinct()
    with sessions.reading() as session:
        images = session.scalars(named.order_by(ImageFile.image_id)).all()
    for image in images:
        with sessions.changing.begin() as session:
            if not _replace_in(session, image, extra, kept):
                return


def _replace_in(session: Session, image: int, extra: Blob, kept: Blob) -> bool:
    session.execute(select(Image.id).where(Image.id == image).with_for_update(key_share=True))
    usable = select(Blob.id).where(Blob.id == kept.id, Blob.damaged.is_(None))
    if session.scalar(usable.with_for_update(read=True, key_share=True)) is None:
        return False
    session.execute(
        update(ImageFile)
        .where(ImageFile.image_id == image, ImageFile.blob_id == extra.id)
        .values(blob_id=kept.id)
    )
    return True


def heal(sessions: Sessions, uuid: str) -> None:
    """Have a blob that has just come in take the place of damaged ones of its size and digest."""
    new, old = aliased(Blob), aliased(Blob)
    same = and_(old.sha256 == new.sha256, old.size == new.size, old.damaged.is_not(None))
    with sessions.reading() as session:
        found = session.execute(select(old, new).join(new, same).where(new.uuid == uuid)).all()
    for extra, kept in found:
        replace(sessions, extra, kept)

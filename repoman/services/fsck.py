"""The check of database and store against each other, both ways, without reading any file.

Beside a running server rows and files come and go. So what seems to be wrong is asked for once
more before it is told.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from sqlalchemy import exists, select, update
from sqlalchemy.orm import joinedload

from repoman.models import Blob, Image, ImageFile, ImageHypervisor, Sessions, Upload
from repoman.models.image_size import PRIMARY_SIZE
from repoman.services import integrity, ownership
from repoman.services.scrub import hits_of
from repoman.storage import Store

_BATCH = 500
"""Keys asked for at once: a statement holds only so many."""


class Finding(NamedTuple):
    """A sentence, and whether something is lost or wrong, beyond what the collector mends."""

    text: str
    is_harm: bool


def check(sessions: Sessions, store: Store, *, dry_run: bool) -> Iterator[Finding]:
    """Yield what does not fit. Except in a dry run, mark damaged blobs and set wrong sizes right.

    Raises `StoreUnavailable`.
    """
    yield from _blobs(sessions, store, dry_run=dry_run)
    yield from _files(sessions, store)
    yield from _uploads(sessions, store)
    yield from _sizes(sessions, dry_run=dry_run)
    yield from _versions(sessions)


def _blobs(sessions: Sessions, store: Store, *, dry_run: bool) -> Iterator[Finding]:
    """Look for the files of the blobs that versions name; tell also of damage known before."""
    last = 0
    while True:
        statement = select(Blob).where(Blob.id > last, integrity.NAMED).order_by(Blob.id)
        with sessions.reading() as session:
            blobs = session.scalars(statement.limit(_BATCH)).all()
        if not blobs:
            return
        last = blobs[-1].id
        for blob in blobs:
            flaw = integrity.wrong_size(blob, store.arrived(blob.uuid))
            if flaw and not _note(sessions, blob, dry_run=dry_run):
                continue
            if flaw or blob.damaged:
                told = flaw or "is marked as damaged; scrub looks again"
                hits = ", ".join(hits_of(sessions, blob))
                yield Finding(f"blob {blob.uuid}: its file {told}; {hits}", True)


def _note(sessions: Sessions, blob: Blob, *, dry_run: bool) -> bool:
    """Mark a blob as damaged; False where its row has gone, and the file with it."""
    if dry_run:
        with sessions.reading() as session:
            return session.get(Blob, blob.id) is not None
    with sessions.changing.begin() as session:
        return integrity.mark_damaged(session, blob)


def _files(sessions: Sessions, store: Store) -> Iterator[Finding]:
    """Look for the rows of files."""
    for files, what in ((store.keys(), "stray file"), (store.partials(), "partial file")):
        for sizes in _batches(files):
            for key in sorted(sizes.keys() - ownership.known(sessions, sizes)):
                # Again: an upload may just have begun, or a blob been collected.
                if (
                    store.is_held(key)
                    or store.arrived(key) is None
                    or ownership.known(sessions, [key])
                ):
                    continue
                text = f"{what} {key} ({sizes[key]} bytes): no row names it; gc removes it"
                yield Finding(text, False)


def _batches(files: Iterator[tuple[str, int]]) -> Iterator[dict[str, int]]:
    while batch := dict(islice(files, _BATCH)):
        yield batch


def _uploads(sessions: Sessions, store: Store) -> Iterator[Finding]:
    """Look for the partial files of uploads."""
    with sessions.reading() as session:
        uuids = session.scalars(select(Upload.uuid).order_by(Upload.id)).all()
    for uuid in uuids:
        is_lost = store.arrived(uuid) is None and not store.is_held(uuid)
        # Again: it may just have ended.
        if is_lost and uuid in ownership.known(sessions, [uuid]) and store.arrived(uuid) is None:
            yield Finding(f"upload {uuid}: has no file; gc removes it when it expires", False)


def _sizes(sessions: Sessions, *, dry_run: bool) -> Iterator[Finding]:
    """Compare the sizes by which lists sort with those of the files."""
    wrong = Image.size != PRIMARY_SIZE
    with sessions.reading() as session:
        images = session.scalars(select(Image).where(wrong).order_by(Image.id)).all()
    for image in images:
        if not dry_run:
            with sessions.changing.begin() as session:
                right = update(Image).where(Image.id == image.id).values(size=PRIMARY_SIZE)
                session.execute(right)
        done = "" if dry_run else "; set right"
        yield Finding(f"image {_name(image)}: lists sort by a wrong size, {image.size}{done}", True)


def _versions(sessions: Sessions) -> Iterator[Finding]:
    """Look for versions that cannot be as they are."""
    listed = exists().where(
        ImageHypervisor.image_id == ImageFile.image_id,
        ImageHypervisor.hypervisor == ImageFile.hypervisor,
    )
    current = ImageFile.current.is_(True)
    rules = (
        (current & ImageFile.trashed.is_not(None), "is current and in the trash"),
        (current & ~listed, "is current for a hypervisor that the image does not list"),
        (ImageFile.version > Image.last_version, "is later than the image's last"),
    )
    for rule, text in rules:
        statement = select(ImageFile).join(ImageFile.image).where(rule)
        statement = statement.options(joinedload(ImageFile.image))
        with sessions.reading() as session:
            rows = session.scalars(statement).all()
        for row in rows:
            place = f"{_name(row.image)} {row.hypervisor} {row.version}"
            yield Finding(f"version {place}: {text}", True)


def _name(image: Image) -> str:
    return f"{image.owner.name}/{image.name}"

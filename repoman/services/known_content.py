"""Known content: a file that the caller could copy need not be sent once more.

Only its SHA-256 is, and the image names the blob that is there. What the caller could not copy is
as unknown as what nobody has: the answer, its headers and the bytes asked for are the same, and so
is what is looked up before it (`repoman.services.image_lists.everything`).
"""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from repoman.identity import Identity
from repoman.models import Blob, Image, ImageFile, now
from repoman.services import image_lists, images, quotas, room, uploads, versions
from repoman.services.room import Coming
from repoman.services.visibility import NOT_DELETED
from repoman.settings import Settings
from repoman.storage import Store


def find(
    session: Session, store: Store, caller: Identity, image: Image, sha256: bytes, size: int | None
) -> Blob | None:
    """Return the blob of that digest that an upload to ``image`` may go without, or None.

    That is one of a current file, neither damaged nor unsafe, of an image that is not expired and
    that the caller could copy, in the format that ``image`` demands, and of ``size`` bytes where
    that is known. The collector leaves it alone until the commit.
    """
    statement = (
        select(Blob)
        .join(ImageFile, ImageFile.blob_id == Blob.id)
        .join(Image, Image.id == ImageFile.image_id)
        .where(
            Blob.sha256 == sha256.hex(),
            Blob.damaged.is_(None),
            Blob.dangers.is_(None),
            ImageFile.current,
            image_lists.everything(session, caller),
            NOT_DELETED,
            or_(Image.expires.is_(None), Image.expires > now()),
        )
        .order_by(Blob.id)
        .limit(1)
        .with_for_update(of=Blob, read=True, key_share=True)
    )
    if size is not None:
        statement = statement.where(Blob.size == size)
    if image.format is not None:
        statement = statement.where(Blob.format == image.format)
    found = session.scalar(statement)
    # A client may delete its own file once we say that we have it.
    is_there = found is not None and store.arrived(found.uuid) == found.size
    return found if is_there else None


def put(
    session: Session,
    store: Store,
    caller: Identity,
    image: Image,
    hypervisor: str,
    blob: Blob,
    settings: Settings,
) -> bool:
    """Make ``blob`` the image's current file, and say whether it is the first for the hypervisor.

    As any PUT of a whole file, it ends what the caller had begun to send there. Raises
    `ImageReadOnly`, `UploadInProgress`, `FileTooLarge`, `QuotaExceeded`.
    """
    images.check_writable(image)
    is_first = image.current_file(hypervisor) is None
    former = uploads.find_put(session, caller, image, hypervisor)
    if former is not None:
        uploads.end(session, store, former)
    room.check(room.size_limits(settings), Coming(blob.size, blob.size))
    file = versions.put(session, image, hypervisor, blob, settings)
    released = 0 if former is None else former.reserved
    quotas.check_version(session, caller, image, file.version, settings, released=released)
    return is_first

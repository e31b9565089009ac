"""A person's unfinished uploads: finding one, listing them."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from repoman import names
from repoman.errors import UploadNotFound
from repoman.identity import Identity
from repoman.models import Upload
from repoman.services import images, uploads
from repoman.storage import Store


def find(session: Session, caller: Identity, reference: str, *, lock: bool = False) -> Upload:
    """Return the caller's upload of that id; another's is as if it were not there.

    With ``lock``, nobody ends it meanwhile, not even the collector, nor changes its image.
    Raises `UploadNotFound`.
    """
    own = _of(caller).where(Upload.uuid == names.fold_uuid(reference))
    found = session.scalar(own)
    if found is not None and lock:
        # What ends an upload locks its image, and may have done so first: look again.
        images.reload(session, found.image_id)
        locked = own.with_for_update(of=Upload).execution_options(populate_existing=True)
        found = session.scalar(locked)
    if found is None:
        raise no_such_upload()
    return found


def arrived(store: Store, upload: Upload) -> int:
    """Return how many bytes can be gone on from. Raises `UploadNotFound` where none ever can."""
    size = uploads.arrived(store, upload)
    if size is None:
        raise no_such_upload()
    return size


def all_of(session: Session, store: Store, caller: Identity) -> list[tuple[Upload, int]]:
    """List the caller's uploads, the oldest first, each with the bytes that have arrived."""
    found = session.scalars(_of(caller).order_by(Upload.id)).all()
    sizes = ((one, uploads.arrived(store, one)) for one in found)
    return [(one, size) for one, size in sizes if size is not None]


def no_such_upload() -> UploadNotFound:
    """Make the one answer for uploads that are not there, have ended, or are another's."""
    return UploadNotFound(
        "You have no such unfinished upload; GET /api/uploads lists yours. It may have ended: look "
        "whether the image has the file."
    )


def _of(caller: Identity) -> Select[Upload]:
    return select(Upload).where(Upload.user_id == caller.user_id)

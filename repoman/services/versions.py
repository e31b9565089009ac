"""The versions of an image's files: the current ones, the earlier ones that are kept, the trash.

Versions count per image, over all hypervisors. An overwrite keeps the file before it as an earlier
version; those beyond ``repoman.keep_versions`` for a hypervisor go to the trash, where the
collector finds them. A file is put back by a new version of the same blob.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from repoman.errors import VersionNotFound
from repoman.identity import Identity
from repoman.models import Blob, Image, ImageFile, ImageHypervisor, now
from repoman.security import Action, may
from repoman.services import damage
from repoman.settings import Settings


def put(
    session: Session, image: Image, hypervisor: str, blob: Blob, settings: Settings
) -> ImageFile:
    """Make ``blob`` the image's current file for a hypervisor, which is listed if it is not yet."""
    current = image.current_file(hypervisor)
    if current is not None:
        current.current = False
        # Before the next is added: only one may be current.
        session.flush()
    file = add(image, hypervisor, blob)
    if hypervisor not in image.hypervisor_names:
        image.hypervisors.append(
            ImageHypervisor(hypervisor=hypervisor, position=len(image.hypervisors))
        )
    earlier = [row for row in of_hypervisor(image, hypervisor) if not row.current]
    move_to_trash(session, image, earlier[: max(len(earlier) - settings.keep_versions, 0)])
    image.modified = now()
    session.flush()
    return file


def add(image: Image, hypervisor: str, blob: Blob) -> ImageFile:
    """Make ``blob`` the image's next version; there is no current one for the hypervisor."""
    image.last_version += 1
    file = ImageFile(hypervisor=hypervisor, version=image.last_version, blob=blob, current=True)
    image.versions.append(file)
    return file


def put_back(
    session: Session, caller: Identity, image: Image, number: int, settings: Settings
) -> None:
    """Make the file of a version current again, as a new one.

    Of one in the trash too, for those who may restore: what was deleted for a key in it must not
    come back by everybody who may write. Raises `VersionNotFound`, `FileDamaged`.
    """
    old = find(session, image, number, in_trash=may(caller, Action.RESTORE_IMAGE, image))
    damage.check_whole(image, old)
    put(session, image, old.hypervisor, old.blob, settings)


def of_hypervisor(image: Image, hypervisor: str) -> list[ImageFile]:
    """Return the versions for a hypervisor that are not in the trash, the oldest first."""
    return [row for row in image.versions if row.hypervisor == hypervisor]


def is_current(image: Image, number: int) -> bool:
    """Say whether a version is what downloads for its hypervisor get."""
    return any(row.version == number for row in image.files)


def find(
    session: Session,
    image: Image,
    number: int,
    hypervisor: str | None = None,
    *,
    in_trash: bool = False,
) -> ImageFile:
    """Return a version, of this hypervisor where one is named.

    Those in the trash count only with ``in_trash``; the collector then leaves it alone until the
    commit. Raises `VersionNotFound`.
    """
    statement = select(ImageFile).where(ImageFile.image_id == image.id, ImageFile.version == number)
    if hypervisor is not None:
        statement = statement.where(ImageFile.hypervisor == hypervisor)
    if in_trash:
        statement = statement.with_for_update(of=ImageFile)
    else:
        statement = statement.where(ImageFile.trashed.is_(None))
    found = session.scalar(statement)
    if found is None:
        place = f" for {hypervisor}" if hypervisor else ""
        raise VersionNotFound(
            f"There is no version {number}{place}; `versions` of the image lists those that are."
        )
    return found


def move_to_trash(session: Session, image: Image, rows: Iterable[ImageFile]) -> None:
    """Take versions off the image; the collector removes them after ``repoman.trash_ttl``."""
    for row in rows:
        row.current, row.trashed = False, now()
    session.flush()
    # The relation leaves out what is in the trash only when it is read anew.
    session.expire(image, ["versions"])

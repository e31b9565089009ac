"""Copies: an image that names the blobs of another in rows of its own, at once and for nothing."""

from collections.abc import Iterable, Sequence

from repoman.identity import Identity
from repoman.models import Image, ImageFile
from repoman.services import damage, labels, versions


def files_of(caller: Identity, source: Image, listed: Sequence[str]) -> list[ImageFile]:
    """Return the current files of a source for these hypervisors.

    Raises `ImageQuarantined`, `FileDamaged`.
    """
    found = [file for name in listed if (file := source.current_file(name))]
    for file in found:
        labels.check_readable(caller, source, file)
        damage.check_whole(source, file)
    return found


def put(image: Image, files: Iterable[ImageFile]) -> None:
    """Make these another image's current files."""
    for file in files:
        versions.add(image, file.hypervisor, file.blob)

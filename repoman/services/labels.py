"""The labels of files: which are unsafe and what becomes of them, and which fit their image.

An unsafe file is one whose blob has dangers. At its upload it is refused, or it is taken and
quarantined, as the server says. Once it is there, it is quarantined whatever the server says later,
and so is every version and copy that names its blob, and an old file when it is looked at at last.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, Select, and_, or_, select

from repoman.errors import FormatMismatch, ImageQuarantined, UnsafeImage
from repoman.identity import Identity
from repoman.inspection import Danger, Label
from repoman.models import Blob, Image, ImageFile, ImageHypervisor
from repoman.models.image import NO_FILE
from repoman.settings import Settings

_ALONE = "write all of it into one file: qemu-img convert -O qcow2 FILE NEW"

# What is wrong, and what to do.
_WORDS: Mapping[str, tuple[str, str]] = {
    Danger.BACKING_FILE: ("what it lacks is read from another file, its backing file", _ALONE),
    Danger.DATA_FILE: ("its data are in another file", _ALONE),
    Danger.EXTERNAL_EXTENT: ("its extents are other files, or may be", _ALONE),
    Danger.UNKNOWN_FEATURE: (
        "it needs a version or feature of its format that is not known here",
        "write it without: qemu-img convert -O qcow2 FILE NEW",
    ),
    Danger.MALFORMED: (
        "it does not hold what its format demands",
        "look at it with qemu-img check, and make it anew",
    ),
    Danger.TRUNCATED: (
        "it ends before what its headers speak of",
        "compare it with where you have it from, and send all of it",
    ),
    Danger.CONTRADICTORY: (
        "programs may take it for different disks",
        "write it anew from the format you mean: qemu-img convert -f FORMAT -O qcow2 FILE NEW",
    ),
    Danger.UNPACK_LIMIT: ("too much must be unpacked to judge it", "send it unpacked"),
}


def label(blob: Blob, found: Label) -> None:
    """Record what a file was found to be, when it comes in or when it is read again."""
    blob.format, blob.virtual_size = found.format, found.virtual_size
    blob.compression = found.compression
    blob.dangers = ",".join(found.dangers) or None


def dangers(blob: Blob) -> list[str] | None:
    """List the words of `Danger` that are true of a file, None where nobody has looked."""
    if blob.dangers is not None:
        return blob.dangers.split(",")
    return None if blob.format is None else []


def is_unsafe(blob: Blob) -> bool:
    """Say whether a file has dangers."""
    return blob.dangers is not None


def is_quarantined(image: Image) -> bool:
    """Say whether a current file of an image is unsafe."""
    return any(is_unsafe(file.blob) for file in image.files)


def in_quarantine() -> ColumnElement[bool]:
    """Make the condition on `Image` that `is_quarantined` says of one."""
    return Image.id.in_(of_current_files().where(Blob.dangers.is_not(None)))


def check_readable(caller: Identity | None, image: Image, file: ImageFile) -> None:
    """Raise `ImageQuarantined` where a file of an image is unsafe, to everybody but the owner.

    To be asked besides the right, of whoever would get the bytes, by download or by copy.
    """
    if is_unsafe(file.blob) and (caller is None or caller.user_id != image.owner_id):
        found = dangers(file.blob) or ()
        raise ImageQuarantined(
            f"The file is unsafe, so only the image's owner can read it: {_wrong(found)}. "
            "Ask the owner for a safe one.",
            dangers=found,
        )


def check_taken(image: Image, found: Label, settings: Settings) -> None:
    """Check what came in against the server's rule and the image's ``format``.

    Raises `UnsafeImage`, `FormatMismatch`.
    """
    if found.dangers and settings.unsafe_images == "refuse":
        remedies = "; ".join(dict.fromkeys(_WORDS[one][1] for one in found.dangers))
        raise UnsafeImage(
            f"The file is unsafe: {_wrong(found.dangers)}. To mend it, {remedies}. "
            "The image is as it was.",
            dangers=[*found.dangers],
        )
    if image.format not in {None, found.format}:
        raise FormatMismatch(
            f"The file is {found.format}, and the image's `format` says {image.format}: convert "
            "it (qemu-img convert), or clear `format` first. The image is as it was.",
            field="format",
        )


def explain(danger: str) -> str:
    """Say what is wrong with a file that has this danger, and what to do."""
    wrong, remedy = _WORDS[danger]
    return f"{wrong}: {remedy}"


def _wrong(found: Iterable[str]) -> str:
    return "; ".join(_WORDS[one][0] for one in found)


def declare(image: Image, name: str | None) -> None:
    """Set what every file of an image is to be; None: anything.

    Raises `FormatMismatch` where a current file is known to be something else.
    """
    for file in image.files:
        if name is not None and file.blob.format not in {None, name}:
            raise FormatMismatch(
                f"The file for {file.hypervisor} is {file.blob.format}, so the image's `format` "
                f"cannot be {name}. Put another file there first, or leave `format` alone.",
                field="format",
            )
    image.format = name


def format_of(image: Image) -> str | None:
    """Return the first hypervisor's file's format, without such a file what it is to be."""
    first = image.current_file(image.hypervisor_names[0])
    return image.format if first is None else first.blob.format


def has_format(name: str | None) -> ColumnElement[bool]:
    """Make the condition on `Image` for those of which `format_of` says ``name``."""
    is_first = and_(
        ImageHypervisor.image_id == ImageFile.image_id,
        ImageHypervisor.hypervisor == ImageFile.hypervisor,
        ImageHypervisor.position == 0,
    )
    of_file = of_current_files().join(ImageHypervisor, is_first).where(Blob.format == name)
    without = and_(Image.size == NO_FILE, Image.format == name)
    return or_(without, Image.id.in_(of_file))


def of_current_files() -> Select[int]:
    """Select the ids of images, to be narrowed by their current files' blobs.

    Blobs come first, and no subquery looks at each image: where few of many images fit, SQLite
    takes ten times as long for that.
    """
    return (
        select(ImageFile.image_id).join(Blob, Blob.id == ImageFile.blob_id).where(ImageFile.current)
    )

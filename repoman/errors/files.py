"""Files that are there, or not, and cannot be read."""

from repoman.errors.base import RepomanError
from repoman.errors.objects import NotFound


class ImageQuarantined(RepomanError):
    """An unsafe file, which is for the image's owner alone; ``dangers`` says why."""

    status, code, title = 403, "image-quarantined", "Image quarantined"


class VersionNotFound(NotFound):
    """The image has no such version of a file, or it is in the trash."""

    code, title = "version-not-found", "Version not found"


class FileNotUploaded(NotFound):
    """The image has no file for that hypervisor."""

    code, title = "file-not-uploaded", "File not uploaded"


class FileDamaged(RepomanError):
    """The stored file has not the bytes any more that were uploaded."""

    status, code, title = 503, "file-damaged", "File damaged"

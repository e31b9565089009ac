"""What an upload can be refused for, and files for what they are."""

from repoman.errors.base import RepomanError
from repoman.errors.objects import NotFound

UPLOAD_OFFSET = "X-Repoman-Upload-Offset"
"""The header that says how many bytes of an unfinished upload have arrived."""


class DigestMismatch(RepomanError):
    """The received bytes do not have the digest that the client gave."""

    status, code, title = 400, "digest-mismatch", "Digest mismatch"


class ContentMismatch(DigestMismatch):
    """The content of one message, which may be a part of a file, has not its Content-Digest."""


class ChecksumMismatch(ContentMismatch):
    """A part of a file has not the Upload-Checksum of tus, which has a status of its own for it."""

    status, code, title = 460, "checksum-mismatch", "Checksum mismatch"


class IncompleteBody(RepomanError):
    """The body ended before its announced length."""

    status, code, title = 400, "incomplete-body", "Incomplete body"


class EmptyFile(RepomanError):
    """An upload without a single byte."""

    status, code, title = 400, "empty-file", "Empty file"


class UploadNotFound(NotFound):
    """The person has no such upload, or it has ended."""

    code, title = "upload-not-found", "Upload not found"


class UploadInProgress(RepomanError):
    """The same person is sending this file by another request."""

    status, code, title = 409, "upload-in-progress", "Upload in progress"


class UploadTakenOver(UploadInProgress):
    """A later request of the same person goes on with the upload."""


class UploadLocked(UploadInProgress):
    """The same, of an upload by tus, which has a status of its own for it."""

    status, code, title = 423, "upload-locked", "Upload locked"


class OffsetMismatch(RepomanError):
    """The bytes sent do not begin where those that have arrived end; ``offset`` says where."""

    status, code, title = 409, "offset-mismatch", "Offset mismatch"

    def headers(self) -> dict[str, str]:
        """Say the offset as HEAD does."""
        return {UPLOAD_OFFSET: str(self.extra["offset"])}


class TooManyUploads(RepomanError):
    """The person has as many unfinished uploads as anybody may."""

    status, code, title = 409, "too-many-uploads", "Too many uploads"


class FileTooLarge(RepomanError):
    """A file of more bytes than this server takes."""

    status, code, title = 413, "file-too-large", "File too large"


class QuotaExceeded(RepomanError):
    """The file would take more room than a user, or a group, may have."""

    status, code, title = 413, "quota-exceeded", "Quota exceeded"


class UnsafeImage(RepomanError):
    """A file that must not be run as it is; ``dangers`` says why."""

    status, code, title = 422, "unsafe-image", "Unsafe image"


class FormatMismatch(RepomanError):
    """A file has another format than the image is to have."""

    status, code, title = 422, "format-mismatch", "Format mismatch"

"""Every error a client can meet: the domain's exceptions, each with its status and code.

Services raise them; `error_views` turns them into ``application/problem+json`` (RFC 9457). The
table in REST.markdown lists the same codes with their remedies, and a test compares the two.
"""

from typing import Any, ClassVar

UPLOAD_OFFSET = "X-Repoman-Upload-Offset"
"""The header that says how many bytes of an unfinished upload have arrived."""

TUS_VERSION = "1.0.0"
"""The version of tus, of which there is one."""


class RepomanError(Exception):
    """A refusal that a client can understand.

    ``detail`` is a sentence that says what to do; ``extra`` holds further members of the problem
    object, such as ``field``.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra

    def headers(self) -> dict[str, str]:
        """Give the headers that belong to this error besides ``X-Repoman-Error``."""
        return {}


class InvalidParameter(RepomanError):
    """A field, query parameter or header whose value cannot be used."""

    status, code, title = 400, "invalid-parameter", "Invalid parameter"


class MissingParameter(RepomanError):
    """A required field is absent."""

    status, code, title = 400, "missing-parameter", "Missing parameter"


class UnknownParameter(RepomanError):
    """A field or query parameter that this URL does not know."""

    status, code, title = 400, "unknown-parameter", "Unknown parameter"


class RepeatedParameter(RepomanError):
    """A field or query parameter given twice."""

    status, code, title = 400, "repeated-parameter", "Repeated parameter"


class MalformedBody(RepomanError):
    """A body that is not what its Content-Type says."""

    status, code, title = 400, "malformed-body", "Malformed body"


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


class UnknownHost(RepomanError):
    """The Host header names none of this server's hosts."""

    status, code, title = 400, "unknown-host", "Unknown host"


class CertificateRequired(RepomanError):
    """Nobody is known behind this request."""

    status, code, title = 401, "certificate-required", "Certificate required"

    def headers(self) -> dict[str, str]:
        """RFC 9110 section 11.6.1 wants a challenge beside 401."""
        return {"WWW-Authenticate": "X509"}


class CertificateRefused(RepomanError):
    """A certificate was shown, but it proves nobody's identity."""

    status, code, title = 403, "certificate-invalid", "Certificate invalid"


class CertificateUnknown(RepomanError):
    """A verified certificate whose distinguished name is no user's."""

    status, code, title = 403, "certificate-unknown", "Certificate unknown"


class AccountSuspended(RepomanError):
    """The certificate's user is suspended."""

    status, code, title = 403, "account-suspended", "Account suspended"


class PermissionDenied(RepomanError):
    """The caller may not do this; ``permission`` names what it takes."""

    status, code, title = 403, "permission-denied", "Permission denied"

    def headers(self) -> dict[str, str]:
        """Name the missing permission where a program finds it."""
        return {"X-Repoman-Permission": str(self.extra["permission"])}


class LimitedProxy(RepomanError):
    """A limited proxy certificate may not administer."""

    status, code, title = 403, "limited-proxy", "Limited proxy certificate"


class ForeignOrigin(RepomanError):
    """A change that a page of another site asked the browser for."""

    status, code, title = 403, "foreign-origin", "Foreign origin"


class NotGroupMember(RepomanError):
    """The image's owner is not in the group."""

    status, code, title = 403, "not-group-member", "Not a member of the group"


class GroupProtected(RepomanError):
    """A group that the server cannot do without."""

    status, code, title = 403, "group-protected", "Group protected"


class ImageQuarantined(RepomanError):
    """An unsafe file, which is for the image's owner alone; ``dangers`` says why."""

    status, code, title = 403, "image-quarantined", "Image quarantined"


class NotFound(RepomanError):
    """No such URL."""

    status, code, title = 404, "not-found", "Not found"


class UserNotFound(NotFound):
    """No user of that name."""

    code, title = "user-not-found", "User not found"


class GroupNotFound(NotFound):
    """No group of that name."""

    code, title = "group-not-found", "Group not found"


class ImageNotFound(NotFound):
    """No image of that name or UUID that the caller may see."""

    code, title = "image-not-found", "Image not found"


class PermissionNotFound(NotFound):
    """No permission of that name."""

    code, title = "permission-not-found", "Permission not found"


class CertificateNotFound(NotFound):
    """The user has no such certificate."""

    code, title = "certificate-not-found", "Certificate not found"


class VersionNotFound(NotFound):
    """The image has no such version of a file, or it is in the trash."""

    code, title = "version-not-found", "Version not found"


class FileNotUploaded(NotFound):
    """The image has no file for that hypervisor."""

    code, title = "file-not-uploaded", "File not uploaded"


class UploadNotFound(NotFound):
    """The person has no such upload, or it has ended."""

    code, title = "upload-not-found", "Upload not found"


class MethodNotAllowed(RepomanError):
    """A known URL, but not with this method."""

    status, code, title = 405, "method-not-allowed", "Method not allowed"

    def headers(self) -> dict[str, str]:
        """RFC 9110 section 15.5.6 wants Allow beside 405."""
        return {"Allow": ", ".join(self.extra["allow"])}


class NotAcceptable(RepomanError):
    """The Accept header excludes what this URL answers with."""

    status, code, title = 406, "not-acceptable", "Not acceptable"


class UserExists(RepomanError):
    """The user name is taken."""

    status, code, title = 409, "user-exists", "User exists"


class CertificateInUse(RepomanError):
    """The distinguished name is registered already."""

    status, code, title = 409, "certificate-in-use", "Certificate in use"


class EmailExists(RepomanError):
    """The e-mail address is another user's."""

    status, code, title = 409, "email-exists", "E-mail address exists"


class GroupExists(RepomanError):
    """The group name is taken."""

    status, code, title = 409, "group-exists", "Group exists"


class ImageExists(RepomanError):
    """The owner has an image of that name."""

    status, code, title = 409, "image-exists", "Image exists"


class ImageReadOnly(RepomanError):
    """The image is read-only."""

    status, code, title = 409, "image-read-only", "Image is read-only"


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


class UserOwnsImages(RepomanError):
    """A user who still owns images cannot be deleted."""

    status, code, title = 409, "user-owns-images", "User owns images"


class LastAdmin(RepomanError):
    """The change would leave nobody who can administer the server."""

    status, code, title = 409, "last-admin", "Last admin"


class ManyCertificates(RepomanError):
    """``cert_dn`` replaces the only certificate, and there are several."""

    status, code, title = 409, "several-certificates", "Several certificates"


class ImageExpired(RepomanError):
    """The image's ``expires`` has passed."""

    status, code, title = 410, "image-expired", "Image expired"


class LengthRequired(RepomanError):
    """The server cannot tell where this body ends."""

    status, code, title = 411, "length-required", "Length required"


class PreconditionFailed(RepomanError):
    """If-Match or If-None-Match does not hold."""

    status, code, title = 412, "precondition-failed", "Precondition failed"


class UnknownTusVersion(RepomanError):
    """A request of another version of tus than the one here, or of none."""

    status, code, title = 412, "tus-version", "Unknown version of tus"

    def headers(self) -> dict[str, str]:
        """Tus wants to be told beside 412 which versions there are."""
        return {"Tus-Version": TUS_VERSION}


class BodyTooLarge(RepomanError):
    """More than 1 MiB of fields."""

    status, code, title = 413, "body-too-large", "Body too large"


class FileTooLarge(RepomanError):
    """A file of more bytes than this server takes."""

    status, code, title = 413, "file-too-large", "File too large"


class QuotaExceeded(RepomanError):
    """The file would take more room than a user, or a group, may have."""

    status, code, title = 413, "quota-exceeded", "Quota exceeded"


class UnsupportedMediaType(RepomanError):
    """A Content-Type that this URL does not take."""

    status, code, title = 415, "unsupported-media-type", "Unsupported media type"


class RangeNotSatisfiable(RepomanError):
    """No byte of the file is in the range."""

    status, code, title = 416, "range-not-satisfiable", "Range not satisfiable"

    def headers(self) -> dict[str, str]:
        """RFC 9110 section 15.5.17: say how long the file is."""
        return {"Content-Range": f"bytes */{self.extra['size']}"}


class UnsafeImage(RepomanError):
    """A file that must not be run as it is; ``dangers`` says why."""

    status, code, title = 422, "unsafe-image", "Unsafe image"


class FormatMismatch(RepomanError):
    """A file has another format than the image is to have."""

    status, code, title = 422, "format-mismatch", "Format mismatch"


class InternalError(RepomanError):
    """A defect of ours; the request id finds it in the log."""


class DatabaseUnavailable(RepomanError):
    """The database does not answer, or is locked for too long."""

    status, code, title = 503, "database-unavailable", "Database unavailable"

    def headers(self) -> dict[str, str]:
        """RFC 9110 section 10.2.3, in seconds."""
        return {"Retry-After": "5"}


class StoreUnavailable(RepomanError):
    """The image store cannot be read or written."""

    status, code, title = 503, "store-unavailable", "Store unavailable"


class FileDamaged(RepomanError):
    """The stored file has not the bytes any more that were uploaded."""

    status, code, title = 503, "file-damaged", "File damaged"


class StoreFull(RepomanError):
    """The image store has no room for the file."""

    status, code, title = 507, "store-full", "Store full"

"""Users, groups and images: not there, in the way, or not to be changed."""

from repoman.errors.base import RepomanError


class NotGroupMember(RepomanError):
    """The image's owner is not in the group."""

    status, code, title = 403, "not-group-member", "Not a member of the group"


class GroupProtected(RepomanError):
    """A group that the server cannot do without."""

    status, code, title = 403, "group-protected", "Group protected"


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

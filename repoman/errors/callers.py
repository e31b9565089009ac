"""Who the caller is, and may not do."""

from repoman.errors.base import RepomanError


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


class FormExpired(RepomanError):
    """A page's form came without the token that the page was given for it."""

    status, code, title = 403, "form-expired", "Form expired"

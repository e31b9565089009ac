"""The certificates that the tests under Apache show, good and bad."""

from datetime import UTC, datetime, timedelta

from tests.apache.front import write_server
from tests.pki import CertificateAuthority


class Certificates:
    """Files of certificates, as ``curl --cert`` takes them."""

    def __init__(self, folder, authority):
        self.folder, self.authority = folder, authority
        past = datetime.now(UTC) - timedelta(minutes=1)
        self.ann = authority.issue("/O=Test Grid/CN=Ann Lee")
        self.bob = authority.issue("/O=Test Grid/CN=Bob Moe")
        self.robot = authority.issue("/O=Test Grid/CN=Ann Lee/CN=12345")
        self.administrator = authority.issue("/O=Test Grid/CN=Admin")
        self.unknown = authority.issue("/O=Test Grid/CN=Nobody Knows")
        self.expired = authority.issue("/O=Test Grid/CN=Ann Lee", not_after=past)
        self.revoked = authority.issue("/O=Test Grid/CN=Ann Lee")
        self.stranger = CertificateAuthority().issue("/O=Test Grid/CN=Ann Lee")

    def write(self, holder):
        """Return the path of a holder's file."""
        return holder.write(self.folder)

    def write_all(self):
        """Write what Apache and its administrator need."""
        write_server(self.folder, self.authority)
        self.administrator.write(self.folder, "admin.pem")
        revoked = [self.revoked.certificate.serial_number]
        (self.folder / "crl.pem").write_text(self.authority.revoke(revoked))
        (self.folder / "pages").mkdir()
        (self.folder / "pages" / "hello").write_text("hello")

"""The functional tests' other front: the same calls of the application, through a real Apache."""

import json
import os
import shutil
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from tests import connections, engines, standing
from tests.apache.installation import Installation, apache_user
from tests.apache.remote import Remote
from tests.apache.site import Site
from tests.pki import CertificateAuthority

ONE_PROCESS = """
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
"""
SCRIPT = Path(__file__).with_name("contract.wsgi")
IMPORTED = [Path(module.__file__) for module in (connections, engines, standing)]


class Front:
    """An Apache whose application is each test's own; see `contract.wsgi`."""

    def __init__(self, installation: Installation, authority: CertificateAuthority) -> None:
        self.tls = installation.tls
        write_server(self.tls, authority)
        self.site = Site(
            installation,
            "contract",
            crl=False,
            more=ONE_PROCESS,
            processes=1,
            change=self._change,
        )
        self.folder = self.site.var
        self._numbers = count()

    @staticmethod
    def _change(home: Path) -> None:
        """Load the tests' script in place of ours."""
        (home / "repoman.wsgi").write_text(SCRIPT.read_text())
        (home / "tests").mkdir()
        for path in IMPORTED:
            shutil.copy(path, home / "tests")

    def new_store(self) -> Path:
        """Make a folder for a store that httpd's children may write to."""
        folder = self.folder / f"store-{next(self._numbers)}"
        folder.mkdir()
        if user := apache_user():
            os.chown(folder, user.pw_uid, user.pw_gid)
        return folder / "store"

    def application(self, ini: Mapping[str, str]) -> Remote:
        """Return the WSGI application of an ini section."""
        name = f"{next(self._numbers)}.json"
        (self.folder / name).write_text(json.dumps(dict(ini)))
        return Remote(self.site.port, self.tls, (("X-Test", name),))

    def stop(self) -> None:
        """End it."""
        self.site.stop()


def write_server(tls: Path, authority: CertificateAuthority) -> None:
    """Write the server's certificate and the authority's, unless they are there."""
    if not (tls / "ca.pem").exists():
        hosts = ["localhost", "other.test", "127.0.0.1"]
        server = authority.issue("/O=Test Grid/CN=localhost", hostnames=hosts)
        server.write(tls, "server.pem")
        (tls / "ca.pem").write_text(authority.pem)

"""A deployment as `apache-config` makes it, on PostgreSQL, and what it is compared to.

The comparisons run in the same Apache, in the same virtual host: their URLs begin with /bench
(`bench.wsgi`) and /static, a folder of Apache's own.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.apache import memory
from tests.apache.certificates import Certificates
from tests.apache.installation import Installation, apache_user, shared
from tests.apache.site import Site
from tests.pki import CertificateAuthority
from tests.postgres import Cluster
from tests.server.running import need

BESIDE = """
    WSGIScriptAlias /bench {folder}/bench.wsgi
    Alias /static {folder}/static
    <Directory {folder}>
        Require all granted
    </Directory>
    <LocationMatch "^/bench/(read|keep)">
        WSGIProcessGroup %{{GLOBAL}}
    </LocationMatch>

"""
SCRIPT = Path(__file__).with_name("bench.wsgi")
OURS = "    WSGIScriptAlias / "


class Bench:
    """Everything that is installed once: the package, certificates, a database server."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.authority = CertificateAuthority()
        self.certificates = Certificates(installation.tls, self.authority)
        self.certificates.write_all()
        self.postgres = Cluster()
        if user := apache_user():
            self.postgres.let_in(user.pw_gid)
        self.folder = installation.own / "bench"
        for name in ("static", "kept"):
            (self.folder / name).mkdir(parents=True)
            if user:
                shutil.chown(self.folder / name, user.pw_uid, user.pw_gid)
        shutil.copy(SCRIPT, self.folder)

    @contextmanager
    def site(self, name: str, *, admin: bool = True) -> Iterator[Site]:
        """Start an Apache with an empty database, or one with an admin in it."""
        url = self.postgres.url(self.postgres.create())
        made = Site(self.installation, name, database=url, change=self._add, admin=admin)
        try:
            yield made
        finally:
            made.stop()

    def _add(self, home: Path) -> None:
        conf = home / "repoman.conf"
        before, ours, after = conf.read_text().partition(OURS)
        conf.write_text(before + BESIDE.format(folder=self.folder) + ours + after)


@contextmanager
def bench() -> Iterator[Bench]:
    """Install into a folder that goes at the end."""
    with TemporaryDirectory() as folder, shared(Path(folder)) as installation:
        made = Bench(installation)
        try:
            yield made
        finally:
            made.postgres.stop()


def curl(site: Site, *arguments: object) -> dict[str, float]:
    """Run curl as the admin; return its seconds and bytes. Fails where the server refuses."""
    shown = "%{time_total} %{size_upload} %{size_download}"
    command = [need("curl"), "-sSf", "--cacert", site.folder / "ca.pem"]
    command += ["--cert", site.folder / "admin.pem", "-o", "/dev/null", "-w", shown]
    command += [
        site.url + part if isinstance(part, str) and part.startswith("/") else str(part)
        for part in arguments
    ]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(zip(("seconds", "sent", "received"), map(float, printed.split()), strict=True))


class Memory:
    """How much more memory any process of httpd's had at its peak, in MiB."""

    def __init__(self, site: Site) -> None:
        self._site = site
        memory.begin(site)
        self._before = {pid: memory.now(pid) for pid in site.children()}

    def more(self) -> float:
        """Return the largest growth; a process that began meanwhile counts from the smallest."""
        least = min(self._before.values())
        return max(memory.peak(pid) - self._before.get(pid, least) for pid in self._site.children())

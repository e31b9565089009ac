"""Repoman installed for Apache as the README's "Deployment" says, once for all workers of pytest.

www-data must be able to read it, so it is in a folder in /tmp and in none of pytest's, which are
their maker's alone.
"""

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TextIO

from tests.apache import httpd
from tests.apache.administrator import Administrator
from tests.apache.httpd import NoApache
from tests.server.running import ROOT

PYTHON = "/usr/bin/python3"
"""Debian's, which its mod_wsgi is built for."""
PACKAGE = ("setup.cfg", "setup.py", "pyproject.toml", "README.markdown", "LICENSE")
ENVIRONMENT = {
    key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "REPOMAN"))
}


def apache_user() -> pwd.struct_passwd | None:
    """Return whom httpd's children run as, where that is somebody else. Raises `NoApache`."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(httpd.USER)
    except KeyError:
        raise NoApache(f"there is no user {httpd.USER} (Debian: apache2)") from None


def as_apache() -> dict:
    """Return what makes subprocess run a program as the user that httpd's children are."""
    user = apache_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def run(*command) -> str:
    """Run a program that must succeed, and return what it printed."""
    return printed(
        subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    )


def printed(ended: subprocess.CompletedProcess) -> str:
    """Return what a program printed, which must have succeeded."""
    assert ended.returncode == 0, (ended.args, ended.stdout, ended.stderr)
    return ended.stdout


class Installation:
    """Repoman in a virtualenv of Debian's Python, and the modules, in ``folder``.

    ``own`` is for what one process of the tests makes, ``tls`` in it for its certificates.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.venv = folder, folder / "venv"
        self.modules = httpd.shipped_modules() | {"proxy_certs": folder / "module" / httpd.MODULE}
        self.own = folder / str(os.getpid())
        self.tls = self.own / "tls"
        self.tls.mkdir(parents=True)

    @cached_property
    def administrator(self) -> Administrator:
        """The installed ``repoman-admin``."""
        return Administrator(self.venv, ENVIRONMENT)

    def admin(self, *arguments, **user) -> str:
        """Run a command of it that must succeed, and return what it printed."""
        return printed(self.administrator(*arguments, **user))

    def close(self) -> None:
        """End what runs of it."""
        if "administrator" in self.__dict__:
            self.administrator.close()


@contextmanager
def shared(folder: Path) -> Iterator[Installation]:
    """Install, unless another worker has; the last one that uses it removes it.

    ``folder`` is one that all workers of this run share, for the lock. Raises `NoApache`.
    """
    with (folder / "apache-installing").open("w") as installing, using(folder) as note:
        fcntl.flock(installing, fcntl.LOCK_EX)
        note.seek(0)
        place = Path(note.read() or os.devnull)
        if not place.is_dir():
            place = install()
            note.truncate(0)
            note.write(str(place))
            note.flush()
        fcntl.flock(installing, fcntl.LOCK_UN)
        with closing(Installation(place)) as made:
            yield made


@contextmanager
def using(folder: Path) -> Iterator[TextIO]:
    """Open the note that says where it is; whoever is the last to use it removes it."""
    with (folder / "apache-installation").open("a+") as note:
        fcntl.flock(note, fcntl.LOCK_SH)
        try:
            yield note
        finally:
            try:
                fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # another worker still does
            else:
                note.seek(0)
                if place := note.read():
                    shutil.rmtree(place)


def install() -> Path:
    """Install into a new folder and return it. Raises `NoApache`."""
    httpd.shipped_modules()
    httpd.program("apache2")
    apache_user()
    folder = Path(tempfile.mkdtemp(prefix="repoman-apache-"))
    folder.chmod(0o755)
    try:
        _install(folder)
    except BaseException:
        shutil.rmtree(folder)
        raise
    return folder


def _install(folder: Path) -> None:
    venv, source = folder / "venv", folder / "source"
    made = [PYTHON, "-m", "venv", "--without-pip", venv]
    if not Path(PYTHON).exists() or subprocess.run(made, check=False).returncode != 0:
        raise NoApache(f"{PYTHON} makes no virtualenv (Debian: python3-venv)")
    source.mkdir()
    for name in PACKAGE:
        shutil.copy(ROOT / name, source)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "repoman", source / "repoman", ignore=ignored)
    pip = [sys.executable, "-m", "pip", "--python", venv / "bin" / "python"]
    run(*pip, "install", "--quiet", source)
    # From what was installed, which shows that it came along.
    (installed,) = venv.glob("lib/*/site-packages/repoman/apache")
    httpd.build_module(installed / "mod_proxy_certs/mod_proxy_certs.c", folder / "module")

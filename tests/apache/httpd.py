"""A private httpd: a ServerRoot of its own, loopback, and nothing of /etc/apache2."""

import os
import shutil
import subprocess
from pathlib import Path

PROGRAMS = {"apache2": "apache2", "apxs2": "apache2-dev"}
OF_DEBIAN = ("authz_core", "deflate", "filter", "mpm_event")
"""What Debian has enabled by itself; deflate packs JSON there."""
OURS = ("alias", "headers", "mime", "reqtimeout", "setenvif", "ssl", "unique_id", "wsgi")
"""What `apache-config` says to enable."""
FOR_FILES = ("xsendfile",)
"""What it says to enable besides, where httpd is to send files."""
PACKAGES = {"wsgi": "libapache2-mod-wsgi-py3", "xsendfile": "libapache2-mod-xsendfile"}
MODULE = "mod_proxy_certs.so"
USER = "www-data"

CONFIGURATION = """\
ServerRoot {root}
DefaultRuntimeDir {root}
PidFile {root}/httpd.pid
WSGISocketPrefix {root}/wsgi
Listen 127.0.0.1:{port}
{user}
ServerName localhost
ErrorLog {root}/error.log
Define APACHE_LOG_DIR {root}
TypesConfig /etc/mime.types
{modules}
AddOutputFilterByType DEFLATE application/json application/problem+json
Include {include}
{more}
"""


class NoApache(Exception):
    """A part is missing; the message says which and how to install it."""


def program(name: str) -> str:
    """Return the path of a program of Apache's. Raises `NoApache`."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")
    if found is None:
        raise NoApache(f"{name} is not installed (Debian: {PROGRAMS[name]})")
    return found


def shipped_modules() -> dict[str, Path]:
    """Return the path of each module that comes with Debian. Raises `NoApache`."""
    query = [program("apxs2"), "-q", "LIBEXECDIR"]
    folder = Path(subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip())
    found = {name: folder / f"mod_{name}.so" for name in OF_DEBIAN + OURS + FOR_FILES}
    for name, path in found.items():
        if not path.exists():
            package = PACKAGES.get(name, "apache2")
            raise NoApache(f"mod_{name} is not installed (Debian: {package})")
    return found


def build_module(source: Path, folder: Path) -> Path:
    """Build `MODULE` as `apache-config` tells people to, but do not install it."""
    folder.mkdir()
    copy = Path(shutil.copy(source, folder))
    command = [program("apxs2"), "-S", f"LIBEXECDIR={folder}", "-i", "-c", copy.name]
    built = subprocess.run(
        [*command, "-Wc,-Wall", "-Wc,-Werror", "-lssl", "-lcrypto"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        if "openssl/ssl.h" in built.stderr:
            raise NoApache("OpenSSL's headers are not installed (Debian: libssl-dev)")
        raise AssertionError(built.stdout + built.stderr)
    return folder / MODULE


def write_configuration(
    root: Path, port: int, modules: dict[str, Path], include: Path, more: str = ""
) -> Path:
    """Write the configuration that Debian's own stands for, which includes ours."""
    root.mkdir()
    path = root / "httpd.conf"
    as_root = os.geteuid() == 0
    path.write_text(
        CONFIGURATION.format(
            root=root,
            port=port,
            user=f"User {USER}\nGroup {USER}" if as_root else "",
            modules="\n".join(
                f"LoadModule {name}_module {modules[name]}" for name in sorted(modules)
            ),
            include=include,
            more=more,
        )
    )
    return path

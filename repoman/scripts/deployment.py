"""What the host of a deployment needs: Apache's and systemd's files, and the commands to use them.

The files are those of repoman/apache and repoman/systemd with the values of the host in their
places, so that what is tested, what can be read in the source, and what is deployed is the same.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from repoman.scripts.postgresql import create_database, create_role

USER = "www-data"
"""Whom Debian's Apache runs as."""
ERRORS = (
    *("400", "401", "403", "403-http", "404", "405", "408", "413", "414", "417", "421"),
    *("500", "502", "503"),
)
MODULES = "alias headers mime reqtimeout setenvif ssl unique_id wsgi"
PACKAGES = "apache2 libapache2-mod-wsgi-py3 apache2-dev libssl-dev"
SENDFILE_PACKAGE = "libapache2-mod-xsendfile"
DATABASE = "postgresql:///repoman"
"""The local PostgreSQL, as the system user that Apache runs as."""
NO_SESSION_CACHE = r"sed -i 's/^\s*SSLSessionCache\s/#&/' /etc/apache2/mods-available/ssl.conf"
"""Takes Debian's cache of TLS sessions out: ``SSLSessionCache none`` does not undo it."""
AS_THEY_ARE = ("repoman.wsgi", "access.wsgi", "errors.conf", "sendfile.conf")
MODULE_SOURCE = "mod_proxy_certs/mod_proxy_certs.c"
SETTINGS = "production.ini"
UNITS = tuple(f"repoman-{name}.{kind}" for name in ("gc", "scrub") for kind in ("service", "timer"))

Values = dict[str, str | None]


@dataclass(frozen=True)
class Deployment:
    """A host's values. All paths are absolute; ``home`` is the folder that is written."""

    host: str
    port: int
    home: Path
    venv: Path
    cert: Path
    key: Path
    ca: Path
    crl: Path | None
    store: Path
    database: str
    daemon_only: bool
    http_port: int | None

    @property
    def ini(self) -> Path:
        """Say where the settings are."""
        return self.home / SETTINGS

    @property
    def admin(self) -> str:
        """Write how ``repoman-admin`` begins here."""
        return f"{self.venv}/bin/repoman-admin --config {self.ini}"

    @property
    def metrics(self) -> Path:
        """Say where processes put their metrics together: beside the store, and no part of it."""
        return self.store.with_name("metrics")

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings of ``[app:main]`` that are the host's own."""
        port = "" if self.port == 443 else f":{self.port}"
        settings = {
            "sqlalchemy.url": self.database,
            "repoman.store": str(self.store),
            "repoman.metrics": str(self.metrics),
            "repoman.base_url": f"https://{self.host}{port}",
            "repoman.hosts": self.host,
        }
        if self.daemon_only:
            settings["repoman.sendfile"] = "x-sendfile"
        if self.http_port is not None:
            port = "" if self.http_port == 80 else f":{self.http_port}"
            settings["repoman.allow_unauthenticated"] = "true"
            settings["repoman.http_url"] = f"http://{self.host}{port}"
        return settings


def make(deployment: Deployment) -> dict[str, str]:
    """Return what each file of the folder is to hold."""
    defines: Values = {
        "REPOMAN_HOST": deployment.host,
        "REPOMAN_PORT": str(deployment.port),
        "REPOMAN_HOME": str(deployment.home),
        "REPOMAN_VENV": str(deployment.venv),
        "REPOMAN_CERTIFICATE": str(deployment.cert),
        "REPOMAN_KEY": str(deployment.key),
        "REPOMAN_AUTHORITIES": str(deployment.ca),
        "REPOMAN_REVOCATIONS": str(deployment.crl) if deployment.crl else None,
        "REPOMAN_STORE": str(deployment.store),
        "REPOMAN_HTTP_PORT": str(deployment.http_port) if deployment.http_port else None,
        "REPOMAN_DAEMON_ONLY": "" if deployment.daemon_only else None,
    }
    escaped = {key: value.replace("%", "%%") for key, value in deployment.settings.items()}
    texts = {
        "repoman.conf": set_lines(source("apache/repoman.conf"), "Define {} ", defines),
        **{name: source(f"apache/{name}") for name in AS_THEY_ARE},
        SETTINGS: set_lines(source(f"apache/{SETTINGS}"), "{} = ", escaped),
        MODULE_SOURCE: source(f"apache/{MODULE_SOURCE}"),
    }
    texts |= {f"errors/{code}.json": source(f"apache/errors/{code}.json") for code in ERRORS}
    for name in UNITS:
        text, command = source(f"systemd/{name}"), name.removeprefix("repoman-").split(".")[0]
        of_units = {"User": USER, "ExecStart": f"{deployment.admin} {command}"}
        is_service = name.endswith(".service")
        texts[f"systemd/{name}"] = set_lines(text, "{}=", of_units) if is_service else text
    return texts


def source(name: str) -> str:
    """Read a file of the package's."""
    return files("repoman").joinpath(name).read_text(encoding="utf-8")


def set_lines(text: str, beginning: str, values: Values | dict[str, str]) -> str:
    """Give the one line that begins with each name its value; None makes a comment of it."""
    for name, value in values.items():
        start = beginning.format(name)
        pattern = re.compile(rf"^#?{re.escape(start.rstrip(' ='))}(?![\w.]).*$", re.MULTILINE)
        if len(lines := pattern.findall(text)) != 1:
            raise AssertionError(f"{start} begins {len(lines)} lines")
        line = f"#{start}" if value is None else f"{start}{value}"
        text = pattern.sub(line.rstrip().replace("\\", r"\\"), text)
    return text


def next_commands(deployment: Deployment) -> list[str]:
    """Write what is left to do on Debian, a command a line."""
    home, as_apache = deployment.home, f"runuser -u {USER} --"
    is_local = deployment.database == DATABASE
    packages = f"{PACKAGES} postgresql" if is_local else PACKAGES
    packages += f" {SENDFILE_PACKAGE}" if deployment.daemon_only else ""
    modules = f"{MODULES} xsendfile" if deployment.daemon_only else MODULES
    lines = [
        f"apt-get install {packages}",
        f"cd {home}/mod_proxy_certs && apxs2 -i -c mod_proxy_certs.c -lssl -lcrypto",
        'echo "LoadModule proxy_certs_module $(apxs2 -q LIBEXECDIR)/mod_proxy_certs.so" '
        "> /etc/apache2/mods-available/proxy_certs.load",
        f"a2enmod {modules} proxy_certs",
        NO_SESSION_CACHE,
        f"chgrp {USER} {deployment.ini}",
        f"install -d -o {USER} -g {USER} -m 750 {deployment.store} {deployment.metrics}",
    ]
    if is_local:
        lines += [create_role(USER), create_database("repoman", USER)]
    lines += [
        f"{as_apache} {deployment.admin} init",
        f"{as_apache} {deployment.admin} user add NAME --certificate - --admin < FILE",
        f"ln -s {home}/repoman.conf /etc/apache2/sites-available/repoman.conf",
        f"cp {' '.join(f'{home}/systemd/{name}' for name in UNITS)} /etc/systemd/system/",
        "systemctl daemon-reload && systemctl enable --now repoman-gc.timer repoman-scrub.timer",
    ]
    lines += [
        f'echo "Listen {port}" >> /etc/apache2/ports.conf'
        for port in (deployment.port, deployment.http_port)
        if port not in {None, 80, 443}
    ]
    if deployment.crl:
        lines += fetch_lists(deployment)
    # Before Apache is down for a wrong key.
    lines.append(f"{deployment.admin} doctor --offline")
    return [*lines, "a2ensite repoman && apache2ctl configtest && systemctl restart apache2"]


def fetch_lists(deployment: Deployment) -> list[str]:
    """Write the file for cron that renews the revocation lists: a list that expires bars all."""
    update = f"{deployment.admin} crl-update /etc/grid-security/certificates >/dev/null"
    return [
        'echo "PATH=/usr/sbin:/usr/bin:/sbin:/bin" > /etc/cron.d/repoman-crl',
        f'echo "17 */6 * * * root fetch-crl -q; {update}" >> /etc/cron.d/repoman-crl',
        "# With lists from elsewhere than fetch-crl (apt-get install fetch-crl), change that line",
    ]

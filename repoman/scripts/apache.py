"""``repoman-admin apache-config``: options in, the folder of `repoman.scripts.deployment` out."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import click

from repoman.models import make_engine
from repoman.scripts.deployment import DATABASE, SETTINGS, Deployment, make, next_commands
from repoman.scripts.files import write_whole
from repoman.scripts.site import Site
from repoman.settings import InvalidSetting, read_settings

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
PATH = re.compile(r"/[\w./@+,=:~-]*", re.ASCII)
"""Blanks, quotes, % and $ mean something to one of Apache, systemd and the ini file."""
OPTIONS = {
    "sqlalchemy.url": "--database",
    "repoman.store": "--store",
    "repoman.metrics": "--store",
    "repoman.base_url": "--host",
    "repoman.hosts": "--host",
}
"""The option that each setting comes from."""


def absolute(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Make a path absolute. Raises click.ClickException where it cannot be written everywhere."""
    if value is None:
        return None
    path = value.expanduser().absolute()
    if not PATH.fullmatch(str(path)):
        raise click.ClickException(
            f"{parameter.opts[0]} {str(path)!r}: use a path of ASCII letters, digits and "
            "/ . _ - + @ , = : ~ alone; others mean something to Apache, systemd or the ini file."
        )
    return path


def pem(kind: str) -> Callable[[click.Context, click.Parameter, Path | None], Path | None]:
    """Make a check: the file can be read and holds what ``kind`` says, in PEM."""

    def check(
        context: click.Context, parameter: click.Parameter, value: Path | None
    ) -> Path | None:
        path, option = absolute(context, parameter, value), parameter.opts[0]
        if path is None:
            return None
        try:
            text = path.read_bytes()
        except OSError as error:
            raise click.ClickException(f"{option} {path}: {error.strerror}.") from None
        if not re.search(rf"-----BEGIN {kind}-----".encode(), text):
            what = kind.rsplit(")?", maxsplit=1)[-1]
            raise click.ClickException(f"{option} {path}: there is no {what} in PEM in it.")
        return path

    return check


def host_name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Check a host's name. Raises click.ClickException."""
    if not HOST.fullmatch(value):
        raise click.ClickException(
            f"--host {value!r}: give the name by which clients call the server, without scheme and "
            "port, such as images.example.org."
        )
    return value


_path = click.Path(path_type=Path)


@click.command("apache-config")
@click.option("--host", required=True, callback=host_name, help="The server's name.")
@click.option("--port", type=click.IntRange(1, 65535), default=443, show_default=True)
@click.option(
    "--cert",
    type=_path,
    required=True,
    callback=pem("(TRUSTED )?CERTIFICATE"),
    help="The server's certificate and its chain, PEM.",
)
@click.option(
    "--key",
    type=_path,
    required=True,
    callback=pem("([A-Z0-9]+ )?PRIVATE KEY"),
    help="Its key, PEM.",
)
@click.option(
    "--ca",
    type=_path,
    required=True,
    callback=pem("(TRUSTED )?CERTIFICATE"),
    help="The authorities whose certificates are let in, PEM.",
)
@click.option(
    "--crl", type=_path, callback=pem("X509 CRL"), help="A revocation list of each of them, PEM."
)
@click.option(
    "--store",
    type=_path,
    default=Path("/var/lib/repoman/store"),
    show_default=True,
    callback=absolute,
    help="The folder of the images' files.",
)
@click.option("--database", default=DATABASE, show_default=True, help="sqlalchemy.url")
@click.option(
    "--venv",
    type=_path,
    default=Path(sys.prefix),
    show_default="the one that this command is in",
    callback=absolute,
    help="The virtualenv with Repoman, made with mod_wsgi's Python.",
)
@click.option("--daemon-only", is_flag=True, help="Run nothing in Apache's own processes.")
@click.option(
    "--http-port",
    type=click.IntRange(1, 65535),
    help="Let public images be downloaded by http, without certificate; 80 as a rule.",
)
@click.option(
    "--output",
    "home",
    type=_path,
    default=Path("/srv/repoman"),
    show_default=True,
    callback=absolute,
    help="The folder to write, which stays where Apache finds it.",
)
@click.option("--force", is_flag=True, help="Replace what is there, but production.ini.")
@click.pass_obj
def apache_config(site: Site, force: bool, **given: object) -> None:
    """Write the configuration of this host's Apache, and say what to do with it."""
    deployment = Deployment(**given)  # type: ignore[arg-type]  # click has checked the types
    require_usable(deployment)
    texts = make(deployment)
    try:
        write(deployment.home, texts, force=force)
    except OSError as error:
        raise click.ClickException(f"--output {deployment.home}: {error.strerror}.") from None
    click.echo(f"{deployment.home} has the configuration. Next, as root (Debian, Ubuntu):\n")
    for line in next_commands(deployment):
        click.echo(f"  {line}")


def require_usable(deployment: Deployment) -> None:
    """Check what no single option tells. Raises click.ClickException, `InvalidSetting`."""
    if not (deployment.venv / "pyvenv.cfg").is_file():
        raise click.ClickException(
            f"--venv {deployment.venv}: it is no virtualenv; make one with the Python that "
            "mod_wsgi was built for: /usr/bin/python3 -m venv FOLDER."
        )
    if deployment.http_port == deployment.port:
        raise click.ClickException(
            f"--http-port {deployment.port}: it is the port of https, which --port names; use "
            "another, 80 as a rule."
        )
    if any(character.isspace() for character in deployment.database):
        raise click.ClickException("--database: blanks in a URL are written as %20.")
    try:
        make_engine(read_settings(deployment.settings)).dispose()
    except InvalidSetting as error:
        raise click.ClickException(f"{OPTIONS[error.key]}: {error}") from None


def write(home: Path, texts: dict[str, str], *, force: bool) -> None:
    """Write the files. Raises click.ClickException where some are there, and OSError."""
    there = sorted(name for name in texts if name != SETTINGS and (home / name).exists())
    if there and not force:
        raise click.ClickException(
            f"--output {home}: {', '.join(there)} would be overwritten; move them away, or use "
            f"--force, which keeps {SETTINGS}."
        )
    for name, text in texts.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == SETTINGS:
            write_settings(path, text)
        else:
            write_whole(path, text.encode(), 0o644)


def write_settings(path: Path, text: str) -> None:
    """Write the settings, beside those that are there. Raises OSError.

    What is there has the administrator's own changes, and a group that can read it.
    """
    new = path.with_name(f"{path.name}.new")
    is_new = not path.exists()
    if not is_new and path.read_bytes() == text.encode():
        new.unlink(missing_ok=True)
        return
    # The database's URL may have a password in it.
    write_whole(path if is_new else new, text.encode(), 0o640)
    if not is_new:
        click.echo(
            f"{path} is kept as it is. {new} is what these options make: take over from it what "
            "is to change.\n"
        )

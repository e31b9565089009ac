"""The settings, and who can read them."""

import configparser
import stat

import click

from repoman.models import make_engine
from repoman.scripts.doctor.acting import is_root
from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, NotChecked, failed, ok, warning
from repoman.scripts.doctor.front import Incomplete
from repoman.scripts.doctor.secrets import explain, passwords, read_url
from repoman.settings import InvalidSetting, Settings

SET_THEM = 'README.markdown, "Settings", says what they may be'


def check_settings(deployed: Deployed) -> Finding:
    """``[app:main]`` is what the server starts with."""
    ini = deployed.ini
    try:
        _require_usable(deployed.site.settings)
    except click.ClickException as error:
        return failed(error.message, "")
    except configparser.Error as error:
        return failed(f"{ini}: {explain(error)}", "Correct the line")
    except (InvalidSetting, LookupError) as error:
        return failed(f"{ini}: {error}", SET_THEM)
    return ok(str(ini))


def _require_usable(settings: Settings) -> None:
    """Try the database's URL. Raises `InvalidSetting`."""
    if read_url(settings.database_url) is None:
        # Of what it cannot read, SQLAlchemy repeats parts, the password's perhaps.
        raise InvalidSetting("sqlalchemy.url", "it is no URL of a database")
    make_engine(settings).dispose()


def check_settings_file(deployed: Deployed) -> Finding:
    """The server's user can read the ini file, and not everybody where a password is in it."""
    ini, user = deployed.ini, deployed.user_name
    try:
        with deployed.as_server():
            ini.open("rb").close()
        mode = ini.stat().st_mode
    except FileNotFoundError:
        raise NotChecked(f"there is no {ini}") from None
    except OSError as error:
        return failed(
            f"{user} cannot read {ini} ({error.strerror})",
            f"As root: chgrp {user} {ini} && chmod g+r {ini}",
        )
    if mode & stat.S_IROTH and _has_password(deployed):
        return failed(
            f"everybody can read {ini}, which has the database's password", f"chmod o-rwx {ini}"
        )
    if deployed.user is None and is_root():
        return warning(
            f"{ini}, and all below, is looked at as root, to whom nothing is forbidden",
            "Name the user that the server runs as: --user NAME",
        )
    return ok(f"{user} can read {ini}; all below is looked at as that user")


def _has_password(deployed: Deployed) -> bool:
    try:
        url = read_url(deployed.settings.database_url)
    except NotChecked:
        return False
    return url is None or bool(passwords(url))


def check_server(deployed: Deployed) -> Finding:
    """The files, the name and the port of the server are known."""
    try:
        front = deployed.front
    except OSError as error:
        return failed(f"{error.filename}: {error.strerror}", "Run this as root")
    except Incomplete as error:
        anew = deployed.command("apache-config", "--help", as_root=True)
        return failed(str(error), f"Write it anew: {anew}")
    except InvalidSetting as error:
        return failed(f"[server:main] of {deployed.ini}: {error}", SET_THEM)
    what = "Apache" if front.is_apache else "the embedded server"
    return ok(f"{what} at {deployed.server} for {front.host or 'any name'}, {front.source}")

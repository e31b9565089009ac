"""``repoman-admin doctor``: the options, and a line for each finding."""

import re
from pathlib import Path

import click

from repoman.scripts.doctor.checks import examine
from repoman.scripts.doctor.deployed import Deployed, Options
from repoman.scripts.doctor.findings import State
from repoman.scripts.doctor.secrets import hide
from repoman.scripts.site import Site

ADDRESS = re.compile(r"\[?([^\[\]]+?)\]?:(\d{1,5})", re.ASCII)


def read_address(
    ctx: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[str, int] | None:
    """Read ``ADDRESS:PORT``, an IPv6 address in brackets."""
    if text is None:
        return None
    if not (found := ADDRESS.fullmatch(text)):
        raise click.BadParameter("write it as in 127.0.0.1:443 or [::1]:443")
    return found[1], int(found[2])


@click.command()
@click.option("--quiet", is_flag=True, help="Print only what is not ok, as for cron.")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True),
    help="Say also who shows this client certificate (PEM), or how to register it.",
)
@click.option(
    "--connect",
    metavar="ADDRESS:PORT",
    callback=read_address,
    help="Where the server is asked, instead of at its name and port.",
)
@click.option("--offline", is_flag=True, help="Leave out what asks the running server.")
@click.option("--user", metavar="NAME", help="Whom the server runs as; of Apache it is known.")
@click.option(
    "--apache",
    default="apache2ctl",
    show_default=True,
    metavar="COMMAND",
    help="How Apache is asked for its configuration, with options if need be: 'httpd -f FILE'.",
)
@click.pass_obj
def doctor(site: Site, quiet: bool, **given: object) -> None:
    """Check a deployment step by step, and say what mends it. Changes nothing.

    A line for each check: ok, warning, FAILED or not checked. The exit status is 1 where something
    failed. Run it as root: then it looks at files, database and store as the server's user.
    """
    deployed = Deployed(site, Options(**given))  # type: ignore[arg-type]  # click has checked them
    is_well = True
    for check, finding in examine(deployed):
        is_well &= finding.state is not State.FAILED
        if not quiet or finding.state is not State.OK:
            click.echo(hide(finding.line(check.title), _url(site)))
    if not is_well:
        click.get_current_context().exit(1)


def _url(site: Site) -> str | None:
    try:
        found = site.loader.get_settings("app:main").get("sqlalchemy.url")
    except Exception:  # an ini file that cannot be read has been reported, without its lines
        return None
    return str(found) if found else None

"""``repoman-admin scrub`` and ``fsck``: looking for damage, beside the running server.

And what ``gc`` does besides.
"""

from typing import Any

import click

from repoman.errors import StoreUnavailable
from repoman.scripts.site import Site
from repoman.services import fsck as checks
from repoman.services import samples
from repoman.services.checks import reason_of
from repoman.services.ownership import require_files
from repoman.services.scrub import Pace
from repoman.services.scrub import scrub as read_all
from repoman.settings import parse_size

FORCE = click.option(
    "--force", is_flag=True, help="Also where the store holds none of the files; marks them all."
)


def _rate(context: click.Context, parameter: click.Parameter, value: str) -> int:
    try:
        return parse_size(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.option(
    "--rate",
    default="50M",
    show_default=True,
    callback=_rate,
    help="Bytes to read a second, such as 50M; 0: as fast as it goes.",
)
@click.option(
    "--older-than",
    type=click.IntRange(min=0),
    default=0,
    help="Pass over what was read within so many seconds.",
)
@FORCE
@click.pass_obj
def scrub(site: Site, rate: Any, older_than: int, force: bool) -> None:
    """Read all stored files again, and mark those that are damaged, or whole again.

    Safe while serving. Exits with 1 where a file is damaged.
    """
    if not force:
        require_files(site.sessions, site.store)
    read = damaged = 0
    for one in read_all(site.sessions, site.store, Pace(rate), older_than):
        read += 1
        if one.flaw:
            damaged += 1
            click.echo(f"blob {one.blob.uuid}: its file {one.flaw}; {', '.join(one.hits)}")
        elif one.blob.damaged:
            click.echo(f"blob {one.blob.uuid}: its file is whole again")
    click.echo(f"{read} files read, {damaged} damaged.")
    raise SystemExit(1 if damaged else 0)


@click.command()
@click.option("--dry-run", is_flag=True, help="Change and mark nothing.")
@FORCE
@click.pass_obj
def fsck(site: Site, dry_run: bool, force: bool) -> None:
    """Compare database and store both ways, without reading the files.

    Marks files that are missing, or of another size, as damaged. Safe while serving. Exits with 1
    where anything is wrong that gc does not mend.
    """
    if not force:
        require_files(site.sessions, site.store)
    harm = 0
    for found in checks.check(site.sessions, site.store, dry_run=dry_run):
        click.echo(found.text)
        harm += found.is_harm
    click.echo(f"{harm} wrong." if harm else "All is well.")
    raise SystemExit(1 if harm else 0)


def sample(site: Site) -> None:
    """Record how full the store is; where it does not tell, only say so: ``gc`` is done."""
    try:
        samples.take(site.sessions, site.store)
    except StoreUnavailable as error:
        click.echo(f"How full the store is was not recorded: {reason_of(error)}", err=True)

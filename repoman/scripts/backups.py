"""``repoman-admin backup`` and ``restore``."""

import time
from pathlib import Path

import click

from repoman.scripts.site import Site, record
from repoman.services.backup.dumps import NamedBlob
from repoman.services.backup.folders import BackupFolder, require_apart
from repoman.services.backup.restoring import restore as restore_site
from repoman.services.backup.taking import back_up
from repoman.times import show

folder_argument = click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False)
)


@click.command()
@folder_argument
@click.option(
    "--hard-link",
    is_flag=True,
    help="Link the files instead of copying them, on the store's own filesystem.",
)
@click.option("--force", is_flag=True, help="Also where DIR has another site's backup.")
@click.pass_obj
def backup(site: Site, folder: Path, hard_link: bool, force: bool) -> None:
    """Back up database and files to the folder DIR, while serving.

    A backup that is there is brought up to date: only new files are copied.
    """
    started = time.monotonic()
    require_apart(folder, site.settings.store)
    taken = back_up(
        site.sessions,
        site.store,
        BackupFolder(folder),
        hard_link=hard_link,
        force=force,
        waiting=say_that_it_waits,
    )
    click.echo(
        f"{taken.rows} rows of the database; files: "
        f"{taken.copied} {'linked' if hard_link else 'copied'}, "
        f"{taken.kept} kept, {taken.removed} removed; {seconds_since(started)} s."
    )
    list_blobs(taken.damaged, taken.images)
    if taken.damaged:
        raise click.ClickException(
            f"{len(taken.damaged)} of the store's files cannot be backed up, as listed; all else "
            f"is in {folder}. Their owners should upload them again."
        )


@click.command()
@folder_argument
@click.option("--force", is_flag=True, help="Replace what the site holds.")
@click.option(
    "--incomplete", is_flag=True, help="Leave out the files that the backup does not have."
)
@click.pass_obj
def restore(site: Site, folder: Path, force: bool, incomplete: bool) -> None:
    """Make the site what it was at the backup in the folder DIR. Safe while serving."""
    started = time.monotonic()
    require_apart(folder, site.settings.store)
    restored = restore_site(
        site.sessions,
        site.store,
        BackupFolder(folder),
        force=force,
        incomplete=incomplete,
        waiting=say_that_it_waits,
    )
    list_blobs(restored.lost, restored.images)
    if not restored.done:
        raise click.ClickException(
            f"{len(restored.lost)} files are whole neither in {folder} nor in the store, as "
            "listed; the database is as it was. With --incomplete, their images come without them."
        )
    manifest = restored.manifest
    with site.change() as session:
        # What came after the backup is gone from the trail, but not that it is gone.
        record(session, None, folder=str(folder.absolute()), made=show(manifest.made, "rfc3339"))
    click.echo(
        f"Restored the backup of {manifest.made:%Y-%m-%d %H:%M:%S} UTC: "
        f"{sum(manifest.rows.values())} rows of the database; files: {restored.copied} copied, "
        f"{restored.kept} there already, {len(restored.lost)} left out; {seconds_since(started)} s."
    )


def say_that_it_waits() -> None:
    """Tell why nothing happens."""
    click.echo("Waiting for a backup, a restore or a gc to end.")


def seconds_since(started: float) -> str:
    """Write a duration."""
    return f"{time.monotonic() - started:.1f}"


def list_blobs(blobs: dict[NamedBlob, str], images: dict[int, list[str]]) -> None:
    """Print what is wrong with blobs, and whose they are."""
    for blob, problem in blobs.items():
        owners = ", ".join(images[blob.id]) or "no image"
        click.echo(f"file {blob.uuid} of {owners}: {problem}")

"""``repoman-admin``: what an administrator does on the server itself, without a certificate."""

from pathlib import Path
from typing import Any, BinaryIO

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy.orm import Session

from repoman import logs
from repoman.database import migrate
from repoman.identity import ADMINS
from repoman.models import User
from repoman.schemas import NewUser, UserChanges, validate
from repoman.scripts import backups, upkeep
from repoman.scripts.apache import apache_config
from repoman.scripts.doctor.command import doctor
from repoman.scripts.groups import group as groups_of_site
from repoman.scripts.groups import quota_in_words, show_quota
from repoman.scripts.revocations import crl_update
from repoman.scripts.site import Commands, Site, record
from repoman.scripts.trail import audit
from repoman.services import certificates, groups, users
from repoman.services.collector import collect


@click.group(cls=Commands)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default="development.ini",
    envvar="REPOMAN_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The ini file of the installation.",
)
@click.version_option(package_name="repoman")
@click.pass_context
def main(ctx: click.Context, config: Path) -> None:
    """Administer a Repoman server."""
    ctx.obj = Site(config)
    ctx.call_on_close(ctx.obj.close)


for command in (
    *(apache_config, doctor, crl_update, backups.backup, backups.restore),
    *(upkeep.scrub, upkeep.fsck),
):
    main.add_command(command)


@main.command()
@click.pass_obj
def init(site: Site) -> None:
    """Create or upgrade the database, and make the store's folders. Harmless when repeated."""
    migrate(site.sessions.engine)
    site.store.free()
    click.echo(f"{site.sessions.engine.url} and {site.settings.store} are ready.")


@main.command()
@click.pass_obj
def serve(site: Site) -> None:
    """Start the server that the ini file's [server:main] describes."""
    logs.set_up(site.loader, {})
    application = site.loader.get_wsgi_app("main")
    site.loader.get_wsgi_server("main")(application)


@main.command()
@click.option("--var", type=click.Path(path_type=Path), default="var", show_default=True)
@click.option("--port", type=int, default=8443, show_default=True)
@click.pass_obj
def run(site: Site, var: Path, port: int) -> None:
    """Make certificates, a database and three users in a folder, and serve: for trying out."""
    from repoman.scripts.run import run as run_here  # noqa: PLC0415 - gunicorn only where it serves

    run_here(var, port, site.config)


@main.command()
@click.option(
    "--grace",
    type=click.IntRange(min=0),
    help="Seconds a file stays without image; repoman.gc_grace.",
)
@click.option(
    "--trash-ttl",
    type=click.IntRange(min=0),
    help="Seconds that deleted images and versions stay in the trash; repoman.trash_ttl.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and change nothing.")
@click.option("--force", is_flag=True, help="Also where the database knows none of the files.")
@click.pass_obj
def gc(site: Site, grace: int | None, trash_ttl: int | None, dry_run: bool, force: bool) -> None:
    """Empty the trash, merge equal files, and remove those that no image names.

    Records how full the store is then. Safe while serving.
    """
    removed, done = 0, "would be removed" if dry_run else "removed"
    seconds = site.settings.gc_grace if grace is None else grace
    found = collect(
        site.sessions,
        site.store,
        seconds,
        trash_ttl=site.settings.trash_ttl if trash_ttl is None else trash_ttl,
        force=force,
        dry_run=dry_run,
    )
    for item in found:
        state = f"to be removed by a gc {seconds} s from now" if item.waiting else done
        if item.kept:
            state = "kept for a backup or a restore that is running"
        state = item.fate or state
        click.echo(f"{item.what} {item.key} ({item.size} bytes): {state}")
        removed += 0 if item.waiting or item.kept else item.size
    click.echo(f"{removed} bytes {done}.")
    if not dry_run:
        upkeep.sample(site)


main.add_command(audit)


@main.group()
def user() -> None:
    """Register and show users."""


@user.command("add")
@click.argument("name")
@click.option("--dn", help="The distinguished name, such as '/C=CA/O=Grid/CN=Ann Lee'.")
@click.option("--issuer", help="The issuer's distinguished name, to accept no other issuer.")
@click.option("--certificate", type=click.File("rb"), help="A certificate file (PEM) instead.")
@click.option("--email")
@click.option("--full-name")
@click.option("--quota", help="Bytes that may be in use, such as 500G; repoman.user_quota.")
@click.option("--admin", is_flag=True, help="Make the user a member of admins.")
@click.pass_obj
def add_user(
    site: Site, name: str, dn: str | None, issuer: str | None, certificate: Any, **more: Any
) -> None:
    """Register a user."""
    admin = more.pop("admin")
    given = {
        "user_name": name,
        "cert_dn": dn,
        "issuer_dn": issuer,
        "certificate": read_certificate(certificate) if certificate else None,
        **more,
    }
    fields = validate(
        NewUser, {key: value for key, value in given.items() if value is not None}
    ).given()
    registration = certificates.read_registration(
        fields, require_issuer=site.settings.require_issuer
    )
    with site.change() as session:
        made = users.create(
            session,
            fields["user_name"],
            registration,
            fields,
            hypervisors=site.settings.hypervisors,
        )
        if admin:
            groups.add_member(session, groups.find(session, ADMINS), made)
        record(session, made, admin=admin, **fields)
        show_user(session, made)


@user.command("list")
@click.pass_obj
def list_users(site: Site) -> None:
    """List the users' names."""
    with site.sessions.reading() as session:
        for found in users.list_all(session):
            click.echo(found.name + (" (suspended)" if found.suspended else ""))


@user.command("show")
@click.argument("name")
@click.pass_obj
def show(site: Site, name: str) -> None:
    """Show a user."""
    with site.sessions.reading() as session:
        show_user(session, users.find(session, name))


@user.command("suspend")
@click.argument("name")
@click.pass_obj
def suspend(site: Site, name: str) -> None:
    """Lock a user out; nothing of theirs is changed."""
    set_suspended(site, name, suspended=True)


@user.command("resume")
@click.argument("name")
@click.pass_obj
def resume(site: Site, name: str) -> None:
    """Let a suspended user in again."""
    set_suspended(site, name, suspended=False)


@user.command("quota")
@click.argument("name")
@click.argument("size")
@click.pass_obj
def set_quota(site: Site, name: str, size: str) -> None:
    """Set what a user may have in use, such as 500G; '' is what repoman.user_quota says."""
    fields = validate(UserChanges, {"quota": size})
    with site.change() as session:
        found = users.find(session, name, lock=True)
        found.quota = fields.quota
        record(session, found, quota=fields.quota)
        show_quota(found)


main.add_command(groups_of_site)


def read_certificate(file: BinaryIO) -> str:
    """Read the first certificate of a PEM file, which may hold its key too."""
    try:
        certificate = x509.load_pem_x509_certificate(file.read())
    except ValueError:
        raise click.ClickException(f"{file.name} holds no certificate in PEM.") from None
    return certificate.public_bytes(Encoding.PEM).decode()


def set_suspended(site: Site, name: str, *, suspended: bool) -> None:
    """Suspend or resume. Raises `LastAdmin`."""
    with site.change() as session:
        found = users.find(session, name, lock=True)
        users.set_suspended(session, found, suspended=suspended)
        record(session, found)
        click.echo(f"{found.name} is {'suspended' if suspended else 'active'}.")


def show_user(session: Session, found: User) -> None:
    """Print a user, a field a line."""
    member_of = ", ".join(one.name for one in groups.of_user(session, found))
    lines = [
        ("user_name", found.name),
        ("full_name", found.full_name),
        ("email", found.email),
        ("groups", member_of),
        ("suspended", "yes" if found.suspended else "no"),
        ("quota", quota_in_words(found)),
    ]
    for certificate in found.certificates:
        lines.append(("client_dn", certificate.shown_dn))
        if certificate.shown_issuer:
            lines.append(("issuer_dn", certificate.shown_issuer))
    for key, value in lines:
        if value:
            click.echo(f"{key}: {value}")

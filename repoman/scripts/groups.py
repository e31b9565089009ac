"""``repoman-admin group``: groups, for when nobody can come in who may change them."""

import click

from repoman.identity import Permission
from repoman.presenters import permissions_of
from repoman.schemas import GroupChanges, NewGroup, validate
from repoman.scripts.site import Site, record
from repoman.services import groups, permissions, users
from repoman.services.quotas import Account


@click.group()
def group() -> None:
    """Make, show and change groups."""


@group.command("add")
@click.argument("name")
@click.option("--description")
@click.option("--permissions", help="Separated by commas.")
@click.option("--quota", help="Bytes that its images may have, such as 2T; repoman.group_quota.")
@click.pass_obj
def add_group(site: Site, **given: str | None) -> None:
    """Make a group."""
    fields = validate(NewGroup, {key: value for key, value in given.items() if value is not None})
    with site.change() as session:
        made = groups.create(
            session,
            fields.name,
            description=fields.description,
            permissions=fields.permissions or (),
            quota=fields.quota,
        )
        record(session, made, **fields.model_dump(mode="json", exclude_unset=True))
        click.echo(f"{made.name} is made.")


@group.command("list")
@click.pass_obj
def list_groups(site: Site) -> None:
    """List the groups' names."""
    with site.sessions.reading() as session:
        for found in groups.list_all(session):
            click.echo(found.name)


@group.command("show")
@click.argument("name")
@click.pass_obj
def show_group(site: Site, name: str) -> None:
    """Show a group."""
    with site.sessions.reading() as session:
        found = groups.find(session, name)
        places = sorted(found.memberships, key=lambda one: one.user.name)
        lines = {
            "name": found.name,
            "description": found.description,
            "permissions": ", ".join(permissions_of([found])),
            "users": ", ".join(one.user.name for one in places),
            "admins": ", ".join(one.user.name for one in places if one.is_admin),
            "quota": quota_in_words(found),
        }
        for key, value in lines.items():
            if value:
                click.echo(f"{key}: {value}")


@group.command("add-user")
@click.argument("group_name", metavar="GROUP")
@click.argument("user_name", metavar="USER")
@click.pass_obj
def add_user(site: Site, group_name: str, user_name: str) -> None:
    """Put a user into a group."""
    with site.change() as session:
        found = groups.find(session, group_name, lock=True)
        member = users.find(session, user_name)
        groups.add_member(session, found, member)
        record(session, found, name=member.name)
        click.echo(f"{member.name} is in {found.name}.")


@group.command("remove-user")
@click.argument("group_name", metavar="GROUP")
@click.argument("user_name", metavar="USER")
@click.pass_obj
def remove_user(site: Site, group_name: str, user_name: str) -> None:
    """Take a user out of a group; images stay as they are."""
    with site.change() as session:
        found = groups.find(session, group_name, lock=True)
        member = users.find(session, user_name)
        groups.remove_member(session, found, member)
        record(session, found, name=member.name)
        click.echo(f"{member.name} is not in {found.name}.")


@group.command("add-admin")
@click.argument("group_name", metavar="GROUP")
@click.argument("user_name", metavar="USER")
@click.pass_obj
def add_admin(site: Site, group_name: str, user_name: str) -> None:
    """Make a user an admin of a group, and a member first."""
    with site.change() as session:
        found = groups.find(session, group_name, lock=True)
        member = users.find(session, user_name)
        groups.appoint(session, found, member)
        record(session, found, name=member.name)
        click.echo(f"{member.name} is an admin of {found.name}.")


@group.command("quota")
@click.argument("name")
@click.argument("size")
@click.pass_obj
def set_quota(site: Site, name: str, size: str) -> None:
    """Set what a group's images may have, such as 2T; '' is what repoman.group_quota says."""
    fields = validate(GroupChanges, {"quota": size})
    with site.change() as session:
        found = groups.find(session, name, lock=True)
        found.quota = fields.quota
        record(session, found, quota=fields.quota)
        show_quota(found)


def show_quota(account: Account) -> None:
    """Print what was set."""
    click.echo(f"The quota of {account.name} is {quota_in_words(account) or 'the default'}.")


def quota_in_words(account: Account) -> str:
    """Write an own quota; '' where there is none."""
    return "" if account.quota is None else f"{account.quota} bytes"


@group.command("permit")
@click.argument("group_name", metavar="GROUP")
@click.argument("permission", type=click.Choice([str(one) for one in Permission]))
@click.pass_obj
def permit(site: Site, group_name: str, permission: str) -> None:
    """Give the members of a group a permission."""
    with site.change() as session:
        found = groups.find(session, group_name, lock=True)
        permissions.add(session, found, permissions.find(permission))
        record(session, found, permission=permission)
        click.echo(f"{found.name} confers {', '.join(permissions_of([found]))}.")


@group.command("forbid")
@click.argument("group_name", metavar="GROUP")
@click.argument("permission", type=click.Choice([str(one) for one in Permission]))
@click.pass_obj
def forbid(site: Site, group_name: str, permission: str) -> None:
    """Take a permission from a group."""
    with site.change() as session:
        found = groups.find(session, group_name, lock=True)
        permissions.remove(session, found, permissions.find(permission))
        record(session, found, permission=permission)
        click.echo(f"{found.name} confers {', '.join(permissions_of([found])) or 'nothing'}.")

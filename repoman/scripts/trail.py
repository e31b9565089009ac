"""``repoman-admin audit``: read the audit trail."""

import re
from datetime import datetime
from typing import Any

import click

from repoman import times
from repoman.json_text import to_line
from repoman.models import AuditEntry
from repoman.scripts.site import Site
from repoman.services import audit as trail


def read_since(ctx: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    """Read a time, or a date for its first moment in UTC."""
    if text is None:
        return None
    is_date = re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII)
    try:
        return times.read(f"{text}T00:00:00Z" if is_date else text)
    except ValueError as error:
        raise click.BadParameter(f"{error}, or a date such as 2026-11-24") from None


def read_object(ctx: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Read an object's URL, with or without host and ``/api``."""
    if text is None:
        return None
    path = re.sub(r"^https?://[^/]*", "", text).strip("/").removeprefix("api/")
    return f"/api/{path}"


@click.command()
@click.option("--user", metavar="NAME", help="Only what this user did, under any name.")
@click.option(
    "--object",
    "thing",
    metavar="URL",
    callback=read_object,
    help="Only what was done to it: images/ann/debian12, images/UUID, users/ann, groups/lab.",
)
@click.option("--since", metavar="TIME", callback=read_since, help="Such as 2026-11-24.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def audit(
    site: Site, user: str | None, thing: str | None, since: datetime | None, as_json: bool
) -> None:
    """Show who changed what, the oldest first."""
    with site.sessions.reading() as session:
        for entry in trail.find(session, user=user, thing=thing, since=since):
            click.echo(to_line(columns(entry)) if as_json else line(entry))


def columns(entry: AuditEntry) -> dict[str, Any]:
    """Show a row as an object."""
    return {
        "time": times.show(entry.time, "rfc3339"),
        "user": entry.user_name,
        "dn": entry.dn,
        "action": entry.action,
        "object": entry.object,
        "object_key": entry.object_key,
        "request": entry.request,
        "detail": trail.detail_of(entry),
        "request_id": entry.request_id,
    }


def line(entry: AuditEntry) -> str:
    """Show a row to a person."""
    shown = [times.show(entry.time, "rfc3339"), entry.user_name or "-", entry.action, entry.object]
    shown += [f"[{entry.request}]", entry.detail, to_line(entry.dn), entry.request_id]
    return " ".join(map(str, shown))

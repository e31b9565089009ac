"""``repoman-admin crl-update``: new revocation lists for Apache, which then reads them."""

import errno
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography import x509

from repoman.certificates.revocations import Choice, RevocationList, choose, read_lists
from repoman.scripts.defines import read_defines
from repoman.scripts.files import write_whole
from repoman.scripts.httpd import Apache
from repoman.scripts.site import Site
from repoman.storage.medium import sync_folder, try_lock

MOST_BYTES = 64 << 20
"""Of a list: the largest in use have some MiB."""
IN_FOLDER = re.compile(r".*\.(r[0-9]|pem|crl)")
"""Files of a folder that may be lists; fetch-crl writes HASH.r0 and the like."""


@dataclass(frozen=True)
class Files:
    """Apache's files of authorities and lists."""

    authorities: Path
    revocations: Path


@click.command("crl-update")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--apache", default="apache2ctl", show_default=True, help="Apache's command.")
@click.pass_obj
def crl_update(site: Site, paths: tuple[Path, ...], apache: str) -> None:
    """Take new revocation lists from files or folders, and have Apache read them.

    Without PATHS, check the lists that are there. Exits with 1 where a list was refused, or one in
    use has expired; the others are taken all the same.
    """
    files, httpd = find_files(site.config.with_name("repoman.conf")), Apache(shlex.split(apache))
    with alone(files.revocations.parent):
        installed, unread = installed_lists(files.revocations)
        given, unreadable = given_lists(paths)
        choices = choose(read_authorities(files.authorities), installed, given)
        sound = tell(choices, [*unread, *unreadable])
        is_new = any(choice.is_new for choice in choices)
        if is_new:
            put_in_place(files.revocations, choices, httpd)
        elif complaint := httpd.complaint():
            raise click.ClickException(f"Apache's configuration is not sound: {complaint}")
        reload(files.revocations, httpd, is_new=is_new)
    if not sound:
        click.get_current_context().exit(1)


def find_files(conf: Path) -> Files:
    """Read where Apache has its files. Raises click.ClickException."""
    try:
        defines = read_defines(conf.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise click.ClickException(f"{conf}: {error.strerror}.") from None
    found = [defines.get(f"REPOMAN_{name}") for name in ("AUTHORITIES", "REVOCATIONS")]
    for name, value in zip(("AUTHORITIES", "REVOCATIONS"), found, strict=True):
        if not value:
            raise click.ClickException(
                f"{conf} has no line Define REPOMAN_{name} FILE; without it Apache checks none."
            )
    authorities, revocations = (Path(value).resolve() for value in found if value)
    return Files(authorities, revocations)


def read_authorities(path: Path) -> list[x509.Certificate]:
    """Read the authorities whose certificates are let in. Raises click.ClickException."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}.") from None
    except ValueError:
        raise click.ClickException(f"{path} holds no certificates in PEM.") from None


def installed_lists(path: Path) -> tuple[list[RevocationList], list[str]]:
    """Read the lists in use, and say what cannot be read; there may be none yet."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], [f"{path} is not there, and Apache does not start without it"]
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}.") from None
    try:
        return read_lists(data, str(path)), []
    except ValueError:
        return [], [f"{path} holds what is no revocation list"]


def given_lists(paths: Sequence[Path]) -> tuple[list[RevocationList], list[str]]:
    """Read files, and those of folders that may be lists; say which could not be read."""
    found: dict[bytes, RevocationList] = {}
    unreadable = []
    for path in paths:
        inside = [one for one in sorted(path.glob("*")) if IN_FOLDER.fullmatch(one.name)]
        for file in inside if path.is_dir() else [path]:
            try:
                data = read_some(file)
                # In such a folder, .pem is an authority's certificate as a rule.
                if file != path and file.suffix == ".pem" and b"X509 CRL" not in data:
                    continue
                found |= {one.pem: one for one in read_lists(data, str(file))}
            except OSError as error:
                unreadable.append(f"{file}: {error.strerror}")
            except ValueError:
                unreadable.append(f"{file} is no revocation list in PEM or DER")
    return list(found.values()), unreadable


def read_some(file: Path) -> bytes:
    """Read a file that others may have made. Raises OSError also for one without end."""
    if not file.is_file():
        raise OSError(errno.EINVAL, "it is no file")
    with file.open("rb") as opened:
        data = opened.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {MOST_BYTES} bytes")
    return data


def tell(choices: Sequence[Choice], unreadable: Sequence[str]) -> bool:
    """Say what is done; False where a list was refused, or one in use has expired."""
    now, sound = datetime.now(UTC), not unreadable
    for sentence in unreadable:
        click.echo(f"Refused: {sentence}.", err=True)
    for choice in choices:
        for sentence in choice.refused:
            click.echo(f"Refused: {sentence}.", err=True)
        if choice.lists:
            state = "new list" if choice.is_new else "list as before"
            click.echo(f"{choice.name}: {state}, {until(choice.lists)}")
        if warning := choice.warning(now):
            click.echo(f"Warning: {warning}.", err=True)
        sound = sound and not choice.refused and not (choice.lists and warning)
    return sound


def until(lists: Sequence[RevocationList]) -> str:
    """Say how long an authority's lists are good."""
    ends = [one.ends for one in lists if one.ends is not None]
    return f"until {max(ends):%Y-%m-%d %H:%M} UTC" if ends else "for ever"


def put_in_place(path: Path, choices: Sequence[Choice], httpd: Apache) -> None:
    """Write the new set, unless Apache's configuration is not sound then: the old one comes back.

    Raises click.ClickException.
    """
    try:
        old = path.read_bytes() if path.exists() else None
        replace(path, b"".join(one.pem for choice in choices for one in choice.lists))
        try:
            complaint = httpd.complaint()
        except click.ClickException as error:
            complaint = error.message
        if complaint is not None:
            if old is None:
                path.unlink()
            else:
                replace(path, old)
            raise click.ClickException(
                f"Apache does not take them, so the lists are as before: {complaint}"
            )
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written ({error.strerror}).") from None


def replace(path: Path, data: bytes) -> None:
    """Write a file so that it is there wholly, old or new, with its owner and mode."""
    mode, owner = 0o644, None
    with suppress(FileNotFoundError):
        there = path.stat()
        mode, owner = there.st_mode & 0o777, (there.st_uid, there.st_gid)
    write_whole(path, data, mode, owner)
    sync_folder(path.parent)


def reload(path: Path, httpd: Apache, *, is_new: bool) -> None:
    """Have Apache read the lists, unless it has, or is not running. Raises click.ClickException.

    What this command has just written it always has read: a restart of somebody else's may have
    read the old file a moment before, and ended a moment after.
    """
    read = httpd.last_read()
    if read is None:
        click.echo("Apache is not running. It reads the lists when it starts.")
    elif not is_new and read > path.stat().st_ctime:
        click.echo("Apache has read these lists already: it was not restarted.")
    else:
        httpd.restart_gracefully()
        click.echo("Apache has restarted gracefully, and reads the lists.")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one at a time change the lists. Raises click.ClickException."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}.") from None
    try:
        if not try_lock(descriptor):
            raise click.ClickException("Another crl-update is running.")
        yield
    finally:
        os.close(descriptor)

"""``make run``: everything for trying Repoman on one's own machine, in one command."""

import shlex
from pathlib import Path
from typing import Any

import click
import plaster

import repoman
from repoman import logs
from repoman.database import migrate
from repoman.errors import CertificateInUse, UserExists
from repoman.identity import ADMINS
from repoman.models import Sessions, make_engine
from repoman.scripts import pki
from repoman.server import read_server_settings, serve
from repoman.services import groups, users
from repoman.services.certificates import of_certificate
from repoman.settings import Settings, read_settings

TOUR = """\
Repoman listens on {url} and keeps its data in {var}. Ctrl-C stops it.

In another terminal:
  curl {alice} {url}/api/whoami
  curl {alice} -d name=debian12 -d os_type=linux -d hypervisor=kvm {url}/api/images
  head -c 1M /dev/urandom > disk.img
  curl {alice} -T disk.img {url}/api/images/raw/debian12
  curl {alice} -X POST {url}/api/images/debian12/share/user/bob
  curl {bob} -o copy.img {url}/api/images/raw/alice/debian12
  curl {bob} -d name=mine -d copy_of=alice/debian12 {url}/api/images

In a browser: let it trust the authority {ca}
and import the certificate {p12} (password: {password}), then open {url}/
"""


def run(var: Path, port: int, ini: Path = Path("development.ini")) -> None:
    """Serve from the folder ``var``, made on the first start, and never return.

    Makes or renews the development certificates, migrates the database, registers the three users
    and prints commands to try. The values ``var`` and ``port`` take the place of the ini file's.
    Raises click.ClickException and `InvalidSetting` for a file or setting that cannot be used.
    """
    if not ini.is_file():
        raise click.ClickException(f"There is no {ini}; run this where it is, or use --config.")
    var = var.absolute()
    if not set("%?").isdisjoint(str(var)):
        raise click.ClickException(f"{var} cannot be used: % and ? mean other things in its URL.")
    try:
        _run(var, port, ini)
    except pki.PkiError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        if error.filename is None:
            raise
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None


def _run(var: Path, port: int, ini: Path) -> None:
    # Not pserve's way: PasteDeploy lets the file's own [DEFAULT] win over what it is given.
    loader = plaster.get_loader(str(ini), protocols=["wsgi"])
    given = {"var": str(var), "port": str(port)}
    app_ini = _section(loader, "app:main", given)
    server = read_server_settings(_section(loader, "server:main", given))
    settings = read_settings(app_ini)
    logs.set_up(loader, given)

    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificates = pki.ensure(var / "pki")
    sessions = Sessions(make_engine(settings))
    migrate(sessions.engine)
    _register(sessions, settings, certificates)
    sessions.engine.dispose()
    tour = _tour(server.port, var, certificates)
    serve(repoman.main(given, **app_ini), server, lambda: print(tour, flush=True))


def _register(sessions: Sessions, settings: Settings, paths: dict[str, Path]) -> None:
    """Make users of the people whose name and certificate are both free."""
    with sessions.changing.begin() as session:
        for name in pki.PEOPLE:
            registration = of_certificate(pki.read_certificate(paths[name]))
            try:
                made = users.create(
                    session, name, registration, {}, hypervisors=settings.hypervisors
                )
            except (UserExists, CertificateInUse):
                continue  # raised before anything is written
            if name == "admin":
                groups.add_member(session, groups.find(session, ADMINS), made)


def _section(loader: Any, name: str, given: dict[str, str]) -> dict[str, str]:
    section = dict(loader.get_settings(name, given))
    section.pop("use", None)
    return section


def _tour(port: int, var: Path, certificates: dict[str, Path]) -> str:
    paths = {name: shlex.quote(str(path)) for name, path in certificates.items()}
    return TOUR.format(
        url=f"https://localhost:{port}",
        var=var,
        ca=certificates["ca"],
        p12=certificates["alice.p12"],
        password=pki.P12_PASSWORD,
        **{name: f"--cacert {paths['ca']} --cert {paths[name]}" for name in ("alice", "bob")},
    )

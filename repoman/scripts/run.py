"""``make run``: everything for trying Repoman on one's own machine, in one command."""

import shlex
from pathlib import Path
from typing import Any

import plaster

import repoman
from repoman.scripts import database, pki
from repoman.server import read_server_settings, serve
from repoman.services import bootstrap
from repoman.settings import InvalidSetting, read_settings

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
    Ends the process with a sentence for a setting or file that cannot be used.
    """
    try:
        _run(var.absolute(), port, ini)
    except (InvalidSetting, pki.PkiError) as error:
        raise SystemExit(str(error)) from None
    except OSError as error:
        if error.filename is None:
            raise
        raise SystemExit(f"{error.filename}: {error.strerror}") from None


def _run(var: Path, port: int, ini: Path) -> None:
    # Not pserve's way: PasteDeploy lets the file's own [DEFAULT] win over what it is given.
    loader = plaster.get_loader(str(ini), protocols=["wsgi"])
    given = {"var": str(var).replace("%", "%%"), "port": str(port)}
    app_ini = _section(loader, "app:main", given)
    server = read_server_settings(_section(loader, "server:main", given))
    settings = read_settings(app_ini)
    loader.setup_logging(given)

    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificates = pki.ensure(var / "pki")
    database.migrate(settings)
    bootstrap.register(settings, {name: certificates[name] for name in pki.PEOPLE})
    app = repoman.main(given, **app_ini)
    tour = _tour(server.port, var, certificates)
    serve(app, server, lambda: print(tour, flush=True))


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

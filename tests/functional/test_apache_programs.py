"""What `apache-config` writes and prints, given to the programs that it is for."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.apache import httpd
from tests.databases import on_sqlite
from tests.functional import test_apache_config

pytestmark = on_sqlite

home, options, write = (getattr(test_apache_config, name) for name in ("home", "options", "write"))
MODES = [(), ("--crl",), ("--daemon-only",), ("--http-port", "8080")]


@pytest.fixture
def modules(tmp_path):
    """Return the paths of Apache's modules, of ours too."""
    try:
        found = httpd.shipped_modules()
        httpd.program("apache2")
        httpd.build_module(
            Path(__file__).parents[2] / "repoman/apache/mod_proxy_certs/mod_proxy_certs.c",
            tmp_path / "module",
        )
    except httpd.NoApache as reason:
        pytest.skip(str(reason))
    return found | {"proxy_certs": tmp_path / "module" / httpd.MODULE}


@pytest.mark.parametrize("without", [set(), {"xsendfile", "proxy_certs"}], ids=len)
@pytest.mark.parametrize("more", MODES, ids=str)
def test_apache_takes_the_written_configuration(
    write, home, tmp_path, modules, more, without, database
):
    if "--crl" in more:
        more = (*more, str(tmp_path / "crl.pem"))
    write(*more, "--port", "8443")
    loaded = {name: path for name, path in modules.items() if name not in without}
    conf = httpd.write_configuration(tmp_path / "root", 8443, loaded, home / "repoman.conf")
    checked = subprocess.run(
        [httpd.program("apache2"), "-t", "-f", conf], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "Syntax OK\n")


DEBIAN = Path("/etc/apache2")


@pytest.mark.parametrize("more", [(), ("--daemon-only",), ("--http-port", "80")], ids=str)
def test_printed_commands_are_those_of_debian(write, tmp_path, modules, more, database):
    """Run on a copy of Debian's configuration, as far as they have to do with that."""
    if not (DEBIAN / "mods-available").is_dir() or not shutil.which("a2enmod", path="/usr/sbin"):
        pytest.skip("runs on Debian's configuration of Apache (Debian: apache2)")
    copy = tmp_path / "apache2"
    shutil.copytree(DEBIAN, copy, symlinks=True)
    for name in ("wsgi", "xsendfile"):
        (copy / "mods-enabled" / f"{name}.load").unlink(missing_ok=True)
    (copy / "mods-enabled" / "wsgi.conf").unlink(missing_ok=True)
    folders = {"APACHE_RUN_DIR": "run", "APACHE_LOCK_DIR": "lock", "APACHE_LOG_DIR": "log"}
    with (copy / "envvars").open("a") as file:
        for name, folder in folders.items():
            (tmp_path / folder).mkdir()
            file.write(f"export {name}={tmp_path}/{folder}\n")
    check = f". {copy}/envvars && apache2 -d {copy} -t"
    ran = []
    for line in write(*more).splitlines():
        if "/etc/apache2" in line or "a2en" in line:
            command = line.strip().split(" && systemctl")[0].replace("/etc/apache2", str(copy))
            command = command.replace("$(apxs2 -q LIBEXECDIR)", str(tmp_path / "module"))
            command = command.replace("apache2ctl configtest", check)
            ended = subprocess.run(
                ["/bin/sh", "-c", command],
                env={
                    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                    "APACHE_CONFDIR": str(copy),
                    "APACHE_STATE_DIRECTORY": str(tmp_path / "state"),
                },
                capture_output=True,
                text=True,
                check=False,
            )
            assert ended.returncode == 0, (command, ended.stdout, ended.stderr)
            assert "ERROR" not in ended.stderr
            ran.append(command.split()[0])
    assert ran == ["echo", "a2enmod", "sed", "ln", "a2ensite"]
    assert "Syntax OK" in ended.stderr
    enabled = {path.stem for path in (copy / "mods-enabled").glob("*.load")}
    assert enabled >= {"alias", "headers", "ssl", "unique_id", "wsgi", "proxy_certs"}
    assert ("xsendfile" in enabled) is ("--daemon-only" in more)
    effective = [copy / "apache2.conf", *copy.glob("*-enabled/*.conf")]
    caches = re.findall(
        r"^\s*(SSLSessionCache\s.*)$",
        "\n".join(path.read_text() for path in effective),
        re.MULTILINE | re.IGNORECASE,
    )
    assert caches == ["SSLSessionCache none"]
    assert "SSLSessionCacheTimeout" in (copy / "mods-enabled/ssl.conf").read_text()


def test_systemd_takes_the_units(write, home, database):
    program = shutil.which("systemd-analyze") or pytest.skip("systemd-analyze is not installed")
    write()
    units = sorted((home / "systemd").iterdir())
    checked = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")

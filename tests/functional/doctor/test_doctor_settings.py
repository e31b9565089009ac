"""``repoman-admin doctor`` on the ini file: what is wrong in it, and who can read it."""

import os
import shutil
import sys

import pytest

from repoman.scripts.doctor import checks
from repoman.scripts.doctor.checks import Check
from repoman.scripts.doctor.findings import ok
from tests.databases import on_sqlite
from tests.doctor import fake_timedatectl

SECRET = "s3cr3t-pass"


def test_deployment_that_is_well_is_ok_without_its_server(deployment):
    report = deployment.doctor()
    assert report.not_ok == {}
    assert report.code == 0
    assert list(report.states) == [
        "settings",
        "settings file",
        "server",
        "server certificate",
        "server key",
        "host name",
        "certificate chain",
        "authorities",
        "revocation lists",
        "database",
        "tables",
        "changes",
        "administrator",
        "store",
        "store takes files",
        "store's room",
        "store's files",
        "clock",
        "clocks agree",
    ]


def test_quiet_says_what_is_not_ok_and_nothing_else(deployment):
    deployment.app["repoman.default_group"] = "nosuch"
    deployment.write()
    report = deployment.doctor("--quiet")
    assert report.broken() == {"tables": "FAILED"}
    assert "ok" not in report.states.values()


@on_sqlite
@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"repoman.stor": "/x"}, "repoman.stor: unknown setting"),
        ({"repoman.gc_grace": "soon"}, "repoman.gc_grace: it must be a number of seconds"),
        ({"repoman.store": ""}, "repoman.store: it must not be empty"),
        ({"sqlalchemy.url": "mysql://root@localhost/repoman"}, "sqlalchemy.url: it must be"),
        ({"sqlalchemy.url": "nonsense"}, "sqlalchemy.url: it is no URL"),
    ],
    ids=str,
)
def test_setting_that_cannot_be_used_is_named(deployment, change, part, database):
    deployment.app |= change
    deployment.write()
    report = deployment.doctor()
    assert report.broken() == {"settings": "FAILED"}
    assert f"{deployment.config}: {part}" in report.texts["settings"]
    assert report.states["database"] == report.states["store"] == "not checked"
    assert report.states["server key"] == "ok"


@on_sqlite
def test_missing_ini_file_is_said_once_and_ends_nothing(deployment, database):
    deployment.config.unlink()
    report = deployment.doctor()
    assert report.broken() == {"settings": "FAILED"}
    assert f"There is no {deployment.config}" in report.texts["settings"]
    assert report.states["clock"] == "ok"


@on_sqlite
@pytest.mark.parametrize(
    "line",
    [
        f"sqlalchemy.url = postgresql://repoman:{SECRET}%40x@/nosuch",
        f"sqlalchemy.url = postgresql://repoman:{SECRET}@localhost:{SECRET}/x",
        f"sqlalchemy.url = postgresql://repoman:{SECRET}@/nosuch?host=/nowhere",
        f"sqlalchemy.url = postgresql://repoman@/x?host=/nowhere&password={SECRET}",
        f"sqlalchemy.url = mysql://repoman:{SECRET}@localhost/x",
        f"postgresql://repoman:{SECRET}@localhost/x",
        f"sqlalchemy.url = postgresql://\n{SECRET}@localhost/x",
    ],
)
def test_password_of_the_database_is_never_shown(deployment, line, database):
    url = f"sqlalchemy.url = {deployment.app['sqlalchemy.url']}"
    deployment.config.write_text(deployment.config.read_text().replace(url, line))
    report = deployment.doctor("--certificate", deployment.certificate)
    assert report.code == 1
    assert SECRET not in report.printed
    assert "s3cr3t" not in report.printed


@on_sqlite
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://repoman:s3cr3t%40%2F@localhost/x",
        "postgresql://repoman@localhost/x?password=s3cr3t%40%2F",
    ],
)
def test_password_is_hidden_whatever_a_check_says(deployment, url, monkeypatch, database):
    def tell(deployed):
        return ok(f"connecting to {url} with s3cr3t@/, s3cr3t%40/")

    monkeypatch.setattr(checks, "CHECKS", (Check("first", tell),))
    deployment.app["sqlalchemy.url"] = url
    deployment.write()
    (line,) = deployment.admin("doctor").output.splitlines()
    assert line.endswith(f"connecting to {url.replace('s3cr3t%40%2F', '***')} with ***, ***")


@on_sqlite
def test_defect_of_a_check_is_a_line_without_traceback_and_password(
    deployment, monkeypatch, database
):
    def fail(deployed):
        raise RuntimeError(f"two\nlines with {SECRET}")

    monkeypatch.setattr(checks, "CHECKS", (Check("first", fail), Check("next", fail, ("first",))))
    deployment.app["sqlalchemy.url"] = f"postgresql://repoman:{SECRET}@localhost/x"
    deployment.write()
    result = deployment.admin("doctor")
    assert result.exit_code == 1
    first, following = result.output.splitlines()
    assert first.startswith("FAILED       first: the check itself failed: RuntimeError in ")
    assert SECRET not in first
    assert following == 'not checked  next, because "first" is not ok'


@on_sqlite
def test_ini_file_with_a_password_is_not_for_everybody(deployment, database):
    deployment.config.chmod(0o644)
    assert deployment.doctor().not_ok == {}
    deployment.app["sqlalchemy.url"] = f"postgresql://repoman:{SECRET}@localhost:1/x"
    deployment.write()
    deployment.config.chmod(0o644)
    report = deployment.doctor()
    assert report.broken() == {"settings file": "FAILED", "database": "FAILED"}
    assert report.texts["settings file"].endswith(f"chmod o-rwx {deployment.config}")
    deployment.config.chmod(0o640)
    assert deployment.doctor().broken() == {"database": "FAILED"}


@on_sqlite
@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, who acts as another user")
def test_ini_file_that_the_servers_user_cannot_read_is_said_with_the_user(deployment, database):
    report = deployment.doctor("--user", "nobody")
    assert report.states["settings file"] == "FAILED"
    assert f"nobody cannot read {deployment.config}" in report.texts["settings file"]
    assert f"chgrp nobody {deployment.config}" in report.texts["settings file"]


@on_sqlite
@pytest.mark.skipif(os.geteuid() != 0, reason="takes root")
def test_root_is_told_that_nothing_is_forbidden_to_root(deployment, database):
    result = deployment.admin("doctor", "--offline", "--quiet")
    assert "warning      settings file: " in result.output
    assert "--user NAME" in result.output


@on_sqlite
def test_user_that_is_not_there_is_a_reason_and_no_traceback(deployment, database):
    report = deployment.doctor("--user", "no-such-user")
    if os.geteuid() == 0:
        assert report.states["settings file"] == "not checked"
        assert "there is no user no-such-user here" in report.texts["settings file"]


@on_sqlite
def test_without_any_server_in_the_ini_its_files_are_not_checked(deployment, database):
    deployment.server = {"use": "egg:waitress"}
    deployment.write()
    report = deployment.doctor("--certificate", deployment.certificate)
    assert report.broken() == {"server": "FAILED", "client": "FAILED"}
    assert "[server:main]" in report.texts["server"]
    assert report.states["server certificate"] == "not checked"
    assert report.states["database"] == "ok"


@on_sqlite
def test_apache_configuration_that_lacks_a_line_is_said_with_the_line(deployment, database):
    conf = deployment.folder / "repoman.conf"
    conf.write_text("Define REPOMAN_HOST localhost\nDefine REPOMAN_PORT 443\n")
    report = deployment.doctor("--apache", "/nowhere/apache2ctl")
    assert report.states["server"] == "FAILED"
    assert "no line: Define REPOMAN_" in report.texts["server"]


@on_sqlite
def test_apache_that_cannot_be_run_is_a_reason(deployment, database):
    shutil.copy(deployment.key, deployment.folder / "apache.key")
    lines = {
        "HOST": "localhost",
        "PORT": deployment.port,
        "HOME": deployment.folder,
        "VENV": sys.prefix,
        "CERTIFICATE": deployment.certificate,
        "KEY": "${REPOMAN_HOME}/apache.key",
        "AUTHORITIES": f'"{deployment.ca}"',
    }
    text = "".join(f"Define REPOMAN_{name} {value}\n" for name, value in lines.items())
    (deployment.folder / "repoman.conf").write_text(text + "#Define REPOMAN_REVOCATIONS /x\n")
    report = deployment.doctor("--apache", "/nowhere/apache2ctl")
    assert report.broken() == {"revocation lists": "warning", "database": "warning"}
    assert "'/nowhere/apache2ctl' cannot be run" in report.texts["Apache's modules"]
    assert report.states["Apache's modules"] == "not checked"
    assert report.texts["server key"] == str(deployment.folder / "apache.key")


@on_sqlite
@pytest.mark.parametrize(
    ("answer", "state"), [("no", "warning"), ("yes", "ok"), ("'no bus'", "not checked")]
)
def test_clock_that_nothing_keeps_right_is_a_warning(deployment, tmp_path, answer, state, database):
    fake_timedatectl(tmp_path / "programs", answer)
    report = deployment.doctor()
    assert report.states["clock"] == state
    assert set(report.not_ok) <= {"clock"}
    assert report.code == 0


def test_name_in_a_certificate_gives_the_terminal_no_orders():
    line = ok("CN=x\x1b]0;pwn\x07\x9b31m\u202e, Zoë").line("chain")
    assert line.isprintable()
    assert r"x\x1b]0;pwn\x07\x9b31m\u202e, Zoë" in line

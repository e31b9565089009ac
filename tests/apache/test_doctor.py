"""``repoman-admin doctor`` beside a real Apache, which is broken in one way after the other.

One Apache of the tests' own. Where its configuration is only read, a copy is broken. Where it must
be seen to behave otherwise, it has a virtual host for each way, the written one but for a line,
and the doctor is sent there by ``--connect``.
"""

import os
import re
import shlex
import shutil
import subprocess

import pytest

from tests.apache import httpd
from tests.apache.doctor import HOSTS, Doctor, build_clock, virtual_host
from tests.apache.site import ENVIRONMENT, Site, as_apache
from tests.doctor import replaced
from tests.pki import CertificateAuthority
from tests.server.running import free_port, wait_until

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="takes root, who acts as another user")
SQLITE = {"database": "warning"}
"""What is said of every site here, and is no failure."""


@pytest.fixture(scope="module")
def doctor(installation, certificates):
    ports = {name: free_port() for name in HOSTS}
    more = "\n".join(virtual_host(ports[name], *HOSTS[name]) for name in HOSTS)
    site = Site(installation, "doctor", more=more)
    try:
        yield Doctor(site, site.home.parent / "programs", ports)
    finally:
        site.stop()


@pytest.fixture
def copy(doctor, tmp_path):
    """Break a copy of Apache's configuration; return the command that reads it."""

    def copy(old, new, count=1):
        text = doctor.httpd.read_text()
        assert text.count(old) == count, old
        path = tmp_path / "httpd.conf"
        path.write_text(text.replace(old, new))
        return shlex.join([httpd.program("apache2"), "-f", str(path)])

    return copy


def test_deployment_that_is_well_is_ok_from_top_to_bottom(doctor, certificates):
    certificate = certificates.write(certificates.administrator.proxy())
    report = doctor("--certificate", certificate)
    assert (report.not_ok, report.code) == (SQLITE, 0)
    assert len(report.states) == 37
    user = httpd.USER if os.geteuid() == 0 else "can read"
    assert user in report.texts["settings file"]
    assert report.texts["client"].startswith(
        "admin, an admin: /O=Test Grid/CN=Admin, issued by /C=CA/O=Test Grid/CN=Test CA, "
        "proxy of depth 1, presented as /O=Test Grid/CN=Admin/CN="
    )
    quiet = doctor("--quiet")
    assert set(quiet.states) <= {"database", "store's room"}


# --- What is only read


@pytest.mark.parametrize("module", ["unique_id", "mime", "headers", "reqtimeout"])
def test_module_that_is_missing_is_said_with_the_command(doctor, copy, module):
    line = re.search(rf"^LoadModule {module}_module .*\n", doctor.httpd.read_text(), re.MULTILINE)
    types = "TypesConfig /etc/mime.types\n"
    apache = copy(types, "") if module == "mime" else copy(line[0], "")
    if module == "mime":
        (path,) = shlex.split(apache)[2:]
        text = doctor.httpd.read_text().replace(types, "").replace(line[0], "")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    report = doctor(apache=apache)
    assert report.broken() == SQLITE | {"Apache's modules": "FAILED"}
    unknown = ["proxy certificates", "Apache's configuration", "files as loaded"]
    assert report.not_checked() == unknown
    assert report.texts["Apache's modules"] == (
        f"Apache does not load {module}. a2enmod {module} && systemctl restart apache2"
    )


def test_module_that_sends_files_is_wanted_where_everything_is_in_the_daemon(doctor, copy):
    line = re.search(r"^LoadModule xsendfile.*\n", doctor.httpd.read_text(), re.MULTILINE)
    apache = copy(line[0], "")
    assert doctor(apache=apache).states["Apache's modules"] == "ok"
    with doctor.configured("#Define REPOMAN_DAEMON_ONLY", "Define REPOMAN_DAEMON_ONLY"):
        report = doctor(apache=apache)
    assert report.broken() == SQLITE | {"Apache's modules": "warning"}
    assert "a2enmod xsendfile" in report.texts["Apache's modules"]


def test_module_for_proxies_that_is_missing_is_a_warning_unless_none_are_wanted(doctor, copy):
    line = re.search(r"^LoadModule proxy_certs.*\n", doctor.httpd.read_text(), re.MULTILINE)
    apache = copy(line[0], "")
    report = doctor(apache=apache)
    assert report.broken() == SQLITE | {"proxy certificates": "warning"}
    assert f"cd {doctor.home}/mod_proxy_certs && apxs2 " in report.texts["proxy certificates"]
    ini = doctor.home / "production.ini"
    for value, state in (("true", "warning"), ("false", "ok")):
        setting = f"[app:main]\nrepoman.accept_proxies = {value}"
        with replaced(ini, ini.read_text().replace("[app:main]", setting)):
            assert doctor(apache=apache).states["proxy certificates"] == state


def test_mistake_in_the_configuration_is_said_in_apaches_words(doctor, copy):
    report = doctor(apache=copy("ServerName localhost\n", "ServerNme localhost\n"))
    assert report.broken() == SQLITE | {"Apache's configuration": "FAILED"}
    assert "Invalid command 'ServerNme'" in report.texts["Apache's configuration"]
    assert report.states["files as loaded"] == "not checked"


@pytest.mark.parametrize(
    ("version", "part"), [("3.12.1", "mod_wsgi runs Python 3."), (None, "is no virtualenv")]
)
def test_virtualenv_of_another_python_is_said(doctor, tmp_path, version, part):
    """The running Apache has read the true one, and is told nothing of the other."""
    if version:
        (tmp_path / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}\n")
    venv = f"Define REPOMAN_VENV {doctor.site.installation.venv}\n"
    with doctor.configured(venv, f"Define REPOMAN_VENV {tmp_path}\n"):
        report = doctor()
    assert report.broken() == SQLITE | {"Apache's Python": "FAILED"}
    assert part in report.texts["Apache's Python"]
    assert "/usr/bin/python3 -m venv " in report.texts["Apache's Python"]
    assert f" && {tmp_path}/bin/pip install ." in report.texts["Apache's Python"]


def test_file_that_apache_has_not_read_since_its_change_is_said_until_the_reload(doctor):
    for name in ("ca.pem", "crl.pem"):
        path = doctor.tls / name
        os.utime(path)
        report = doctor()
        assert report.broken() == SQLITE | {"files as loaded": "FAILED"}
        said = report.texts["files as loaded"]
        assert str(path) in said
        assert "systemctl reload apache2" in said
        assert ("crl-update" in said) is (name == "crl.pem")
    doctor.site.reload()
    pid_file = doctor.site.root / "httpd.pid"
    assert wait_until(lambda: pid_file.stat().st_mtime > path.stat().st_mtime)
    assert wait_until(lambda: doctor.site.ask("/healthz").status == 200, 60)
    assert doctor().broken() == SQLITE


def test_before_its_start_nothing_is_asked_of_what_apache_has_read(doctor):
    """As the last of the printed commands but one, after a change of the configuration."""
    path, times = doctor.conf, doctor.conf.stat()
    os.utime(path)
    report = doctor("--offline")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert report.broken() == SQLITE
    assert report.states["files as loaded"] == "not checked"


def test_certificate_that_apache_has_not_read_is_said(doctor, certificates):
    path = doctor.tls / "server.pem"
    new = certificates.authority.issue("/O=Test Grid/CN=localhost", hostnames=["localhost"])
    times = path.stat()
    with replaced(path, new.pem + new.key_pem):
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        report = doctor()
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert report.broken() == SQLITE | {"certificate shown": "FAILED"}
    assert "systemctl restart apache2" in report.texts["certificate shown"]


def test_apache_without_revocation_lists_is_a_warning(doctor):
    line = f"Define REPOMAN_REVOCATIONS {doctor.tls}/crl.pem\n"
    with doctor.configured(line, f"#{line}"):
        report = doctor()
    assert report.broken() == SQLITE | {"revocation lists": "warning"}


# --- What Apache does


@pytest.mark.parametrize(
    ("name", "title", "part"),
    [
        ("limit", "large uploads", "2 GiB are too large for Apache"),
        ("daemon", "large uploads", "sends the whole file before being told"),
        ("tickets", "TLS sessions", "the server resumes sessions of TLS 1.2"),
        ("old-tls", "TLS versions", "speaks TLS 1.1"),
        ("no-new-tls", "TLS versions", "there is no TLS 1.3"),
        ("unasked", "client certificates", "does not ask for a certificate"),
        ("any", "client certificates", "lets in one that no authority has signed"),
        ("404", "errors", "GET /%00 is answered with 404 and not with 404 in the form"),
        ("hsts", "HSTS", "no Strict-Transport-Security"),
        ("gzip", "compression", "sends answers as gzip"),
    ],
)
def test_apache_that_behaves_otherwise_is_said(doctor, name, title, part):
    report = doctor(*doctor.there(name))
    if name == "no-new-tls":
        assert report.states.pop("TLS sessions") == "not checked"
    assert report.not_ok == SQLITE | {title: "FAILED"}
    assert part in report.texts[title]


@pytest.mark.parametrize("comes", ["before", "after"])
def test_session_cache_is_said_which_none_does_not_undo(doctor, installation, tmp_path, comes):
    """It stands for the whole of Apache, so it takes another one. Debian's comes before ours."""
    module = installation.modules["wsgi"].with_name("mod_socache_shmcb.so")
    cache = (
        f"LoadModule socache_shmcb_module {module}\nSSLSessionCache shmcb:{tmp_path}/c(512000)\n"
    )

    def put_before(home):
        ours = home / "repoman.conf"
        ours.write_text(cache + ours.read_text())

    before = {"change": put_before} if comes == "before" else {"more": cache}
    site = Site(installation, f"cached-{comes}", processes=1, **before)
    try:
        report = Doctor(site, doctor.programs, {})()
    finally:
        site.stop()
    assert report.broken() == SQLITE | {"TLS sessions": "FAILED"}
    assert "the server resumes sessions of TLS 1.2" in report.texts["TLS sessions"]
    assert report.texts["TLS sessions"].endswith(
        r"sed -i 's/^\s*SSLSessionCache\s/#&/' /etc/apache2/mods-available/ssl.conf "
        "&& systemctl restart apache2"
    )


def test_daemon_mode_alone_is_as_good_where_it_is_configured(doctor):
    with doctor.configured("#Define REPOMAN_DAEMON_ONLY", "Define REPOMAN_DAEMON_ONLY"):
        report = doctor(*doctor.there("daemon"))
    assert report.not_ok == SQLITE
    assert "who may not send them is told afterwards" in report.texts["large uploads"]


# --- What the server's user may do


@AS_ROOT
def test_settings_that_www_data_cannot_read_are_said_and_mended(doctor):
    ini = doctor.home / "production.ini"
    shutil.chown(ini, group="root")
    report = doctor()
    shutil.chown(ini, group=httpd.USER)
    assert report.broken() == SQLITE | {"settings file": "FAILED"}
    assert f"chgrp {httpd.USER} {ini} && chmod g+r {ini}" in report.texts["settings file"]


# Offline: what the server knows of its health it keeps for some seconds, until the next test.


@AS_ROOT
def test_store_that_www_data_cannot_write_to_is_said(doctor):
    partial = doctor.site.store / "partial"
    shutil.chown(partial, "root", "root")
    partial.chmod(0o755)
    report = doctor("--offline")
    shutil.chown(partial, httpd.USER, httpd.USER)
    assert report.broken() == SQLITE | {"store takes files": "FAILED"}
    said = f"{httpd.USER} cannot write to {doctor.site.store} (Permission denied)"
    assert said in report.texts["store takes files"]


@AS_ROOT
def test_database_that_www_data_cannot_change_is_said(doctor):
    path = doctor.site.var / "repoman.sqlite"
    path.chmod(0o444)
    shutil.chown(path, "root")
    report = doctor("--offline")
    shutil.chown(path, httpd.USER)
    path.chmod(0o600)
    assert report.broken() == SQLITE | {"changes": "FAILED"}
    assert "readonly database" in report.texts["changes"]


@AS_ROOT
def test_whoever_is_not_root_is_told_what_only_root_can_see(doctor):
    command = [doctor.site.installation.venv / "bin/repoman-admin", "--config"]
    command += [doctor.home / "production.ini", "doctor", "--quiet"]
    command += ["--apache", shlex.join([httpd.program("apache2"), "-f", str(doctor.httpd)])]
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        **as_apache(),
    )
    assert ended.stderr == ""
    lines = [line for line in ended.stdout.splitlines() if "server.pem" in line]
    assert lines
    for line in lines:
        assert line.startswith(("FAILED", "not checked")), line


def test_clock_that_is_not_that_of_server_and_store_is_said(doctor, tmp_path):
    """The doctor's own goes a minute ahead; the server's and the kernel's do not."""
    report = doctor(LD_PRELOAD=str(build_clock(tmp_path)))
    assert report.broken() == SQLITE | {"clocks agree": "FAILED"}
    said = "the store is 60 s behind, the server is 60 s behind of this system"
    assert re.sub(r"\b(59|61)\b", "60", report.texts["clocks agree"]).count(said) == 1


def test_command_for_an_unknown_client_can_be_typed_as_it_is(doctor, certificates):
    """The file has the private key, and is not the server's user's to read."""
    zoe = certificates.authority.issue("/O=Test Grid/CN=Zoë O'Brien")
    path = certificates.write(zoe)
    report = doctor("--offline", "--certificate", path)
    assert report.broken() == SQLITE | {"client": "FAILED"}
    command = report.texts["client"].partition(" UTC. ")[2]
    subprocess.run(["/bin/sh", "-c", command], check=True, cwd="/", env=ENVIRONMENT)
    report = doctor("--offline", "--certificate", path)
    assert report.broken() == SQLITE
    assert report.texts["client"].startswith("zoe.o.brien: ")


def test_client_of_every_kind_is_judged_as_apache_judges(doctor, certificates, copy):
    line = re.search(r"^LoadModule proxy_certs.*\n", doctor.httpd.read_text(), re.MULTILINE)
    without = copy(line[0], "")
    for holder, apache, broken in (
        (certificates.administrator.proxy().proxy(), None, {}),
        (certificates.revoked, None, {"client certificate": "FAILED", "client": "FAILED"}),
        (certificates.unknown, None, {"client": "FAILED"}),
        (CertificateAuthority().issue("/CN=Eve"), None, {"client certificate": "FAILED"}),
        (certificates.administrator.proxy(), without, {"client certificate": "FAILED"}),
    ):
        report = doctor("--offline", "--certificate", certificates.write(holder), apache=apache)
        found = report.broken()
        assert {key: found[key] for key in found if key in broken} == broken, report.printed

"""``repoman-admin apache-config`` writes a folder that a host can use as it is."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from repoman.scripts.admin import main
from tests.databases import on_sqlite

pytestmark = on_sqlite

WRITTEN = [
    "access.wsgi",
    "errors.conf",
    "errors/400.json",
    "errors/401.json",
    "errors/403-http.json",
    "errors/403.json",
    "errors/404.json",
    "errors/405.json",
    "errors/408.json",
    "errors/413.json",
    "errors/414.json",
    "errors/417.json",
    "errors/421.json",
    "errors/500.json",
    "errors/502.json",
    "errors/503.json",
    "mod_proxy_certs/mod_proxy_certs.c",
    "production.ini",
    "repoman.conf",
    "repoman.wsgi",
    "sendfile.conf",
    "systemd/repoman-gc.service",
    "systemd/repoman-gc.timer",
    "systemd/repoman-scrub.service",
    "systemd/repoman-scrub.timer",
]


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def options(tmp_path, home, authority):
    """The options of a complete call; a test may change them."""
    server = authority.issue("/O=Test Grid/CN=localhost", hostnames=["localhost"])
    for name, text in (
        ("server.pem", server.pem),
        ("server.key", server.key_pem),
        ("ca.pem", authority.pem),
        ("crl.pem", authority.revoke()),
    ):
        (tmp_path / name).write_text(text)
    return {
        "--host": "images.example.org",
        "--cert": tmp_path / "server.pem",
        "--key": tmp_path / "server.key",
        "--ca": tmp_path / "ca.pem",
        "--store": tmp_path / "store",
        "--database": f"sqlite:///{tmp_path}/repoman.sqlite",
        "--venv": Path(sys.prefix),
        "--output": home,
    }


@pytest.fixture
def write(options):
    """Run the command; return what it printed, with ``fails`` its one sentence."""

    def write(*more, fails=False):
        pairs = [str(part) for pair in options.items() for part in pair]
        result = CliRunner().invoke(main, ["apache-config", *pairs, *more])
        assert result.exit_code == (1 if fails else 0), result.output
        assert isinstance(result.exception, SystemExit | None)
        if fails:
            assert result.stdout == ""
            assert result.stderr.count("\n") == 1
            return result.stderr
        assert result.stderr == ""
        return result.stdout

    return write


def lines(path):
    return path.read_text().splitlines()


def test_folder_has_all_files_and_no_value_of_the_example(write, home, options, database):
    write()
    found = sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    assert found == WRITTEN
    for path in (home / name for name in WRITTEN):
        if path.suffix in {".conf", ".ini", ".service"}:
            settings = [line for line in lines(path) if not line.strip().startswith("#")]
            assert "/srv/repoman" not in "\n".join(settings), path
            assert "/etc/" not in "\n".join(settings), path


def test_values_of_the_host_are_in_their_places(write, home, tmp_path, database):
    write()
    conf, ini = lines(home / "repoman.conf"), lines(home / "production.ini")
    for line in (
        "Define REPOMAN_HOST images.example.org",
        "Define REPOMAN_PORT 443",
        f"Define REPOMAN_HOME {home}",
        f"Define REPOMAN_VENV {sys.prefix}",
        f"Define REPOMAN_CERTIFICATE {tmp_path}/server.pem",
        f"Define REPOMAN_KEY {tmp_path}/server.key",
        f"Define REPOMAN_AUTHORITIES {tmp_path}/ca.pem",
        "#Define REPOMAN_REVOCATIONS",
        "#Define REPOMAN_DAEMON_ONLY",
        "#Define REPOMAN_HTTP_PORT",
        f"Define REPOMAN_STORE {tmp_path}/store",
    ):
        assert conf.count(line) == 1, line
    for line in (
        f"sqlalchemy.url = sqlite:///{tmp_path}/repoman.sqlite",
        f"repoman.store = {tmp_path}/store",
        f"repoman.metrics = {tmp_path}/metrics",
        "repoman.base_url = https://images.example.org",
        "repoman.hosts = images.example.org",
    ):
        assert ini.count(line) == 1, line
    for command in ("gc", "scrub"):
        unit = lines(home / "systemd" / f"repoman-{command}.service")
        start = f"{sys.prefix}/bin/repoman-admin --config {home}/production.ini {command}"
        assert f"ExecStart={start}" in unit
        assert "User=www-data" in unit


def test_options_switch_on_revocation_lists_and_the_daemon(write, home, tmp_path, database):
    write("--crl", str(tmp_path / "crl.pem"), "--daemon-only", "--port", "8443")
    conf, ini = lines(home / "repoman.conf"), lines(home / "production.ini")
    assert f"Define REPOMAN_REVOCATIONS {tmp_path}/crl.pem" in conf
    assert "Define REPOMAN_DAEMON_ONLY" in conf
    assert "Define REPOMAN_PORT 8443" in conf
    assert "repoman.base_url = https://images.example.org:8443" in ini
    assert "repoman.sendfile = x-sendfile" in ini
    assert "#repoman.allow_unauthenticated = true" in ini


@pytest.mark.parametrize(("port", "suffix"), [("80", ""), ("8080", ":8080")])
def test_http_port_lets_public_images_be_downloaded_there(write, home, port, suffix, database):
    printed = write("--http-port", port)
    conf, ini = lines(home / "repoman.conf"), lines(home / "production.ini")
    assert f"Define REPOMAN_HTTP_PORT {port}" in conf
    assert "#Define REPOMAN_DAEMON_ONLY" in conf
    assert "repoman.allow_unauthenticated = true" in ini
    assert f"repoman.http_url = http://images.example.org{suffix}" in ini
    assert "#repoman.sendfile = x-sendfile" in ini
    assert ("Listen" in printed) is (port != "80")


def test_without_options_nobody_is_let_in_without_certificate(write, home, database):
    write()
    settings = [line for line in lines(home / "production.ini") if line.startswith("repoman.")]
    names = {line.split(" = ")[0] for line in settings}
    assert "repoman.store" in names
    assert not names & {"repoman.allow_unauthenticated", "repoman.http_url", "repoman.sendfile"}


def test_every_error_that_apache_is_given_is_there_and_says_its_status(write, home, database):
    write()
    conf = lines(home / "errors.conf") + [line.strip() for line in lines(home / "repoman.conf")]
    named = [line.split() for line in conf if line.startswith("ErrorDocument ")]
    assert len(named) > 10
    files = {path.name for path in (home / "errors").iterdir()}
    assert {path.removeprefix("/repoman-errors/") for _, _, path in named} == files
    for _, status, path in named:
        problem = json.loads((home / "errors" / Path(path).name).read_text())
        assert list(problem) == ["type", "title", "status", "detail", "code"]
        assert problem["status"] == int(status)
        assert problem["code"] == ("certificate-required" if status == "401" else "apache-error")


def test_written_settings_are_those_of_a_site(write, home, tmp_path, database):
    write()
    made = CliRunner().invoke(main, ["--config", str(home / "production.ini"), "init"])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "repoman.sqlite").exists()
    assert (tmp_path / "store").is_dir()


def test_password_of_the_database_is_not_for_everybody(write, home, options, database):
    options["--database"] = "postgresql://repoman:p%40ss%25@db.example.org/repoman"
    write()
    ini = home / "production.ini"
    assert stat.S_IMODE(ini.stat().st_mode) == 0o640
    assert "sqlalchemy.url = postgresql://repoman:p%%40ss%%25@db.example.org/repoman" in lines(ini)


def test_next_commands_name_the_folder_and_are_none_too_many(write, home, options, database):
    printed = write()
    for part in (
        f"cd {home}/mod_proxy_certs && apxs2 -i -c mod_proxy_certs.c -lssl -lcrypto\n",
        "a2enmod alias headers mime reqtimeout setenvif ssl unique_id wsgi proxy_certs\n",
        f"/bin/repoman-admin --config {home}/production.ini init\n",
        "user add NAME --certificate - --admin < FILE\n",
        f"/bin/repoman-admin --config {home}/production.ini doctor --offline\n"
        "  a2ensite repoman && apache2ctl configtest && systemctl restart apache2\n",
    ):
        assert part in printed
    for part in ("createdb", "Listen", "xsendfile", "postgresql", "cron"):
        assert part not in printed
    del options["--database"]
    printed = write("--force", "--port", "8443")
    assert "runuser -u postgres -- createuser www-data\n" in printed
    assert "runuser -u postgres -- createdb --owner www-data repoman\n" in printed
    assert " libssl-dev postgresql\n" in printed
    assert 'echo "Listen 8443" >> /etc/apache2/ports.conf\n' in printed
    printed = write("--force", "--daemon-only")
    assert " libapache2-mod-xsendfile\n" in printed
    assert " unique_id wsgi xsendfile proxy_certs\n" in printed


def test_lists_that_expire_are_renewed_by_cron(write, home, tmp_path, database):
    printed = write("--crl", str(tmp_path / "crl.pem")).splitlines()
    for line in printed:
        if line.startswith("  echo ") and "/etc/cron.d/repoman-crl" in line:
            command = line.replace("/etc/cron.d", str(tmp_path))
            subprocess.run(["/bin/sh", "-c", command], check=True)
    assert lines(tmp_path / "repoman-crl") == [
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        f"17 */6 * * * root fetch-crl -q; {sys.prefix}/bin/repoman-admin --config "
        f"{home}/production.ini crl-update /etc/grid-security/certificates >/dev/null",
    ]


def test_files_that_are_there_are_replaced_by_force_only(write, home, options, database):
    write()
    (home / "repoman.wsgi").unlink()
    (home / "repoman.conf").write_text("mine")
    (home / "repoman.conf").chmod(0o600)
    options["--host"] = "other.example.org"
    sentence = write(fails=True)
    assert "--force" in sentence
    assert "repoman.conf" in sentence
    assert (home / "repoman.conf").read_text() == "mine"
    assert not (home / "repoman.wsgi").exists()
    write("--force")
    assert "Define REPOMAN_HOST other.example.org" in lines(home / "repoman.conf")
    assert stat.S_IMODE((home / "repoman.conf").stat().st_mode) == 0o644
    assert sorted(path.name for path in home.iterdir() if path.name.startswith(".")) == []


def as_written(path: Path) -> tuple[int, ...]:
    """All of stat(2) but when it was last read, which the kernel notes as it likes."""
    found = path.stat()
    return (*found[: stat.ST_ATIME], found.st_mtime_ns, found.st_ctime_ns)


def test_settings_that_are_there_are_kept_by_force_with_their_rights(
    write, home, options, database
):
    write()
    ini, new = home / "production.ini", home / "production.ini.new"
    unchanged = ini.read_text()
    assert f"{ini} is kept" not in write("--force")
    assert not new.exists()
    ini.write_text("mine")
    ini.chmod(0o644)
    before = as_written(ini)
    options["--host"] = "other.example.org"
    assert f"{ini} is kept as it is. {new} is what these options make" in write("--force")
    assert ini.read_text() == "mine"
    assert as_written(ini) == before
    assert "repoman.hosts = other.example.org" in lines(new)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    ini.write_text(unchanged)
    options["--host"] = "images.example.org"
    write("--force")
    assert not new.exists()


def test_settings_alone_are_no_reason_to_force(write, home, database):
    home.mkdir()
    (home / "production.ini").write_text("mine")
    assert "production.ini.new" in write()
    assert (home / "production.ini").read_text() == "mine"


@pytest.mark.parametrize("option", ["--cert", "--key", "--ca", "--crl"])
def test_file_that_cannot_be_used_is_a_sentence_with_option_and_file(
    write, options, home, tmp_path, option, database
):
    options[option] = tmp_path / "nothing.pem"
    assert f"{option} {tmp_path}/nothing.pem: No such file or directory." in write(fails=True)
    options[option] = tmp_path
    assert f"{option} {tmp_path}: Is a directory." in write(fails=True)
    (tmp_path / "text.pem").write_text("no certificate")
    options[option] = tmp_path / "text.pem"
    what = {"--cert": "CERTIFICATE", "--key": "PRIVATE KEY", "--ca": "CERTIFICATE"}
    assert (
        f"{option} {tmp_path}/text.pem: there is no {what.get(option, 'X509 CRL')} in PEM in it."
        in write(fails=True)
    )
    assert not home.exists()


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("--http-port", "443", "the port of https"),
        ("--host", "https://images.example.org", "without scheme and port"),
        ("--host", "images.example.org:8443", "without scheme and port"),
        ("--host", "a\nDefine X", "without scheme and port"),
        ("--store", "/var/lib/my images", "letters, digits"),
        ("--store", "/var/lib/${HOME}", "letters, digits"),
        ("--output", "/tmp/%i", "letters, digits"),
        ("--venv", "/nowhere", "/usr/bin/python3 -m venv"),
        ("--database", "sqlite:///a b", "%20"),
        ("--database", "nonsense", "sqlalchemy.url"),
    ],
)
def test_value_that_would_break_a_file_is_a_sentence(
    write, options, home, option, value, part, database
):
    options[option] = value
    sentence = write(fails=True)
    assert part in sentence
    assert option in sentence
    assert not home.exists()

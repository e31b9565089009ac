"""``repoman-admin``: users and groups from the server's own command line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

import repoman
from repoman.scripts.admin import main
from repoman.services import groups
from tests.databases import on_postgresql
from tests.factories import People

COMMAND = str(Path(sys.executable).with_name("repoman-admin"))


def write_ini(path, section):
    # % is configparser's own.
    lines = [f"{key} = {value}".replace("%", "%%") for key, value in section.items()]
    path.write_text("\n".join(["[app:main]", "use = egg:repoman", *lines, ""]))
    return path


@pytest.fixture
def config(ini, tmp_path):
    return write_ini(tmp_path / "site.ini", ini)


@pytest.fixture
def run(config):
    """Run a command; return its output, or with ``fails`` its one sentence."""

    def invoke(*arguments, fails=False):
        result = CliRunner().invoke(main, ["--config", str(config), *arguments])
        assert result.exit_code == (1 if fails else 0), result.output
        if not fails:
            assert result.stderr == ""
            return result.stdout
        assert result.stdout == ""
        assert isinstance(result.exception, SystemExit)  # no traceback
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1
        return result.stderr

    return invoke


def shown(output):
    return dict(line.split(": ", 1) for line in output.splitlines())


# --- init


def test_init_makes_tables_and_store_and_twice_is_as_once(ini, tmp_path, run, config, database):
    ini["sqlalchemy.url"] = database.uninitialised()
    ini["repoman.store"] = str(tmp_path / "new store")
    write_ini(config, ini)
    first = run("init")
    assert "are ready" in first
    run("user", "add", "ann", "--dn", "/CN=Ann", "--admin")
    assert run("init") == first
    assert run("user", "list") == "ann\n"
    assert run("group", "list") == "admins\nusers\n"
    assert (tmp_path / "new store").is_dir()
    repoman.main({}, **ini).sessions.engine.dispose()


def test_two_inits_at_once_do_no_harm(ini, run, config, database):
    ini["sqlalchemy.url"] = database.uninitialised()
    write_ini(config, ini)
    command = [COMMAND, "--config", str(config), "init"]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
    assert run("group", "list") == "admins\nusers\n"


# --- users


def test_the_first_admin_is_registered_without_the_api(run, application, sessions, authority):
    output = run("user", "add", "Ann", "--dn", "/C=CA/O=Grid/CN=Ann Lee", "--admin")
    assert shown(output) == {
        "user_name": "ann",
        "groups": "admins, users",
        "suspended": "no",
        "client_dn": "/C=CA/O=Grid/CN=Ann Lee",
    }
    assert run("user", "show", "ANN") == output
    people = People(application, sessions, authority)
    client = people.client(authority.issue("/C=CA/O=Grid/CN=Ann Lee"))
    assert "user_create" in client.get("/api/whoami").json["permissions"]


def test_a_certificate_file_gives_name_and_issuer(run, people, tmp_path):
    holder = people.holder("Ann")
    more = ["--email", "ann@example.org", "--full-name", "Ann Lée"]
    output = run("user", "add", "ann", "--certificate", str(holder.write(tmp_path)), *more)
    assert shown(output) == {
        "user_name": "ann",
        "full_name": "Ann Lée",
        "email": "ann@example.org",
        "groups": "users",
        "suspended": "no",
        "client_dn": "/C=CA/O=Grid/CN=Ann",
        "issuer_dn": "/C=CA/O=Test Grid/CN=Test CA",
    }
    known = people.admin.client.get("/api/users/ann/certificates?expand=true").json[0]
    assert known["not_after"] == f"{holder.certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    assert people.client(holder).get("/api/whoami").json["user_name"] == "ann"


def test_an_issuer_can_be_pinned(run, people):
    run("user", "add", "ann", "--dn", "/CN=Ann", "--issuer", "CN=Other,C=CA")
    assert shown(run("user", "show", "ann"))["issuer_dn"] == "/C=CA/CN=Other"
    people.client(people.authority.issue("/CN=Ann")).get("/api/whoami", status=403)


def test_suspending_locks_out_and_resuming_lets_in(run, people):
    client = people.alice.client
    assert run("user", "suspend", "Alice") == "alice is suspended.\n"
    assert client.get("/api/whoami", status=403).json["code"] == "account-suspended"
    assert run("user", "list") == "alice (suspended)\n"
    assert shown(run("user", "show", "alice"))["suspended"] == "yes"
    assert run("user", "resume", "alice") == "alice is active.\n"
    client.get("/api/whoami", status=200)


def test_the_last_admin_is_not_suspended(run, people):
    assert people.admin.name
    assert "another admin" in run("user", "suspend", "admin", fails=True)
    people.admin.client.get("/api/whoami", status=200)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bob", "--dn", "/CN=B"], "a user 'bob' already"),
        (["b", "--dn", "/C=CA/O=Grid/CN=Bob"], "registered for bob"),
        (["b"], "Give the distinguished name"),
        (["b", "--dn", "Bob"], "cannot be read"),
        (["b", "--dn", "C = CA, CN = Bob"], "certificate instead"),
        (["b", "--dn", ""], "Give the distinguished name"),
        (["b", "--dn", "/CN=B", "--issuer", "x"], "cannot be read"),
        (["b", "--issuer", "/CN=CA"], "cert_dn"),
        (["kvm", "--dn", "/CN=B"], "reserved"),
        (["b b", "--dn", "/CN=B"], "a name is 1 to 100"),
        (["", "--dn", "/CN=B"], "missing"),
        (["\udcff", "--dn", "/CN=\udcff"], "a name is 1 to 100"),
        (["b", "--dn", "/CN=\udcff"], "cannot be seen"),
        (["b", "--dn", "/CN=B", "--email", "b"], "ann@example.org"),
        (["b", "--dn", "/CN=B", "--full-name", "a" * 300], "at most 255"),
    ],
)
def test_a_user_that_cannot_be_added(run, people, arguments, sentence):
    assert people.bob.name
    assert sentence in run("user", "add", *arguments, fails=True)
    assert run("user", "list") == "bob\n"


def test_certificate_comes_from_stdin_where_only_root_can_read_it(config, people):
    result = CliRunner().invoke(
        main,
        ["--config", str(config), "user", "add", "ann", "--certificate", "-", "--admin"],
        input=people.holder("Ann").pem,
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert shown(result.stdout)["client_dn"] == "/C=CA/O=Grid/CN=Ann"
    assert shown(result.stdout)["groups"] == "admins, users"


def test_a_file_that_is_no_certificate(run, people, tmp_path):
    for content in (b"", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\n", b"hello"):
        path = tmp_path / "x.pem"
        path.write_bytes(content)
        sentence = run("user", "add", "b", "--certificate", str(path), fails=True)
        assert "PEM" in sentence or "Give the" in sentence
    missing = CliRunner().invoke(main, ["user", "add", "b", "--certificate", "/nosuch.pem"])
    assert missing.exit_code == 2


def test_require_issuer_counts_here_too(ini, run, config):
    write_ini(config, ini | {"repoman.require_issuer": "true"})
    assert "issuer" in run("user", "add", "ann", "--dn", "/CN=Ann", fails=True)
    run("user", "add", "ann", "--dn", "/CN=Ann", "--issuer", "/CN=CA")


@pytest.mark.parametrize("command", ["show", "suspend", "resume"])
def test_an_unknown_user(run, command):
    assert "no user 'nobody'" in run("user", command, "nobody", fails=True)


# --- groups


def test_groups_are_made_listed_and_joined(run, people, sessions):
    assert people.bob.name
    made = ["Lab", "--description", "The lab", "--permissions", "user_create,image_modify"]
    assert run("group", "add", *made) == "lab is made.\n"
    assert run("group", "list") == "admins\nlab\nusers\n"
    for _ in range(2):
        assert run("group", "add-user", "LAB", "Bob") == "bob is in lab.\n"
    shown_by_api = people.bob.client.get("/api/groups/lab").json
    assert shown_by_api["description"] == "The lab"
    assert shown_by_api["permissions"] == ["user_create", "image_modify"]
    assert [url.rsplit("/", 1)[1] for url in shown_by_api["users"]] == ["bob"]
    with sessions.reading() as session:
        assert not groups.find(session, "lab").protected


def test_groups_are_shown_and_changed(run, people, sessions):
    assert people.bob.name
    run("group", "add", "lab", "--description", "The lab")
    for _ in range(2):
        assert run("group", "add-admin", "Lab", "Bob") == "bob is an admin of lab.\n"
        assert run("group", "permit", "lab", "user_create") == "lab confers user_create.\n"
    assert shown(run("group", "show", "LAB")) == {
        "name": "lab",
        "description": "The lab",
        "permissions": "user_create",
        "users": "bob",
        "admins": "bob",
    }
    fields = {"user_name": "ann", "cert_dn": "/CN=Ann"}
    people.bob.client.post_json("/api/users", fields, status=201)
    people.bob.client.put("/api/groups/lab/users/ann", status=200)
    for _ in range(2):
        assert run("group", "forbid", "lab", "user_create") == "lab confers nothing.\n"
        assert run("group", "remove-user", "lab", "bob") == "bob is not in lab.\n"
    assert shown(run("group", "show", "lab"))["users"] == "ann"
    assert "no group 'nosuch'" in run("group", "show", "nosuch", fails=True)


def test_quotas_are_set_shown_and_cleared(run, people):
    run("user", "add", "ann", "--dn", "/CN=Ann", "--quota", "5G")
    run("group", "add", "lab", "--quota", "0")
    assert shown(run("user", "show", "ann"))["quota"] == f"{5 << 30} bytes"
    assert shown(run("group", "show", "lab"))["quota"] == "0 bytes"
    assert run("user", "quota", "Ann", "7") == "The quota of ann is 7 bytes.\n"
    assert run("group", "quota", "lab", "1k") == "The quota of lab is 1024 bytes.\n"
    quota = people.admin.client.get("/api/users/ann/usage").json["quota"]
    assert quota == 7
    assert run("user", "quota", "ann", "") == "The quota of ann is the default.\n"
    assert "quota" not in shown(run("user", "show", "ann"))
    assert "500G" in run("user", "quota", "ann", "much", fails=True)
    assert "no user 'nobody'" in run("user", "quota", "nobody", "1", fails=True)


def test_the_last_admin_is_not_taken_out(run, people):
    assert people.admin.name
    assert "another admin" in run("group", "remove-user", "admins", "admin", fails=True)
    people.admin.client.get("/api/users", status=200)


def test_where_no_admin_can_come_in_one_is_made(run, people):
    assert people.bob.name
    run("group", "add-user", "admins", "bob")
    people.bob.client.post_json("/api/groups", {"name": "lab"}, status=201)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add-admin", "users", "nobody"], "no user 'nobody'"),
        (["remove-user", "nosuch", "bob"], "no group 'nosuch'"),
        (["permit", "nosuch", "user_create"], "no group 'nosuch'"),
        (["add", "users"], "already"),
        (["add", "a b"], "a name is"),
        (["add", "lab", "--permissions", "sudo"], "not a permission"),
        (["add-user", "nosuch", "bob"], "no group 'nosuch'"),
        (["add-user", "users", "nobody"], "no user 'nobody'"),
    ],
)
def test_a_group_that_cannot_be_made_or_joined(run, people, arguments, sentence):
    assert people.bob.name
    assert sentence in run("group", *arguments, fails=True)
    assert run("group", "list") == "admins\nusers\n"


# --- the installation


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("repoman.hypervisors", "raw"),
        ("repoman.nosuch", "1"),
        ("repoman.gc_grace", "soon"),
        ("sqlalchemy.url", "mysql://x/y"),
    ],
)
@pytest.mark.parametrize("command", [["init"], ["user", "list"], ["gc"]], ids=str)
def test_a_bad_setting_stops_every_command_with_its_key(ini, run, config, key, value, command):
    write_ini(config, ini | {key: value})
    assert f"Error: {key}: " in run(*command, fails=True)


def test_without_init_the_sentence_says_so(run, database):
    commands = (["user", "list"], ["user", "add", "a", "--dn", "/CN=A"], ["group", "list"])
    with database.emptied():
        for command in commands:
            assert "repoman-admin init" in run(*command, fails=True)
    database.remove()
    for command in commands:
        assert "repoman-admin init" in run(*command, fails=True)


def connecting(url, **parts):
    return make_url(url).set(**parts).render_as_string(hide_password=False)


@on_postgresql
def test_role_that_postgresql_does_not_know_is_said_with_who_is_to_run_it(
    ini, run, config, database
):
    write_ini(config, ini | {"sqlalchemy.url": connecting(database.url, username="www-data")})
    sentence = run("user", "list", fails=True)
    assert 'role "www-data" does not exist. Run it as the user that the server runs as' in sentence
    assert f"runuser -u www-data -- {sys.prefix}/bin/repoman-admin --config {config} …" in sentence
    assert "runuser -u postgres -- createuser www-data\n" in sentence
    assert "init` been run" not in sentence


@on_postgresql
def test_database_that_postgresql_does_not_have_is_said_with_the_command(
    ini, run, config, database
):
    write_ini(config, ini | {"sqlalchemy.url": connecting(database.url, database="none such")})
    sentence = run("init", fails=True)
    command = "runuser -u postgres -- createdb --owner www-data 'none such'"
    assert f"does not exist. As root: {command}; then `repoman-admin init`" in sentence


def test_a_store_that_cannot_be_made(ini, tmp_path, run, config):
    (tmp_path / "file").touch()
    write_ini(config, ini | {"repoman.store": str(tmp_path / "file")})
    assert str(tmp_path / "file") in run("init", fails=True)


@pytest.mark.parametrize(
    "text",
    ["", "[app:other]\nuse = egg:repoman\n", "no section\n", "[app:main]\na = 1\na = 2\n",
     "[app:main", "[app:main]\nuse = egg:repoman\nsqlalchemy.url = %(nosuch)s\n", "\xff\xfe"],
)  # fmt: skip
def test_an_ini_file_that_is_none_is_named(run, config, text):
    config.write_bytes(text.encode("latin-1"))
    sentence = run("user", "list", fails=True)
    assert str(config) in sentence or "sqlalchemy.url" in sentence


def test_without_ini_file_the_sentence_names_the_option(tmp_path):
    result = CliRunner().invoke(main, ["--config", str(tmp_path / "none.ini"), "user", "list"])
    assert result.exit_code == 1
    assert "--config" in result.stderr
    environ = {"REPOMAN_CONFIG": str(tmp_path / "other.ini")}
    result = CliRunner().invoke(main, ["user", "list"], env=environ)
    assert "other.ini" in result.stderr


def test_the_installed_command_speaks_utf8_in_a_plain_locale(config, people):
    assert shutil.which(COMMAND)
    environ = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
    command = [COMMAND, "--config", str(config), "user", "add", "zoe", "--dn", "/CN=Zoë"]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "client_dn: /CN=Zoë" in done.stdout.decode()

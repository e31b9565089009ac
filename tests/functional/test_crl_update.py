"""``repoman-admin crl-update``: which lists are taken, and that nobody is locked out by one."""

import fcntl
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from repoman.scripts import httpd as httpd_commands
from repoman.scripts import revocations
from repoman.scripts.admin import main
from tests.apache import httpd
from tests.pki import CertificateAuthority

APACHE = """\
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/httpd.pid
ErrorLog {folder}/error.log
ServerName localhost
Listen 127.0.0.1:1
{modules}
Include {folder}/repoman.conf
"""
HOUR = timedelta(hours=1)


@pytest.fixture
def home(tmp_path):
    """Return the folder of a deployment whose Apache is not running."""
    try:
        program, modules = httpd.program("apache2"), httpd.shipped_modules()
    except httpd.NoApache as reason:
        pytest.skip(f"asks Apache, and {reason}")
    lines = [f"LoadModule {one}_module {modules[one]}" for one in ("mpm_event", "authz_core")]
    (tmp_path / "httpd.conf").write_text(APACHE.format(folder=tmp_path, modules="\n".join(lines)))
    (tmp_path / "repoman.conf").write_text(
        f"#Define REPOMAN_REVOCATIONS /nowhere\n"
        f"Define REPOMAN_AUTHORITIES {tmp_path}/ca.pem\n"
        f"Define REPOMAN_REVOCATIONS {tmp_path}/crl.pem\n"
    )
    (tmp_path / "production.ini").write_text("[app:main]\nuse = egg:repoman\n")
    (tmp_path / "apache").write_text(f"{program} -f {tmp_path}/httpd.conf")
    return tmp_path


@pytest.fixture
def ours():
    return CertificateAuthority("/O=Grid/CN=Ours")


@pytest.fixture
def theirs():
    return CertificateAuthority("/O=Grid/CN=Theirs")


@pytest.fixture
def crl(home, ours, theirs):
    """Return the file of the lists in use: number 5 of both authorities."""
    (home / "ca.pem").write_text(ours.pem + theirs.pem)
    path = home / "crl.pem"
    path.write_text(ours.revoke(number=5) + theirs.revoke(number=5))
    path.chmod(0o640)
    return path


@pytest.fixture
def update(home):
    """Run the command; return its standard output and error."""

    def update(*paths, status=0, apache=(home / "apache")):
        command = apache.read_text() if isinstance(apache, Path) else apache
        arguments = ["--config", home / "production.ini", "crl-update", *paths]
        result = CliRunner().invoke(main, [*map(str, arguments), "--apache", command])
        assert result.exit_code == status, (result.output, result.exception)
        assert isinstance(result.exception, SystemExit | None)
        return result.stdout, result.stderr

    return update


def numbers(path):
    """Return issuer and number of each list in a file."""
    return [
        (
            one.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value,
            one.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number,
        )
        for one in map(x509.load_pem_x509_crl, split(path.read_bytes()))
    ]


def split(text):
    end = b"-----END X509 CRL-----"
    return [part + end for part in text.split(end)[:-1]]


def given(home, text, name="new.crl"):
    path = home / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_newer_list_takes_the_place_of_its_authoritys_alone(home, crl, ours, update):
    stranger = CertificateAuthority("/O=Grid/CN=Stranger").revoke()
    printed, errors = update(given(home, stranger + ours.revoke([7], number=6)))
    assert numbers(crl) == [("Ours", 6), ("Theirs", 5)]
    assert errors == ""
    assert printed.splitlines()[0].startswith("/O=Grid/CN=Ours: new list, until 20")
    assert printed.splitlines()[1].startswith("/O=Grid/CN=Theirs: list as before, until 20")
    assert printed.splitlines()[2:] == ["Apache is not running. It reads the lists when it starts."]
    assert crl.stat().st_mode & 0o777 == 0o640
    assert [one for one in home.iterdir() if one.name.startswith(".")] == []


def test_owner_and_group_stay(home, crl, ours, update):
    if os.geteuid() != 0:
        pytest.skip("giving a file away takes root")
    os.chown(crl, 1234, 4321)
    update(given(home, ours.revoke(number=6)))
    assert (crl.stat().st_uid, crl.stat().st_gid) == (1234, 4321)


def test_a_link_stays_a_link(home, crl, ours, update):
    there = crl.rename(home / "elsewhere.pem")
    crl.symlink_to(there)
    update(given(home, ours.revoke(number=6)))
    assert crl.is_symlink()
    assert numbers(there) == [("Ours", 6), ("Theirs", 5)]


def test_a_folder_as_fetch_crl_leaves_it(home, crl, ours, theirs, update):
    folder = home / "certificates"
    folder.mkdir()
    der = x509.load_pem_x509_crl(ours.revoke(number=6).encode()).public_bytes(Encoding.DER)
    (folder / "0a1b2c3d.r0").write_bytes(der)
    (folder / "3d2c1b0a.r0").write_text(theirs.revoke(number=4))
    (folder / "theirs.crl").write_text(theirs.revoke(number=7))
    (folder / "theirs.pem").write_text(theirs.pem)
    (folder / "theirs.info").write_text("alias = theirs")
    (folder / "stranger.r1").write_text(CertificateAuthority("/CN=Stranger").revoke())
    _, errors = update(folder)
    assert numbers(crl) == [("Ours", 6), ("Theirs", 7)]
    assert errors == ""


def forged(ours):
    return CertificateAuthority("/O=Grid/CN=Ours").revoke(number=9)


def expired(ours):
    return ours.revoke(number=9, days=-0.02)


def not_valid_yet(ours):
    return ours.revoke(number=9, not_before=datetime.now(UTC) + HOUR)


def lower(ours):
    return ours.revoke(number=4)


def same_number(ours):
    return ours.revoke([1], number=5)


def earlier(ours):
    return ours.revoke(number=0, not_before=datetime.now(UTC) - 5 * HOUR)


def delta(ours):
    return ours.revoke(number=9, extensions=[(x509.DeltaCRLIndicator(5), True)])


def partial(ours):
    scope = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    return ours.revoke(number=9, extensions=[(scope, True)])


def nonsense(ours):
    return b"no list at all"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (forged, "/O=Grid/CN=Ours has not signed it"),
        (expired, "it expired on 20"),
        (not_valid_yet, "it is not valid before 20"),
        (lower, "it is no newer than the list of /O=Grid/CN=Ours that is in use"),
        (same_number, "it is no newer than the list of /O=Grid/CN=Ours that is in use"),
        (earlier, "it is no newer than the list of /O=Grid/CN=Ours that is in use"),
        (delta, "it stands for a part of the certificates alone"),
        (partial, "it stands for a part of the certificates alone"),
        (nonsense, "is no revocation list in PEM or DER"),
    ],
)
def test_a_list_that_is_no_good_is_refused_and_holds_up_no_other(
    home, crl, ours, theirs, update, make, reason
):
    bad = given(home, make(ours), "bad.crl")
    before = crl.read_bytes()
    _, errors = update(bad, status=1)
    assert errors.startswith(f"Refused: {bad}")
    assert reason in errors
    assert errors.count("\n") == 1
    assert crl.read_bytes() == before
    _, errors = update(bad, given(home, theirs.revoke(number=6)), status=1)
    assert reason in errors
    assert numbers(crl) == [("Ours", 5), ("Theirs", 6)]


def test_without_numbers_the_time_decides(home, crl, ours, update):
    soon = datetime.now(UTC) - timedelta(seconds=1)
    newer = ours.revoke(number=0, not_before=soon)
    update(given(home, newer))
    assert newer.encode() in crl.read_bytes()


def test_of_several_the_newest_is_taken_whatever_their_order(home, crl, ours, update):
    lists = [ours.revoke(number=number) for number in (6, 8, 7)]
    update(*[given(home, text, f"{number}.crl") for number, text in enumerate(lists)])
    assert numbers(crl) == [("Ours", 8), ("Theirs", 5)]


def test_an_authority_that_has_a_list_never_lacks_one(home, crl, ours, theirs, update):
    """Though its list is not among those given: without one, all of its people are locked out."""
    folder = home / "certificates"
    folder.mkdir()
    update(folder)
    assert numbers(crl) == [("Ours", 5), ("Theirs", 5)]
    (folder / "a.r0").write_text(ours.revoke(number=6))
    (folder / "b.r0").write_text(expired(theirs))
    update(folder, status=1)
    assert numbers(crl) == [("Ours", 6), ("Theirs", 5)]


def test_an_authority_that_is_let_in_no_more_loses_its_list(home, crl, ours, update):
    (home / "ca.pem").write_text(ours.pem)
    update(given(home, ours.revoke(number=6)))
    assert numbers(crl) == [("Ours", 6)]


def test_an_authority_without_a_list_is_warned_of(home, crl, ours, theirs, update):
    third = CertificateAuthority("/O=Grid/CN=Third")
    (home / "ca.pem").write_text(ours.pem + theirs.pem + third.pem + ours.pem)
    warning = "Warning: /O=Grid/CN=Third has no list, so all of its certificates are refused.\n"
    for paths in ((), (given(home, ours.revoke(number=6)),)):
        assert update(*paths)[1] == warning
    assert update(given(home, third.revoke(number=1)))[1] == ""
    assert numbers(crl) == [("Ours", 6), ("Theirs", 5), ("Third", 1)]


def test_authorities_of_one_name_have_a_list_each(home, crl, ours, theirs, update):
    """As while an authority changes its key."""
    renewed = CertificateAuthority("/O=Grid/CN=Ours")
    (home / "ca.pem").write_text(ours.pem + renewed.pem + theirs.pem)
    update(given(home, renewed.revoke(number=1) + ours.revoke(number=6)))
    assert numbers(crl) == [("Ours", 6), ("Ours", 1), ("Theirs", 5)]


def test_what_is_there_already_is_not_written_anew(home, crl, update):
    before = crl.stat()
    for paths in ((), (given(home, crl.read_bytes()),)):
        assert update(*paths)[1] == ""
        after = crl.stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_without_lists_those_in_use_are_checked(crl, ours, theirs, update):
    crl.write_text(ours.revoke(days=-0.02) + theirs.revoke())
    _, errors = update(status=1)
    assert errors == (
        "Warning: the list of /O=Grid/CN=Ours has expired, so all of its certificates are "
        "refused.\n"
    )
    crl.write_text("nonsense")
    assert update(status=1)[1].startswith(f"Refused: {crl} holds what is no revocation list.\n")


def test_a_missing_or_damaged_file_is_made_anew(home, crl, ours, theirs, update):
    both = given(home, ours.revoke(number=6) + theirs.revoke(number=6))
    crl.write_text("nonsense")
    update(both, status=1)
    assert numbers(crl) == [("Ours", 6), ("Theirs", 6)]
    crl.unlink()
    assert "is not there" in update(both, status=1)[1]
    assert numbers(crl) == [("Ours", 6), ("Theirs", 6)]
    assert crl.stat().st_mode & 0o777 == 0o644


def test_where_apaches_configuration_is_not_sound_the_old_lists_come_back(home, crl, ours, update):
    with (home / "httpd.conf").open("a") as conf:
        conf.write("Nonsense On\n")
    before, new = crl.read_bytes(), given(home, ours.revoke(number=6))
    _, errors = update(new, status=1)
    assert "the lists are as before" in errors
    assert "Invalid command 'Nonsense'" in errors
    assert crl.read_bytes() == before
    assert "Apache's configuration is not sound" in update(status=1)[1]
    crl.unlink()
    update(new, status=1)
    assert not crl.exists()


def test_where_apache_cannot_be_asked_the_old_lists_come_back(home, crl, ours, update):
    before = crl.read_bytes()
    _, errors = update(given(home, ours.revoke(number=6)), status=1, apache="/no/such/apache2ctl")
    assert "the lists are as before" in errors
    assert "cannot be run" in errors
    assert crl.read_bytes() == before


def test_apaches_command_is_found_where_cron_does_not_look(home, crl, ours, update, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    program, *options = (home / "apache").read_text().split()
    assert Path(program).parent == Path("/usr/sbin")
    update(given(home, ours.revoke(number=6)), apache=" ".join([Path(program).name, *options]))
    assert numbers(crl)[0] == ("Ours", 6)


def test_what_was_just_written_is_read_whenever_apache_last_read(home, monkeypatch):
    """A restart of somebody else's may have read the old list, and ended after the new one came."""
    done = []
    apache = httpd_commands.Apache(["apache2ctl"])
    monkeypatch.setattr(httpd_commands.Apache, "last_read", lambda self: time.time() + 5)

    def restart(self):
        done.append(self)

    monkeypatch.setattr(httpd_commands.Apache, "restart_gracefully", restart)
    revocations.reload(home / "httpd.conf", apache, is_new=False)
    assert done == []
    revocations.reload(home / "httpd.conf", apache, is_new=True)
    assert done == [apache]


def test_what_is_no_file_or_has_no_end_is_refused_and_holds_up_no_other(
    home, crl, ours, update, monkeypatch
):
    monkeypatch.setattr(revocations, "MOST_BYTES", 100_000)
    folder = home / "certificates"
    folder.mkdir()
    os.mkfifo(folder / "a.r0")
    (folder / "b.r0").symlink_to("/dev/zero")
    (folder / "c.r0").write_bytes(b"x" * 100_001)
    (folder / "d.r0").write_text(ours.revoke(number=6))
    _, errors = update(folder, status=1)
    assert [line.split(": ", 1)[1].rstrip() for line in errors.splitlines()] == [
        f"{folder}/a.r0: it is no file.",
        f"{folder}/b.r0: it is no file.",
        f"{folder}/c.r0: it has more than 100000 bytes.",
    ]
    assert numbers(crl) == [("Ours", 6), ("Theirs", 5)]


def test_what_is_missing_is_named(home, crl, update):
    assert "cannot be run" in update(status=1, apache="/no/such/apache2ctl")[1]
    assert "cannot be run" in update(status=1, apache="")[1]
    assert "does not exist" in update("/no/such/list", status=2)[1]
    (home / "ca.pem").write_text("nonsense")
    assert update(status=1)[1] == f"Error: {home}/ca.pem holds no certificates in PEM.\n"
    (home / "ca.pem").unlink()
    assert update(status=1)[1] == f"Error: {home}/ca.pem: No such file or directory.\n"
    conf = home / "repoman.conf"
    conf.write_text("#Define REPOMAN_REVOCATIONS /x\nDefine REPOMAN_AUTHORITIES /x\n")
    assert "has no line Define REPOMAN_REVOCATIONS FILE" in update(status=1)[1]
    conf.unlink()
    assert update(status=1)[1] == f"Error: {conf}: No such file or directory.\n"


def test_one_at_a_time(home, crl, ours, update):
    descriptor = os.open(home, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    new = given(home, ours.revoke(number=6))
    assert update(new, status=1)[1] == "Error: Another crl-update is running.\n"
    assert numbers(crl) == [("Ours", 5), ("Theirs", 5)]
    os.close(descriptor)
    update(new)

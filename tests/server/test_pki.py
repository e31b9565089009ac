"""The development certificates: made once, renewed in time, kept otherwise."""

import os
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from repoman.scripts import pki
from tests.pki import Holder
from tests.server.running import Running, free_port, need, probe_command

NAMES = ["admin", "alice", "bob", "server"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder that was made once, not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "var" / "pki"
    old = os.umask(0)
    try:
        pki.ensure(folder)
    finally:
        os.umask(old)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """Return a copy of it that may be changed."""
    folder = tmp_path / "pki"
    folder.mkdir()
    for path in made.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def certificate(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def key(path):
    return serialization.load_pem_private_key(path.read_bytes(), None)


def set_clock(monkeypatch, days):
    """Let the certificates be looked at, and made, that many days from now."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=days)

    monkeypatch.setattr(pki, "datetime", Clock)


def test_files_and_modes_are_right_whatever_the_umask(made):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()}
    private = [f"{name}.pem" for name in NAMES] + ["ca.key", "alice.p12"]
    assert modes == {"ca.pem": 0o644} | dict.fromkeys(private, 0o600)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_files_never_have_more_rights_than_at_last(tmp_path, monkeypatch):
    seen = {}

    def fsync(descriptor):
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        seen[path] = stat.S_IMODE(os.fstat(descriptor).st_mode)

    monkeypatch.setattr(pki.os, "fsync", fsync)
    monkeypatch.setattr(pki.os, "fchmod", lambda *_: None)
    pki.ensure(tmp_path / "pki")
    assert len(seen) == 7
    assert set(seen.values()) == {0o600}


def test_openssl_accepts_them_strictly(made):
    for name in NAMES:
        purpose = "sslserver" if name == "server" else "sslclient"
        verify = [need("openssl"), "verify", "-x509_strict", "-purpose", purpose]
        command = [*verify, "-CAfile", made / "ca.pem", made / f"{name}.pem"]
        subprocess.run(command, check=True, capture_output=True)


def test_names_are_those_to_be_registered(made):
    names = {name: certificate(made / f"{name}.pem").subject.rfc4514_string() for name in NAMES}
    common = {"admin": "Admin", "alice": "Alice", "bob": "Bob", "server": "localhost"}
    assert names == {name: f"CN={cn},O=Repoman Development,C=XX" for name, cn in common.items()}


def test_browser_file_holds_alice(made):
    content = (made / "alice.p12").read_bytes()
    own_key, own, _ = pkcs12.load_key_and_certificates(content, pki.P12_PASSWORD.encode())
    assert own == certificate(made / "alice.pem")
    assert own_key.public_key() == own.public_key()


def test_curl_and_proxies_work_with_them(made):
    alice = Holder(certificate(made / "alice.pem"), key(made / "alice.pem"))
    proxy = alice.proxy().proxy().write(made.parent)
    port = free_port()
    server = Running(probe_command(made, port, workers=1), made, port)
    try:
        for address in ("localhost", "127.0.0.1"):
            answer = server.curl(f"https://{address}:{port}/hello", certificate=made / "alice.pem")
            assert (answer.code, answer.printed) == (0, "hello")
        assert '"SSL_CLIENT_CERT_CHAIN_2"' in server.curl("/environ", certificate=proxy).printed
    finally:
        server.stop()


def test_nothing_is_written_again(folder):
    (folder / "crl.pem").write_text("not ours")
    (folder / "bob.pem").unlink()
    before = contents(folder)
    pki.ensure(folder)
    after = contents(folder)
    assert after.pop("bob.pem")
    assert after == before


def test_certificates_that_end_soon_are_renewed_with_name_and_key(folder, monkeypatch):
    before, authority = contents(folder), certificate(folder / "ca.pem")
    old = {
        name: (certificate(folder / f"{name}.pem"), key(folder / f"{name}.pem")) for name in NAMES
    }
    set_clock(monkeypatch, pki.CERTIFICATE_DAYS - pki.RENEW_DAYS + 1)
    pki.ensure(folder)
    after = contents(folder)
    assert {name for name in after if after[name] == before[name]} == {"ca.pem", "ca.key"}
    for name in NAMES:
        new, new_key = certificate(folder / f"{name}.pem"), key(folder / f"{name}.pem")
        assert new.subject == old[name][0].subject
        assert new_key.private_numbers() == old[name][1].private_numbers()
        assert new.serial_number != old[name][0].serial_number
        assert new.not_valid_after_utc > datetime.now(UTC) + timedelta(days=600)
        new.verify_directly_issued_by(authority)


def test_renewal_of_the_authority_renews_all_under_its_old_key(folder, monkeypatch):
    old, before = certificate(folder / "ca.pem"), contents(folder)
    set_clock(monkeypatch, pki.AUTHORITY_DAYS - pki.RENEW_DAYS + 1)
    pki.ensure(folder)
    new, after = certificate(folder / "ca.pem"), contents(folder)
    assert (new.subject, new.public_key()) == (old.subject, old.public_key())
    assert new.not_valid_after_utc > old.not_valid_after_utc
    assert {name for name in after if after[name] == before[name]} == {"ca.key"}
    certificate(folder / "bob.pem").verify_directly_issued_by(new)


def test_no_certificate_outlives_its_authority(folder, monkeypatch):
    set_clock(monkeypatch, pki.AUTHORITY_DAYS - pki.RENEW_DAYS - 10)
    pki.ensure(folder)
    ends = certificate(folder / "ca.pem").not_valid_after_utc
    assert certificate(folder / "bob.pem").not_valid_after_utc == ends


def test_start_that_broke_off_is_finished(folder):
    (folder / "ca.pem").unlink()
    own_key = key(folder / "ca.key").public_key()
    before = contents(folder)
    pki.ensure(folder)
    assert certificate(folder / "ca.pem").public_key() == own_key
    after = contents(folder)
    assert [name for name in before if before[name] == after[name]] == ["ca.key"]
    (folder / "alice.p12").unlink()
    pki.ensure(folder)
    test_browser_file_holds_alice(folder)


@pytest.mark.parametrize(("name", "lost"), [("bob.pem", "ca.key"), ("bob.pem", None)])
def test_file_that_cannot_be_used_is_named_and_kept(folder, name, lost):
    (folder / name).write_text("")
    if lost:
        (folder / name).unlink()
        (folder / lost).unlink()
    before = contents(folder)
    with pytest.raises(pki.PkiError, match=f"pki/{lost or name}: "):
        pki.ensure(folder)
    assert contents(folder) == before


def test_several_starts_at_once_make_one_authority(tmp_path, monkeypatch):
    barrier, new_key, keys = threading.Barrier(3), pki._new_key, []

    def slowly():
        time.sleep(0.1)
        keys.append(new_key())
        return keys[-1]

    monkeypatch.setattr(pki, "_new_key", slowly)

    def start(folder):
        barrier.wait()
        pki.ensure(folder)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(start, [tmp_path / "pki"] * 3))
    assert len(keys) == 5
    authority = certificate(tmp_path / "pki" / "ca.pem")
    assert key(tmp_path / "pki" / "ca.key").public_key() == authority.public_key()
    for name in NAMES:
        own = certificate(tmp_path / "pki" / f"{name}.pem")
        own.verify_directly_issued_by(authority)
        assert key(tmp_path / "pki" / f"{name}.pem").public_key() == own.public_key()
    assert len(contents(tmp_path / "pki")) == 7

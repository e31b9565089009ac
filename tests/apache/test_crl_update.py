"""``repoman-admin crl-update`` for real: the revoked are out, and nobody else notices."""

import os
import shutil

import pytest

from tests.apache.httpd import program
from tests.apache.refusals import assert_refused_by_handshake
from tests.apache.site import Site
from tests.server.running import wait_until

MIB = 1 << 20


@pytest.fixture
def site(installation, certificates, authority):
    """Return an Apache with a list of its own, in which nobody is revoked."""
    revocations = installation.own / "revocations.pem"
    revocations.write_text(authority.revoke(number=1))
    options = ("--crl", revocations)
    running = Site(installation, "revoking", crl=False, options=options, processes=1)
    running.revocations = revocations
    try:
        yield running
    finally:
        running.stop()
        revocations.unlink()
        shutil.rmtree(running.home.parent)


def update(site, *paths):
    """Run it as root does, with this Apache's command in place of apache2ctl."""
    command = f"{program('apache2')} -f {site.root}/httpd.conf"
    ini = site.home / "production.ini"
    return site.installation.admin("--config", ini, "crl-update", *paths, "--apache", command)


def test_a_revoked_certificate_is_refused_and_a_running_download_outlives_it(
    site, certificates, authority, tmp_path
):
    admin = site.folder / "admin.pem"
    holder = authority.issue("/O=Test Grid/CN=Eve Moe")
    eve, proxy = certificates.write(holder), certificates.write(holder.proxy())
    fields = ["-d", "user_name=eve", "--data-urlencode", "cert_dn=/O=Test Grid/CN=Eve Moe"]
    assert site.ask("/api/users", *fields, certificate=admin).status == 201
    assert site.ask("/api/images", "-d", "name=x", certificate=eve).status == 201
    disk, url = tmp_path / "disk", "/api/images/raw/x"
    disk.write_bytes(b"disk" * (6 * MIB))
    assert site.ask("-T", disk, url, certificate=eve).status == 201
    for certificate in (eve, proxy):
        assert site.ask("/api/whoami", certificate=certificate).status == 200

    slow = ["--limit-rate", "1500K", "-f", "-o", tmp_path / "down"]
    download = site.curl(url, *slow, certificate=eve, wait=False)
    assert wait_until((tmp_path / "down").exists)
    new = tmp_path / "new.crl"
    new.write_text(authority.revoke([holder.certificate.serial_number], number=2))
    assert "Apache has restarted gracefully" in update(site, new)
    assert download.poll() is None
    for certificate in (eve, proxy):
        assert_refused_by_handshake(site, certificate)
    assert wait_until(lambda: site.ask("/api/whoami", certificate=admin).status == 200, 30)
    download.communicate()
    assert download.returncode == 0
    assert (tmp_path / "down").read_bytes() == disk.read_bytes()

    before = os.stat(site.root / "httpd.pid").st_mtime_ns
    for paths in ((), (new,)):
        assert "it was not restarted" in update(site, *paths)
    assert os.stat(site.root / "httpd.pid").st_mtime_ns == before
    # Somebody else put a list there, and Apache does not know of it yet.
    site.revocations.write_text(authority.revoke(number=3))
    assert "Apache has restarted gracefully" in update(site)
    assert wait_until(lambda: site.ask("/api/whoami", certificate=eve).status == 200, 30)


def test_after_a_refusal_everybody_is_let_in_as_before(site, certificates, authority, tmp_path):
    admin, bad = site.folder / "admin.pem", tmp_path / "bad.crl"
    bad.write_text(authority.revoke(number=9, days=-0.02))
    with pytest.raises(AssertionError, match="it expired on"):
        update(site, bad)
    assert site.ask("/api/whoami", certificate=admin).status == 200
    with (site.home / "repoman.conf").open("a") as conf:
        conf.write("Nonsense On\n")
    bad.write_text(authority.revoke(number=9))
    with pytest.raises(AssertionError, match="the lists are as before"):
        update(site, bad)
    assert site.ask("/api/whoami", certificate=admin).status == 200

"""One Apache for the tests that leave it as it was, and the people they use."""

import re

import pytest

from tests.apache.certificates import Certificates
from tests.apache.site import HTTP_PORT, Site

OTHER_HOST = """
<VirtualHost *:{{port}}>
    ServerName other.test
    SSLEngine on
    SSLCertificateFile {tls}/server.pem
    SSLVerifyClient require
    SSLVerifyDepth 10
    SSLCACertificateFile {tls}/ca.pem
    DocumentRoot {tls}/pages
    <Directory {tls}/pages>
        Require all granted
    </Directory>
</VirtualHost>
"""


@pytest.fixture(scope="session")
def certificates(installation, authority):
    made = Certificates(installation.tls, authority)
    made.write_all()
    return made


@pytest.fixture(scope="session")
def default_site(installation, certificates):
    """Return the Apache that `apache-config` sets up, with the users admin, ann, bob and robot."""
    more = OTHER_HOST.format(tls=installation.tls)
    running = Site(installation, "site", options=("--http-port", HTTP_PORT), more=more)
    try:
        register(running)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def site(default_site):
    return default_site


@pytest.fixture(scope="session")
def daemon_site(installation, certificates):
    """Return such an Apache with everything in mod_wsgi's daemon."""
    options = ("--daemon-only", "--http-port", HTTP_PORT)
    running = Site(installation, "daemon", options=options)
    try:
        register(running)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session", params=["default_site", "daemon_site"])
def either_site(request):
    """Return the one and then the other, to modules that make it their `site`."""
    return request.getfixturevalue(request.param)


def register(site):
    for name, dn in (
        ("ann", "/O=Test Grid/CN=Ann Lee"),
        ("bob", "/O=Test Grid/CN=Bob Moe"),
        ("robot", "/O=Test Grid/CN=Ann Lee/CN=12345"),
    ):
        fields = ["-d", f"user_name={name}", "--data-urlencode", f"cert_dn={dn}"]
        made = site.ask("/api/users", *fields, certificate=site.folder / "admin.pem")
        assert made.status == 201, (made.errors, made.body, site.log("repoman-error.log"))


@pytest.fixture(scope="session")
def ann(certificates):
    """Return the file of ann's certificate."""
    return certificates.write(certificates.ann)


@pytest.fixture(scope="session")
def bob(certificates):
    """Return the file of bob's certificate."""
    return certificates.write(certificates.bob)


@pytest.fixture(scope="session")
def admin(site):
    """Return the file of the administrator's certificate."""
    return site.folder / "admin.pem"


@pytest.fixture
def image(site, ann, request):
    """Return the name of an image of ann's without file; it goes with the test."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", request.node.name)[:100]
    made = site.ask("/api/images", "-d", f"name={name}", certificate=ann)
    assert made.status == 201, made.body
    yield name
    site.ask("-X", "DELETE", f"/api/images/{name}", certificate=ann)

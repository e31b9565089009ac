"""``repoman-admin doctor --certificate``: whether a client certificate is let in, and as whom."""

import shlex
from datetime import UTC, datetime, timedelta

import pytest

from tests.databases import on_sqlite
from tests.pki import CertificateAuthority

ANN = "/O=Test Grid/CN=Ann Lee"


@pytest.fixture
def ann(deployment):
    """A certificate that is registered."""
    assert deployment.admin("user", "add", "ann", "--dn", ANN).exit_code == 0
    return deployment.authority.issue(ANN)


@pytest.fixture
def show(deployment):
    """Have the doctor look at somebody's certificate."""

    def show(holder):
        path = holder.write(deployment.folder)
        return deployment.doctor("--certificate", path)

    return show


def say(deployment, line):
    """Run the command that a line ends with, without its beginning, which is the host's."""
    words = shlex.split(line[line.index("--config") :])
    assert words[:2] == ["--config", str(deployment.config)]
    done = deployment.admin(*words[2:])
    assert done.exit_code == 0, done.output


def test_registered_certificate_is_shown_with_names_and_end(show, ann, database):
    report = show(ann)
    assert report.not_ok == {}
    assert report.texts["client"].startswith(
        "ann: /O=Test Grid/CN=Ann Lee, issued by /C=CA/O=Test Grid/CN=Test CA, valid until "
    )
    assert report.texts["client certificate"].startswith("/")


@on_sqlite
def test_admin_and_proxies_are_shown_as_such(show, deployment, ann, database):
    report = show(deployment.authority.issue("/O=Test Grid/CN=Admin"))
    assert report.texts["client"].startswith("admin, an admin: /O=Test Grid/CN=Admin, issued by ")
    report = show(ann.proxy(cn="12").proxy(cn="34", limited=True))
    assert report.not_ok == {}
    assert report.texts["client"].startswith(
        "ann: /O=Test Grid/CN=Ann Lee, issued by /C=CA/O=Test Grid/CN=Test CA, "
        "limited proxy of depth 2, presented as /O=Test Grid/CN=Ann Lee/CN=12/CN=34, valid until "
    )


def test_unknown_certificate_gets_the_command_that_registers_it(show, deployment, database):
    zoe = deployment.authority.issue("/O=Test Grid/CN=Zoë O'Brien")
    report = show(zoe)
    assert report.broken() == {"client": "FAILED"}
    assert "nobody is registered as /O=Test Grid/CN=Zo" in report.texts["client"]
    assert " user add zoe.o.brien --certificate /" in report.texts["client"]
    say(deployment, report.texts["client"])
    report = show(zoe)
    assert report.not_ok == {}
    assert report.texts["client"].startswith("zoe.o.brien: ")


@on_sqlite
def test_command_for_a_proxy_registers_whoever_made_it(show, deployment, database):
    bob = deployment.authority.issue("/O=Test Grid/CN=Bob Moe")
    report = show(bob.proxy())
    assert report.broken() == {"client": "FAILED"}
    say(deployment, report.texts["client"])
    assert show(bob).texts["client"].startswith("bob.moe: ")
    assert show(bob.proxy().proxy()).not_ok == {}


@on_sqlite
def test_proposed_name_is_free_and_can_be_a_name(show, deployment, ann, database):
    for subject, name in (
        ("/O=Other/CN=Ann", "ann.2"),
        ("/O=Other/CN=raw", "raw.2"),
        ("/O=Other/CN=李", "user"),
        ("/O=Other", "user"),
    ):
        assert (
            f" user add {name} --certificate "
            in show(deployment.authority.issue(subject)).texts["client"]
        )


def test_suspended_user_gets_the_command_that_lets_them_in(show, deployment, ann, database):
    assert deployment.admin("user", "suspend", "ann").exit_code == 0
    report = show(ann)
    assert report.broken() == {"client": "FAILED"}
    say(deployment, report.texts["client"])
    assert show(ann).not_ok == {}


@on_sqlite
def test_name_of_another_issuer_is_said_with_its_user(show, deployment, database):
    added = deployment.admin("user", "add", "ann", "--dn", ANN, "--issuer", "/CN=Other CA")
    assert added.exit_code == 0
    report = show(deployment.authority.issue(ANN))
    assert report.broken() == {"client": "FAILED"}
    assert "is nobody: the name is ann's of the issuer /CN=Other CA" in report.texts["client"]


@on_sqlite
def test_revoked_certificate_and_its_proxy_are_refused(show, deployment, ann, database):
    for holder in (deployment.revoked, deployment.revoked.proxy()):
        report = show(holder)
        assert report.broken() == {"client certificate": "FAILED"}
        assert report.texts["client certificate"].endswith(
            "in the handshake: certificate revoked. They need another certificate of their "
            "authority's"
        )


@on_sqlite
def test_expired_certificate_is_refused(show, deployment, ann, database):
    past = datetime.now(UTC) - timedelta(minutes=1)
    report = show(deployment.authority.issue(ANN, not_after=past))
    assert report.broken() == {"client certificate": "FAILED", "client": "FAILED"}
    assert "certificate has expired" in report.texts["client certificate"]
    assert "Your certificate expired at " in report.texts["client"]
    assert show(ann.proxy(not_after=past)).broken() == report.broken()


@on_sqlite
def test_certificate_of_an_authority_that_is_not_let_in_is_refused(show, deployment, ann, database):
    report = show(CertificateAuthority("/CN=Other CA").issue(ANN))
    assert report.broken() == {"client certificate": "FAILED"}
    assert f"Put its authority into {deployment.ca}" in report.texts["client certificate"]


@on_sqlite
def test_certificate_whose_authority_has_no_fresh_list_is_refused(show, deployment, ann, database):
    deployment.crl.write_text(deployment.authority.revoke(days=-0.01))
    report = show(ann)
    assert report.broken() == {"revocation lists": "FAILED", "client certificate": "FAILED"}
    assert 'CRL has expired. See "revocation lists" above' in report.texts["client certificate"]


@on_sqlite
def test_proxy_that_is_none_is_refused(show, deployment, ann, database):
    report = show(ann.proxy(independent=True))
    assert report.broken() == {"client": "FAILED"}
    assert "carries none of its signer's rights" in report.texts["client"]
    forged = deployment.authority.issue("/O=Test Grid/CN=Bob").proxy(subject=f"{ANN}/CN=1")
    assert show(forged).broken() == {"client certificate": "FAILED", "client": "FAILED"}


@on_sqlite
def test_proxy_is_refused_where_the_settings_do_not_accept_it(show, deployment, ann, database):
    del deployment.app["repoman.accept_proxies"]
    deployment.write()
    report = show(ann.proxy())
    assert report.broken() == {"client": "FAILED"}
    assert "does not accept proxy certificates" in report.texts["client"]


@on_sqlite
def test_what_is_no_certificate_is_said(deployment, database):
    report = deployment.doctor("--certificate", deployment.config)
    assert report.not_checked() == ["client certificate", "client"]
    assert "holds no certificate in PEM" in report.texts["client"]
    missing = deployment.admin("doctor", "--certificate", deployment.folder / "none.pem")
    assert "does not exist" in missing.output


def test_without_database_the_certificate_is_still_verified(show, ann, database):
    with database.gone():
        report = show(ann)
    assert report.states["client certificate"] == "ok"
    assert report.states["client"] == "not checked"

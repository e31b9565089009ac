"""mod_wsgi's access script: it refuses whom the application would, and lets nobody in."""

from datetime import timedelta

import pytest

from repoman.early import AccessScript
from repoman.models import now
from repoman.settings import read_settings


@pytest.fixture
def ask(settings):
    """Ask as mod_wsgi does, with mod_ssl's variables of a request."""
    script = AccessScript(settings)

    def ask(variables):
        environ = {
            "mod_ssl.var_lookup": variables.get,
            "REQUEST_METHOD": "PUT",
            "REQUEST_URI": "/api/images/raw/x",
        }
        return script(environ, "127.0.0.1")

    yield ask
    script.sessions.engine.dispose()


def test_users_and_their_proxies_are_left_to_the_application(ask, people):
    holder = people.alice.holder
    for shown in (holder, holder.proxy(), holder.proxy().proxy(), holder.proxy(limited=True)):
        assert ask(shown.environ()) is None


def test_who_shows_no_certificate_is_left_to_apache(ask):
    for variables in ({}, {"SSL_CLIENT_VERIFY": "NONE"}, {"SSL_CLIENT_VERIFY": ""}):
        assert ask(variables) is None


def test_who_may_not_upload_anything_is_refused(ask, people, authority, caplog):
    caplog.set_level("INFO")
    holder = people.alice.holder
    past = now() - timedelta(minutes=1)
    expired = authority.issue(holder.certificate.subject, not_after=past)
    unverified = holder.environ() | {"SSL_CLIENT_VERIFY": "FAILED:expired"}
    for variables, code in (
        (people.holder("Stranger").environ(), "certificate-unknown"),
        (people.holder("Stranger").proxy().environ(), "certificate-unknown"),
        (holder.proxy(independent=True).environ(), "certificate-invalid"),
        (holder.proxy().environ(chain=[]), "certificate-invalid"),
        (expired.environ(), "certificate-invalid"),
        (unverified, "certificate-invalid"),
    ):
        caplog.clear()
        assert ask(variables) is False
        assert code in caplog.text
        assert "/api/images/raw/x" in caplog.text


def test_suspended_user_is_refused_until_resumed(ask, people, admin):
    shown = people.alice.holder.environ()
    admin.patch_json("/api/users/alice", {"suspended": True})
    assert ask(shown) is False
    admin.patch_json("/api/users/alice", {"suspended": False})
    assert ask(shown) is None


def test_an_expiry_is_left_to_the_application(ask, people, authority, admin):
    later = now() + timedelta(days=500)
    renewed = authority.issue(people.alice.holder.certificate.subject, not_after=later)
    url = "/api/users/alice/certificates?expand=true"
    before = admin.get(url).json[0]["not_after"]
    assert ask(renewed.environ()) is None
    assert admin.get(url).json[0]["not_after"] == before
    people.client(renewed).get("/api/whoami", status=200)
    assert admin.get(url).json[0]["not_after"] == f"{later:%Y-%m-%dT%H:%M:%SZ}"


def test_without_database_it_is_left_to_the_application(people, ini, tmp_path):
    shown = people.alice.holder.environ()
    gone = ini | {
        "sqlalchemy.url": f"sqlite:///{tmp_path}/nowhere/x",
        "repoman.database_timeout": "0",
    }
    script = AccessScript(read_settings(gone))
    environ = {"mod_ssl.var_lookup": shown.get}
    assert script(environ, "127.0.0.1") is None
    script.sessions.engine.dispose()

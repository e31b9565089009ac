"""tus through the embedded server."""

import pytest

from tests.server.running import Running, admin_command, free_port
from tests.tuspy import send_with_a_break


@pytest.fixture
def site(tmp_path):
    """Return what ``make run`` starts."""
    port = free_port()
    command = admin_command("run", "--var", tmp_path / "var", "--port", str(port))
    running = Running(command, tmp_path / "var" / "pki", port)
    yield running
    running.stop()


def test_tuspy_goes_on_after_a_break(site, tmp_path, monkeypatch):
    alice = site.folder / "alice.pem"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(site.folder / "ca.pem"))
    site.curl("-d", "name=debian12", "/api/images", certificate=alice)
    sent = send_with_a_break(site, "debian12", (alice, alice), tmp_path)
    got = tmp_path / "got"
    site.curl("-f", "-o", got, "/api/images/raw/debian12", certificate=alice)
    assert got.read_bytes() == sent
    assert site.curl("/api/uploads", certificate=alice).printed.strip() == "[]"

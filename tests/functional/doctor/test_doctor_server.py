"""``repoman-admin doctor`` on the embedded server, as it answers."""

import os
import shutil
import socket
import ssl
import threading
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.databases import on_sqlite
from tests.doctor import LIVE, serving
from tests.server.running import Running, admin_command, free_port, wait_until


def test_deployment_that_is_well_is_ok_from_top_to_bottom(deployment, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    with serving(deployment):
        report = deployment.doctor(live=True)
        assert (report.not_ok, report.code) == ({}, 0)
        assert set(LIVE) < set(report.states)
        assert deployment.doctor("--quiet", live=True).states.keys() <= {"store's room"}


@on_sqlite
def test_server_that_is_down_is_said_with_its_address(deployment, database):
    report = deployment.doctor(live=True)
    assert report.broken() == {"answers": "FAILED"}
    address = f"localhost:{deployment.port} (Connection refused)"
    assert f"there is no answer at {address}" in report.texts["answers"]
    assert report.not_checked() == LIVE[1:]


def test_other_address_to_connect_to_is_an_option(served):
    assert served.doctor("--connect", f"127.0.0.1:{served.port}", live=True).not_ok == {}
    report = served.doctor("--connect", f"127.0.0.1:{free_port()}", live=True)
    assert report.broken() == {"answers": "FAILED"}
    assert "Usage: " in served.admin("doctor", "--connect", "localhost").output


@contextmanager
def answering(served, answer):
    """Answer all requests in one way, under the server's own certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(served.certificate, served.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_all():
            while True:
                try:
                    plain = listening.accept()[0]
                except OSError:
                    return
                with plain:
                    try:
                        with context.wrap_socket(plain, server_side=True) as tls:
                            tls.recv(65536)
                            tls.sendall(answer)
                    except OSError:
                        continue

        thread = threading.Thread(target=answer_all)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "answers"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "answers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "version"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<p>hello\n", "version"),
    ],
    ids=repr,
)
def test_what_is_not_repoman_is_said(served, answer, title):
    with answering(served, answer) as address:
        report = served.doctor("--connect", address, live=True)
    assert report.states[title] == "FAILED", report.printed
    assert report.states["health"] == report.states["large uploads"] == "not checked"


def test_server_that_runs_another_version_is_said_with_both(served, tmp_path, monkeypatch):
    """As after an upgrade: what runs does not know of what is on disk since."""
    info = tmp_path / "installed" / "repoman-0.0.7.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: repoman\nVersion: 0.0.7\n")
    points = distribution("repoman").read_text("entry_points.txt")
    (info / "entry_points.txt").write_text(points)
    installed = [str(info.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    port = free_port()
    text = served.config.read_text().replace(f"port = {served.port}", f"port = {port}")
    config = Path(served.folder, "older.ini")
    config.write_text(text)
    config.chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", ":".join(installed))
        running = Running(admin_command("serve", config=config), served.folder, port)
    try:
        shutil.rmtree(info)
        report = served.doctor("--connect", f"localhost:{port}", live=True)
    finally:
        running.stop()
    assert report.broken() == {"version": "FAILED"}
    assert "the server runs version 0.0.7, and 0.1.0 is installed" in report.texts["version"]


def test_database_that_is_gone_is_seen_by_server_and_doctor(served):
    """The server takes what it knows of its health for true for 5 s."""

    def is_well():
        return '"ok"' in served.running.curl("/healthz").printed

    with served.database.gone():
        assert wait_until(lambda: not is_well())
        report = served.doctor(live=True)
    # Mended just now, and the server's own answer is an old one.
    assert served.doctor(live=True).states["health"] == "ok"
    assert wait_until(is_well)
    assert report.broken() == {"health": "FAILED", "database": "FAILED"}
    assert report.not_checked() == ["tables", "changes", "administrator", "store's files"]
    assert "unable to open database file" in report.texts["database"]
    assert "/healthz is answered with 503" in report.texts["health"]

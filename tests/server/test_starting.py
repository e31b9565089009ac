"""How the server starts, or says in one sentence why it does not."""

import configparser
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repoman.server import read_server_settings
from repoman.server.sockets import listen
from repoman.server.tls import tls_context
from repoman.settings import InvalidSetting
from tests.server.running import ROOT, Running, free_port, probe_command, wait_until


def refusal(folder, **settings):
    """Return why a server with these settings does not start, without starting it."""
    files = {"certificate": str(folder / "server.pem"), "ca": str(folder / "ca.pem")}
    with pytest.raises(InvalidSetting) as caught:  # noqa: PT012  # each part may refuse
        read = read_server_settings({"port": "0"} | files | settings)
        tls_context(read)
        for opened in listen(read):
            opened.close()
    return str(caught.value)


def ended_by(command):
    """Run what must end at once, and return its exit status and its lines on stderr."""
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    return ended.returncode, ended.stderr.splitlines()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", "https"),
        ("port", "65536"),
        ("port", "-1"),
        ("host", ""),
        ("host", "no-such-host.invalid"),
        ("host", "192.0.2.1"),
        ("workers", "0"),
        ("threads", "many"),
        ("timeout", "1"),
        ("graceful_timeout", "1.5"),
        ("certificate", "missing.pem"),
        ("ca", "missing.pem"),
        ("key", "missing.pem"),
        ("thread", "4"),
    ],
)
def test_unusable_setting_stops_the_start_with_its_key(folder, key, value):
    assert refusal(folder, **{key: value}).startswith(f"{key}: ")


def test_unusable_files_stop_the_start_with_their_key(folder, tmp_path, ann):
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    assert refusal(folder, certificate=text).startswith(f"certificate: {text} ")
    assert refusal(folder, ca=text).startswith(f"ca: {text} ")
    assert refusal(folder, crl=text).startswith(f"crl: {text} ")
    other_key = tmp_path / "other.key"
    other_key.write_text(ann.key_pem)
    assert refusal(folder, key=other_key).startswith(f"key: {other_key} ")


def test_missing_setting_is_named(folder):
    with pytest.raises(InvalidSetting, match=r"^ca: this setting is missing$"):
        read_server_settings({"certificate": str(folder / "server.pem")})


def test_taken_port_stops_the_start_at_once(folder):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        sentence = f"port: {port} is taken on localhost: stop what listens there"
        assert ended_by(probe_command(folder, port)) == (1, [sentence])


def test_key_may_be_in_a_file_of_its_own(start, tmp_path, authority):
    holder = authority.issue("/O=Test Grid/CN=localhost", hostnames=["localhost"])
    (tmp_path / "certificate.pem").write_text(holder.pem)
    (tmp_path / "key.pem").write_text(holder.key_pem)
    server = start(certificate=tmp_path / "certificate.pem", key=tmp_path / "key.pem")
    assert server.curl("/hello").printed == "hello"


def test_star_listens_on_every_address(start):
    server = start(host="*")
    addresses = ["127.0.0.1", "[::1]"] if ipv6() else ["127.0.0.1"]
    for address in addresses:
        assert server.curl(f"https://{address}:{server.port}/hello").printed == "hello"


def ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_renewed_certificate_holds_from_the_next_connection(start, tmp_path, authority):
    certificate = tmp_path / "server.pem"
    authority.issue("/CN=old", hostnames=["old.example"]).write(tmp_path, certificate.name)
    server = start(certificate=certificate)
    assert server.curl("/hello").code == 60
    authority.issue("/CN=new", hostnames=["localhost"]).write(tmp_path, certificate.name)
    assert server.curl("/hello").printed == "hello"


@pytest.fixture
def ini(folder, tmp_path):
    """Return a function that writes an ini file for pserve."""

    def write(**settings):
        parser = configparser.ConfigParser()
        parser["app:main"] = {"paste.app_factory": "tests.server.probe:factory"}
        files = {"certificate": str(folder / "server.pem"), "ca": str(folder / "ca.pem")}
        parser["server:main"] = {"use": "egg:repoman#https"} | files | settings
        path = tmp_path / "probe.ini"
        with path.open("w") as file:
            parser.write(file)
        return [sys.executable, "-m", "pyramid.scripts.pserve", str(path)]

    return write


def test_pserve_starts_the_same_server(folder, ini, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    port = free_port()
    server = Running(ini(port=str(port), workers="1"), folder, port)
    try:
        assert wait_until(lambda: server.curl("/hello").printed == "hello")
    finally:
        server.stop()


def test_pserve_names_the_section_and_key_of_a_bad_setting(ini, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    status, (_, sentence) = ended_by(ini(port="https"))
    assert status == 1
    assert sentence.startswith("[server:main] port: ")


def test_nothing_is_written_to_the_home_folder(start, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert start().curl("/hello").printed == "hello"
    time.sleep(0.5)  # gunicorn makes its control socket last
    assert list(Path(tmp_path).iterdir()) == []

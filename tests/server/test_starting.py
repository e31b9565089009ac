"""How the server starts, or says in one sentence why it does not."""

import configparser
import socket
import subprocess
import sys
import time

import pytest

from repoman.server import read_server_settings
from repoman.server.sockets import listen
from repoman.server.tls import tls_context
from repoman.settings import InvalidSetting
from tests.server.running import ROOT, Running, free_port, probe_command


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


HOSTS = ["localhost", "127.0.0.1", "::1"]


@pytest.fixture(scope="module")
def unusual(folder, authority, tmp_path_factory):
    """Return a server with a key file, on all addresses, whose home folder is its own."""
    made = tmp_path_factory.mktemp("unusual")
    holder = authority.issue("/O=Test Grid/CN=localhost", hostnames=HOSTS)
    certificate, key, home = made / "certificate.pem", made / "key.pem", made / "home"
    certificate.write_text(holder.pem)
    key.write_text(holder.key_pem)
    home.mkdir()
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_RUNTIME_DIR", str(home))
        command = probe_command(folder, port, certificate=certificate, key=key, host="*")
        running = Running(command, folder, port)
    running.home, running.certificate, running.key = home, certificate, holder.key
    yield running
    running.stop()


def test_key_may_be_in_a_file_of_its_own(unusual):
    assert unusual.curl("/hello").printed == "hello"


def test_star_listens_on_every_address(unusual):
    addresses = ["127.0.0.1", "[::1]"] if ipv6() else ["127.0.0.1"]
    for address in addresses:
        assert unusual.curl(f"https://{address}:{unusual.port}/hello").printed == "hello"


def test_nothing_is_written_to_the_home_folder(unusual):
    assert unusual.curl("/hello").printed == "hello"
    time.sleep(0.5)  # gunicorn makes its control socket last
    assert list(unusual.home.iterdir()) == []


def ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_renewed_certificate_holds_from_the_next_connection(unusual, authority):
    for hosts, code in ((["other.example"], 60), (HOSTS, 0)):
        renewed = authority.issue("/CN=renewed", hostnames=hosts, key=unusual.key)
        unusual.certificate.write_text(renewed.pem)
        assert unusual.curl("/hello").code == code


def test_pserve_names_the_section_and_key_of_a_bad_setting(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    parser = configparser.ConfigParser()
    parser["app:main"] = {"paste.app_factory": "tests.server.probe:factory"}
    files = {"certificate": str(folder / "server.pem"), "ca": str(folder / "ca.pem")}
    parser["server:main"] = {"use": "egg:repoman#https", "port": "https"} | files
    path = tmp_path / "probe.ini"
    with path.open("w") as file:
        parser.write(file)
    status, (_, sentence) = ended_by([sys.executable, "-m", "pyramid.scripts.pserve", path])
    assert status == 1
    assert sentence.startswith("[server:main] port: ")

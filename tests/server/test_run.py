"""``make run``: what it prints works when pasted, and a second start keeps everything."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.running import ROOT, Running, free_port, need, wait_until

ADMIN = str(Path(sys.executable).with_name("repoman-admin"))


def run(var, *, ini=ROOT / "development.ini"):
    port = free_port()
    command = [ADMIN, "--config", ini, "run", "--var", var, "--port", str(port)]
    return Running(command, var / "pki", port)


def get(server, person, path):
    answer = server.curl(path, "--fail", certificate=server.folder / f"{person}.pem")
    assert answer.code == 0, answer.errors
    return answer.printed


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def var(tmp_path_factory):
    """Return a folder that one start has filled, and in which the printed lines were pasted."""
    folder = tmp_path_factory.mktemp("a folder with blanks")
    var, pasted = folder / "new" / "var", folder / "pasted"
    pasted.mkdir()
    need("curl")
    (pasted / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    server = run(var)
    try:
        assert wait_until(lambda: "In a browser" in server.printed.read_text())
        lines = [line for line in server.printed.read_text().splitlines() if line.startswith("  ")]
        assert len(lines) == 7
        script = "set -e\n" + "\n".join(lines)
        bash = [need("bash"), "-c", script]
        subprocess.run(
            bash, cwd=pasted, env={"CURL_HOME": ".", "PATH": "/usr/bin:/bin"}, check=True
        )
        assert "Alice" in get(server, "alice", "/api/whoami")
        assert "/api/groups/admins" in get(server, "admin", "/api/whoami")
    finally:
        server.stop()
    assert (pasted / "copy.img").read_bytes() == (pasted / "disk.img").read_bytes()
    return var


def test_second_start_keeps_all_data(var):
    before = files(var / "pki")
    server = run(var)
    try:
        assert '"alice"' in get(server, "bob", "/api/images/alice/debian12")
        image = server.curl(
            "/api/images/raw/mine", "-o", var / "mine", certificate=var / "pki/bob.pem"
        )
        assert image.code == 0, image.errors
        assert (var / "mine").read_bytes() == (var.parents[1] / "pasted/disk.img").read_bytes()
    finally:
        server.stop()
    assert files(var / "pki") == before


def test_pserve_starts_what_the_ini_file_describes(var, tmp_path):
    shutil.copytree(var, tmp_path / "var")
    ini = shutil.copy(ROOT / "development.ini", tmp_path)
    port = free_port()
    command = [sys.executable, "-m", "pyramid.scripts.pserve", ini, f"port={port}"]
    server = Running(command, tmp_path / "var" / "pki", port)
    try:
        assert '"alice"' in get(server, "alice", "/api/images/debian12")
    finally:
        server.stop()


def test_two_first_starts_at_once_do_no_harm(tmp_path):
    port = free_port()
    command = [ADMIN, "--config", ROOT / "development.ini", "run", "--var", tmp_path / "var"]
    with subprocess.Popen(
        [*command, "--port", str(port)], cwd=ROOT, stdout=subprocess.DEVNULL
    ) as other:
        server = run(tmp_path / "var")
        try:
            assert "Alice" in get(server, "alice", "/api/whoami")
            patient = ["--fail", "--retry", "9", "--retry-connrefused"]
            whoami = f"https://localhost:{port}/api/whoami"
            answer = server.curl(whoami, *patient, certificate=tmp_path / "var/pki/bob.pem")
            assert "Bob" in answer.printed, answer.errors
        finally:
            server.stop()
            other.terminate()
        assert other.wait(12) == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "99999"], "Error: port: it must be"),
        (["--var", "100%"], "% and ? mean other things"),
        (["--var", "/proc/nowhere"], "Error: /proc/nowhere: "),
    ],
)
def test_what_cannot_be_used_is_a_sentence(arguments, sentence):
    ended = subprocess.run(
        [ADMIN, "run", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert len(ended.stderr.splitlines()) == 1

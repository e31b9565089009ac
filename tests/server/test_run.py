"""``make run``: what it prints works when pasted, and a second start keeps everything."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.running import (
    ROOT,
    Running,
    admin_command,
    alive,
    free_port,
    need,
    wait_until,
)


def run(var):
    port = free_port()
    command = admin_command("run", "--var", var, "--port", str(port))
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


def test_what_the_ini_file_describes_is_started_and_ends_on_sigterm(var, tmp_path, subtests):
    with ThreadPoolExecutor() as pool:
        ends = {
            program: pool.submit(serve_and_end, program, var, tmp_path / program, free_port())
            for program in ("pserve", "repoman-admin serve")
        }
        for program, end in ends.items():
            with subtests.test(program):
                end.result()


def serve_and_end(program, var, folder, port):
    shutil.copytree(var, folder / "var")
    ini = folder / "site.ini"
    development = (ROOT / "development.ini").read_text()
    ini.write_text(development.replace("port = 8443", f"port = {port}"))
    pserve = [sys.executable, "-m", "pyramid.scripts.pserve", ini]
    command = pserve if program == "pserve" else admin_command("serve", config=ini)
    server = Running(command, folder / "var" / "pki", port)
    try:
        assert '"alice"' in get(server, "alice", "/api/images/debian12")
        assert wait_until(lambda: len(server.workers()) == 2)
        workers = server.workers()
        server.process.terminate()
        assert server.process.wait(10) == 0
        assert not [pid for pid in workers if alive(pid)]
        assert "Traceback" not in server.errors.read_text()
    finally:
        server.stop()


def test_two_first_starts_at_once_do_no_harm(tmp_path):
    port = free_port()
    command = admin_command("run", "--var", tmp_path / "var", "--port", str(port))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as other:
        server = run(tmp_path / "var")
        try:
            assert "Alice" in get(server, "alice", "/api/whoami")
            patient = ["--fail", "--retry", "40", "--retry-delay", "1", "--retry-connrefused"]
            whoami = f"https://localhost:{port}/api/whoami"
            answer = server.curl(whoami, *patient, certificate=tmp_path / "var/pki/bob.pem")
            assert "Bob" in answer.printed, answer.errors
        finally:
            server.stop()
            other.terminate()
        assert other.wait(12) == 0


UNUSABLE = [
    (["--port", "99999"], "Error: port: it must be"),
    (["--var", "100%"], "% and ? mean other things"),
    (["--var", "/proc/nowhere"], "Error: /proc/nowhere: "),
]


def test_what_cannot_be_used_is_a_sentence(subtests):
    pipe = subprocess.PIPE
    started = [  # all at once: to start takes longer than to say why not
        subprocess.Popen(
            admin_command("run", *arguments), cwd=ROOT, stdout=pipe, stderr=pipe, text=True
        )
        for arguments, _ in UNUSABLE
    ]
    for process, (arguments, sentence) in zip(started, UNUSABLE, strict=True):
        printed, errors = process.communicate(timeout=30)
        with subtests.test(str(arguments)):
            assert (process.returncode, printed) == (1, "")
            assert sentence in errors
            assert len(errors.splitlines()) == 1

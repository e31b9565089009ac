"""A running server for tests, and curl."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADMIN = Path(sys.executable).with_name("repoman-admin")
CHUNKED = ("-H", "Transfer-Encoding: chunked")
EXPECT, EXPECT_NOTHING = ("-H", "Expect: 100-continue"), ("-H", "Expect:")
SHOW = ("-w", "\n%{http_code} %{size_upload} %{time_total} %{num_connects}\n")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def need(program):
    """Return the path of a program, or skip the test (which fails it in CI)."""
    return shutil.which(program) or pytest.skip(f"{program} is not installed")


def wait_until(condition, seconds=10):
    """Wait for it to become true, and return what it was at last."""
    deadline = time.monotonic() + seconds
    while not (outcome := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return outcome


class Server:
    """What answers at ``url``, with a certificate of ``ca.pem`` in ``folder``."""

    folder: Path
    url: str

    def curl(self, *arguments, certificate=None, wait=True):
        """Run curl; a string that begins with a slash is a path on the server."""
        command = [need("curl"), "-sS", "--max-time", "60", "--cacert", self.folder / "ca.pem"]
        command += ["--cert", certificate] if certificate else []
        command += [
            self.url + part if isinstance(part, str) and part.startswith("/") else part
            for part in arguments
        ]
        pipe = subprocess.PIPE
        running = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
        return Finished(running) if wait else running


class Running(Server):
    """A server process in a process group of its own, as a terminal starts it."""

    def __init__(self, command, folder, port):
        self.folder, self.port = folder, port
        self.url = f"https://localhost:{port}"
        self._output = Path(tempfile.mkdtemp(prefix="repoman-"))
        self.printed, self.errors = self._output / "stdout", self._output / "stderr"
        with self.printed.open("w") as stdout, self.errors.open("w") as stderr:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        if wait_until(self._state, 20) != "answers":
            printed = self.errors.read_text()
            self.stop()
            raise AssertionError(printed)

    def _state(self):
        if self.process.poll() is not None:
            return "ended"
        try:
            socket.create_connection(("localhost", self.port)).close()
        except OSError:
            return ""  # said in less time than curl takes
        return "answers" if self.curl("/hello", "--insecure").code == 0 else ""

    def workers(self):
        tasks = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in Path(tasks).read_text().split()]

    def signal_group(self, number):
        """Send what Ctrl-C in a terminal sends: to every process of the group."""
        os.killpg(self.process.pid, number)

    def stop(self):
        """End it, by force where it must be, and check that nothing is left of it."""
        workers = self.workers() if self.process.poll() is None else []
        self.process.terminate()
        try:
            self.process.wait(12)
        finally:
            self.process.kill()
            self.process.wait()
            shutil.rmtree(self._output)
        left = [pid for pid in workers if alive(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left


class Finished:
    """How a curl ended: its ``code``, what it ``printed``, its ``errors``."""

    def __init__(self, running):
        self.printed, self.errors = running.communicate(timeout=90)
        self.code = running.returncode


def alive(pid):
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def admin_command(command, *arguments, config=ROOT / "development.ini"):
    return [ADMIN, "--config", config, command, *arguments]


def probe_command(folder, port, **settings):
    defaults = {"certificate": folder / "server.pem", "ca": folder / "ca.pem", "port": port}
    pairs = [f"{key}={value}" for key, value in (defaults | settings).items()]
    return [sys.executable, "-m", "tests.server.probe", *pairs]

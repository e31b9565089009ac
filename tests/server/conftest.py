"""The servers and people that these tests use."""

import os

import pytest

from tests.server.running import Running, free_port, probe_command


@pytest.fixture(scope="session", autouse=True)
def quiet():
    """Keep Pyramid's warning about pkg_resources out of what the servers print."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "ignore")
        yield


@pytest.fixture(scope="session")
def folder(tmp_path_factory, authority):
    """Return a folder with the authority's and the server's certificate."""
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ca.pem").write_text(authority.pem)
    hosts = ["localhost", "127.0.0.1", "::1"]
    authority.issue("/O=Test Grid/CN=localhost", hostnames=hosts).write(folder, "server.pem")
    return folder


@pytest.fixture(scope="session")
def ann(authority):
    return authority.issue("/O=Test Grid/CN=Ann Lee")


@pytest.fixture(scope="session")
def sparse(tmp_path_factory):
    """Return a function that makes a file of that size, which takes no room on disk."""
    folder = tmp_path_factory.mktemp("sparse")

    def sparse(size):
        path = folder / str(size)
        path.touch()
        os.truncate(path, size)
        return path

    return sparse


@pytest.fixture
def start(folder):
    """Start servers of the probe's with settings of their own; they end with the test."""
    started = []

    def start(**settings):
        port = free_port()
        started.append(Running(probe_command(folder, port, **settings), folder, port))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def server(folder):
    """Return one server with one worker for the tests that leave it as it was."""
    port = free_port()
    command = probe_command(folder, port, workers=1, crl=folder / "crl.pem")
    running = Running(command, folder, port)
    yield running
    running.stop()

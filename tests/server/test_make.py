"""The Makefile in a fresh copy of the tree: ``make run``, and what it says where it cannot."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.server.running import ROOT, Running, alive, free_port, need, wait_until


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Return a copy of the tree without a .venv; make takes nothing from outside."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    which = ["--cached", "--others", "--exclude-standard", "-z"]
    command = [need("git"), "-c", "safe.directory=*", "ls-files", *which]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tree = tmp_path / "tree"
    for name in listed.split("\0"):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PORT", "VAR", "PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # should the stamp be overlooked, nothing is fetched
    return tree


def use_this_venv(tree):
    """Give the tree a .venv of links to the one that runs the tests, marked as installed."""
    venv = tree / ".venv"
    venv.mkdir()
    for path in os.scandir(sys.prefix):
        if not path.name.startswith("."):
            (venv / path.name).symlink_to(path.path)
    (venv / ".installed").touch()  # newer than setup.cfg and pyproject.toml


def make(tree, *arguments):
    return [need("make"), "-C", str(tree), *arguments]


def process_group(number):
    """List the running processes of a group."""
    groups = {int(name): None for name in os.listdir("/proc") if name.isdigit()}
    for pid in groups:
        try:
            groups[pid] = os.getpgid(pid)
        except ProcessLookupError:
            continue
    return [pid for pid, group in groups.items() if group == number and alive(pid)]


def test_make_run_serves_until_its_process_group_is_told_to_end(tree, tmp_path, monkeypatch):
    use_this_venv(tree)
    monkeypatch.setenv("PYTHONPATH", str(tree))  # the copy's own code
    var, port = tmp_path / "new" / "var", free_port()
    server = Running(make(tree, "run", f"PORT={port}", f"VAR={var}"), var / "pki", port)
    try:
        answer = server.curl("/api/whoami", certificate=var / "pki" / "alice.pem")
        assert '"alice"' in answer.printed, answer.errors
        assert f"Repoman listens on {server.url}" in server.printed.read_text()
        group = server.process.pid
        # make, repoman-admin and its two workers
        assert wait_until(lambda: len(process_group(group)) == 4), process_group(group)
        server.signal_group(signal.SIGTERM)
        assert server.process.wait(10) == -signal.SIGTERM
        assert wait_until(lambda: not process_group(group), 2)
        # One line for each request, and nothing else.
        logged = [json.loads(line) for line in server.errors.read_text().splitlines()]
        assert {line["logger"] for line in logged} == {"repoman.access"}
    finally:
        server.stop()


@pytest.fixture
def stand_in(tmp_path):
    """Return a function that makes a Python which runs a line before ``python -c CODE``."""

    def make(name, line):
        program, python = tmp_path / "program.py", tmp_path / "bin" / name
        program.write_text(f"import sys\n{line}\nexec(sys.argv.pop(1))\n")
        python.parent.mkdir()
        python.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" "{program}" "$@"\n')
        python.chmod(0o755)
        return python

    return make


NO_ENSUREPIP = "sys.modules['ensurepip'] = None"
OLD = "sys.version_info = (3, 10, 4)"
REFUSALS = [
    ("python3", NO_ENSUREPIP, "Python cannot make virtual environments here (Debian, Ubuntu:"),
    ("python3", NO_ENSUREPIP, "apt-get install python3-venv)"),
    ("python3.12", NO_ENSUREPIP, "apt-get install python3.12-venv)"),
    ("python3", OLD, "Repoman needs Python 3.11 or newer"),
    ("python3.10", OLD, "python3.10 is 3.10; name another one: make PYTHON=python3.12"),
    ("python3.12", None, "python3.12 not found: install Python 3.11 or newer"),
    ("python3.12", None, "apt-get install python3.12 python3.12-venv)"),
]


@pytest.mark.parametrize(("name", "line", "sentence"), REFUSALS)
def test_python_that_will_not_do_is_a_sentence_before_anything_is_made(
    tree, tmp_path, stand_in, name, line, sentence
):
    python = stand_in(name, line) if line else tmp_path / name
    before = sorted(path.name for path in tree.iterdir())
    command = make(tree, "run", f"PYTHON={python}")
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert sorted(path.name for path in tree.iterdir()) == before

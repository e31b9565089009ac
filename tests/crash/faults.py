"""``repoman-admin`` as it is, but for a SIGKILL to itself when it comes to the step that is armed.

``python -m tests.crash.faults STORE ARMED SHOWN once ARGUMENT…`` runs it once, as for a server;
``each`` in place of ``once``: for every line that it reads, in a process of its own, of which it
prints how it ended.

The steps are those that a crash could fall between: what is done to a file or folder of the store,
and commits. The file ``ARMED`` holds one, and how many times it is still to be passed:
``1 after rename partial``, ``2 after write partial``, ``1 before commit INSERT blob``.
"""

import json
import os
import re
import signal
import sys
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path

import plaster
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect
from webtest import TestApp

import repoman.server
from repoman.scripts.admin import main
from tests import tus

CALLS = ("write", "fsync", "ftruncate", "fchmod", "chmod", "mkdir", "rename", "unlink", "open")
PLACES = {
    r"partial/[0-9a-f]{32}": "partial",
    r"partial/[0-9a-f]{32}\.hold": "hold",
    r"partial": "partials",
    r"blobs/[0-9a-f]{2}/[0-9a-f]{32}": "blob",
    r"blobs/[0-9a-f]{2}": "shard",
    r"blobs": "blobs",
}
_change = re.compile(r'\s*(INSERT|UPDATE|DELETE)(?: INTO| FROM)? "?(\w+)')


class Faults:
    """Kills the process at the step that ``armed`` names."""

    def __init__(self, store: Path, armed: Path) -> None:
        self._store, self._armed = f"{store}/", armed

    def reach(self, step: str) -> None:
        """Come to a step: the last thing that is done, where it is the armed one."""
        try:
            times, armed = self._armed.read_text().split(" ", 1)
        except FileNotFoundError:
            return
        if armed != step:
            return
        if times != "1":
            self._armed.write_text(f"{int(times) - 1} {armed}")
            return
        os.remove(self._armed)
        os.kill(os.getpid(), signal.SIGKILL)

    def _place(self, target) -> str | None:
        """Say what of the store a path or a descriptor is."""
        path = os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else str(target)
        # The link of a file that has gone says so.
        path = path.removesuffix(" (deleted)")
        if not path.startswith(self._store):
            return None
        inside = path.removeprefix(self._store)
        return next((name for form, name in PLACES.items() if re.fullmatch(form, inside)), None)

    def watch_files(self) -> None:
        """Have the calls that change files and folders of the store be steps."""
        for name in CALLS:
            self._watch(name, getattr(os, name))

    def _watch(self, name, call) -> None:
        def watched(target, *arguments, **options):
            makes = name != "open" or arguments[0] & os.O_EXCL
            place = self._place(target) if makes else None
            if place is None:
                return call(target, *arguments, **options)
            self.reach(f"before {name} {place}")
            outcome = call(target, *arguments, **options)
            self.reach(f"after {name} {place}")
            return outcome

        setattr(os, name, watched)

    def watch_commits(self) -> None:
        """Have commits be steps, named by the first words of each statement that they settle."""
        commit = DefaultDialect.do_commit

        @event.listens_for(Engine, "after_cursor_execute")
        def note(connection, cursor, statement, *_):
            if change := _change.match(statement):
                connection.info.setdefault("changes", {})[" ".join(change.groups())] = None

        @event.listens_for(Engine, "rollback")
        def forget(connection):
            connection.info.pop("changes", None)

        def do_commit(dialect, connection):
            changes = connection.info.pop("changes", {})
            for change in changes:
                self.reach(f"before commit {change}")
            commit(dialect, connection)
            for change in changes:
                self.reach(f"after commit {change}")

        DefaultDialect.do_commit = do_commit


def warm_up(shown: Path) -> None:
    """Have the application answer once before it is served, as who is in ``shown``.

    A worker that takes a dead one's place is a fork, and need not compile each statement again.
    """
    serve = repoman.server.serve

    def serve_warm(app, *arguments):
        client = TestApp(app, extra_environ=json.loads(shown.read_text()))
        url, raw = "/api/images/warm", "/api/images/raw/warm"
        client.post_json("/api/images", {"name": "warm"})
        upload = tus.create(client, b"half", path=raw, headers={"Upload-Length": "8"}).location
        tus.patch(client, upload, 4, b"half")
        tus.head(client, tus.create(client, path=raw).location)
        client.put(raw, b"whole")
        client.head(raw)
        client.get(raw)
        client.get("/api/users/alice/usage")
        client.delete(f"{url}?purge=true")
        app.sessions.engine.dispose()
        serve(app, *arguments)

    repoman.server.serve = serve_warm


def run_each(arguments: list[str]) -> None:
    """Run a command for every line of the input; what all the runs load, is loaded before."""
    # Plaster looks through all that is installed, which takes longer than the command.
    loader = plaster.get_loader(arguments[1], protocols=["wsgi"])
    plaster.get_loader = lambda *_, **__: loader
    with suppress(SystemExit), redirect_stdout(StringIO()):
        main([*arguments, "--dry-run"])
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            try:
                main(arguments)
            except SystemExit as end:
                os._exit(end.code or 0)
            os._exit(99)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    store, armed, shown, how, *rest = sys.argv[1:]
    faults = Faults(Path(store), Path(armed))
    faults.watch_files()
    faults.watch_commits()
    warm_up(Path(shown))
    run_each(rest) if how == "each" else main(rest)

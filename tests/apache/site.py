"""A private Apache, configured and started as the README's "Deployment" says."""

import json
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.apache import httpd
from tests.apache.installation import ENVIRONMENT, as_apache
from tests.server.running import Server, free_port, wait_until

# It ends httpd as soon as the pipe from the tests closes, also where the tests are killed.
HOLDER = '"$@" & httpd=$!; read -r line; kill $httpd; wait $httpd'
SHOWN = "\n--- %{http_code} %{size_upload}\n%{header_json}"


HTTP_PORT = object()
"""Among the options of a `Site`: the port of its own that is for http."""


class Site(Server):
    """A running httpd with a database and a store of its own, or those of one ``beside``.

    ``options`` are apache-config's, ``without`` modules to leave out, ``more`` a configuration to
    add, ``processes`` those of mod_wsgi's daemon, each of which takes its time to start, and
    ``change`` is called with the folder before the start.
    """

    def __init__(
        self,
        installation,
        name,
        *,
        options=(),
        crl=True,
        without=(),
        more="",
        processes=2,
        change=None,
        database=None,
        beside=None,
        admin=True,
    ):
        self.installation, self.folder = installation, installation.tls
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        base = installation.own / name
        self.home, self.var, self.root = base / "home", base / "var", base / "root"
        self.store = self.var / "store"
        self.database = database or f"sqlite:///{self.var}/repoman.sqlite"
        self.var.mkdir(parents=True)
        self.is_daemon_only = "--daemon-only" in options
        # Of the host without TLS, which only answers where its port is among the options.
        self.http_port = free_port()
        self.http = f"http://localhost:{self.http_port}"
        if beside:
            self.store = beside.store
        if crl:
            options = ("--crl", self.folder / "crl.pem", *options)
        self._configure(options, processes)
        if not beside:
            self.admin("init")
        if admin and not beside:
            self.admin("user", "add", "admin", "--admin", "--dn", "/O=Test Grid/CN=Admin")
        if change:
            change(self.home)
        modules = {key: path for key, path in installation.modules.items() if key not in without}
        more = f"Listen 127.0.0.1:{self.http_port}\n" + more.format(port=self.port)
        include = self.home / "repoman.conf"
        conf = httpd.write_configuration(self.root, self.port, modules, include, more)
        self._start(conf)

    def _configure(self, options, processes):
        tls = self.folder
        self.installation.admin(
            *("apache-config", "--host", "localhost", "--port", self.port),
            *("--cert", tls / "server.pem", "--key", tls / "server.pem"),
            *("--ca", tls / "ca.pem"),
            *("--store", self.store, "--database", self.database),
            *("--output", self.home),
            *(self.http_port if option is HTTP_PORT else option for option in options),
        )
        conf = self.home / "repoman.conf"
        text = conf.read_text()
        assert " processes=2 " in text
        conf.write_text(text.replace(" processes=2 ", f" processes={processes} "))
        if os.geteuid() == 0:
            shutil.chown(self.home / "production.ini", group=httpd.USER)
            shutil.chown(self.var, httpd.USER, httpd.USER)

    def admin(self, *arguments):
        """Administer it, as the user that httpd's children are."""
        ini = self.home / "production.ini"
        return self.installation.admin("--config", ini, *arguments, **as_apache())

    def _start(self, conf):
        command = [httpd.program("apache2"), "-f", conf, "-DFOREGROUND"]
        self._holder = subprocess.Popen(
            ["/bin/sh", "-c", HOLDER, "holder", *command],
            stdin=subprocess.PIPE,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        if not wait_until(lambda: self.curl("/healthz").code == 0, 30):
            self.stop()
            raise AssertionError(self.log("error.log") + self.log("repoman-error.log"))

    @property
    def pid(self):
        """Return httpd's parent process."""
        return int((self.root / "httpd.pid").read_text())

    def children(self, daemon=None):
        """Return httpd's child processes; with ``daemon``, those that are mod_wsgi's or not."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        found = []
        for pid in map(int, listed):
            with suppress(FileNotFoundError, ProcessLookupError):
                is_daemon = b"(wsgi:repoman)" in Path(f"/proc/{pid}/cmdline").read_bytes()
                if daemon in {None, is_daemon}:
                    found.append(pid)
        return found

    def log(self, name):
        path = self.root / name
        return path.read_text(errors="replace") if path.exists() else ""

    def partials(self):
        """Return how many bytes each upload under way has brought."""
        sizes = []
        for path in (self.store / "partial").rglob("*"):
            with suppress(FileNotFoundError):
                sizes += [path.stat().st_size] if path.is_file() else []
        return sizes

    def reload(self):
        """Restart gracefully, as ``systemctl reload apache2`` does; return when it has begun."""
        begun = self.log("error.log").count("SIGUSR1 received")
        os.kill(self.pid, signal.SIGUSR1)
        assert wait_until(lambda: self.log("error.log").count("SIGUSR1 received") > begun)

    def ask(self, *arguments, certificate=None):
        """Run curl and return its `Answer`."""
        return Answer(self.curl(*arguments, "-w", SHOWN, certificate=certificate))

    def stop(self):
        self._holder.stdin.close()
        self._holder.wait(30)


class Answer:
    """What curl got: ``status``, ``headers`` (lower case), ``body``, and how much was ``sent``.

    ``code`` is curl's exit status and ``errors`` what it said.
    """

    def __init__(self, finished):
        self.code, self.errors = finished.code, finished.errors
        self.body, _, rest = finished.printed.rpartition("\n--- ")
        line, _, headers = rest.partition("\n")
        self.status, self.sent = map(int, line.split())
        self.headers = {key: values[-1] for key, values in json.loads(headers).items()}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def refusal(self):
        """Return status and code of an error."""
        return self.status, self.headers.get("x-repoman-error")

"""gunicorn's processes: how they are set up, and how they end."""

import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from repoman.server.bodies import before_request
from repoman.server.settings import ServerSettings
from repoman.server.tls import ClientConnection, tls_context

KEEP_ALIVE_SECONDS = 15


class Server(BaseApplication):
    """A gunicorn that is told everything here and reads nothing from files or the environment."""

    def __init__(
        self,
        app: WSGIApplication,
        settings: ServerSettings,
        sockets: list[socket.socket],
        ready: Callable[[], None],
    ) -> None:
        self._app, self._settings, self._ready = app, settings, ready
        self._bind = [f"fd://{opened.detach()}" for opened in sockets]
        super().__init__()

    def load_config(self) -> None:
        """Set every gunicorn setting that differs from its default or could come from outside."""
        for key, value in (self._network() | self._processes()).items():
            self.cfg.set(key, value)

    def load(self) -> WSGIApplication:
        """Return the application; gunicorn calls this in each worker."""
        return self._app

    def _network(self) -> dict[str, Any]:
        return {
            "bind": self._bind,
            "certfile": str(self._settings.certificate),
            "ssl_context": lambda config, default_factory: tls_context(self._settings),
            "cert_reqs": ssl.CERT_OPTIONAL,
            "do_handshake_on_connect": False,
            "keepalive": KEEP_ALIVE_SECONDS,
            "limit_request_line": 8190,
            "pre_request": before_request,
            # A client on this machine is no proxy in front of us: its word on scheme, address and
            # path counts no more than any other's.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
        }

    def _processes(self) -> dict[str, Any]:
        return {
            "worker_class": Worker,
            "workers": self._settings.workers,
            "threads": self._settings.threads,
            "timeout": self._settings.timeout,
            "graceful_timeout": self._settings.graceful_timeout,
            "loglevel": "warning",
            "logger_class": ServerLog,
            "control_socket_disable": True,
            "when_ready": lambda arbiter: self._when_ready(),
            "post_worker_init": lambda worker: _leave_signals_to_the_parent(),
            # For a worker whose parent was killed; one that is told to stop has its limit already.
            "worker_exit": lambda arbiter, worker: worker.end_within(1),
        }

    def _when_ready(self) -> None:
        # gunicorn cuts transfers off on SIGINT, and on SIGHUP loads a configuration that cannot
        # have changed. Ctrl-C and a closed terminal are to end it as SIGTERM does.
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        self._ready()


class ServerLog(Logger):
    """gunicorn's log, without handlers of its own: its lines go where all others go."""

    def setup(self, cfg: Any) -> None:
        """Follow gunicorn's settings, but for where the lines go."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Worker(ThreadWorker):
    """gunicorn's worker with threads: it closes where it served, and ends in time."""

    def handle(self, conn: Any) -> Any:
        """Serve one request; falsy when the connection is to be closed."""
        keep = super().handle(conn)
        if not keep and isinstance(conn.sock, ClientConnection):
            conn.sock.linger()
        return keep

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop, on SIGTERM."""
        if self.alive:
            self.end_within(self.cfg.graceful_timeout - 0.5)
        super().handle_exit(sig, frame)

    def end_within(self, seconds: float) -> None:
        """Leave then, whatever still runs: Python itself would wait for the threads."""
        timer = threading.Timer(seconds, self._leave)
        timer.daemon = True
        timer.start()

    def _leave(self) -> None:
        self.log.warning("Cut off the transfers that had not finished: %d", self.nr_conns)
        os._exit(0)


def _leave_signals_to_the_parent() -> None:
    """Ignore what a terminal sends to every process: the parent tells this one with SIGTERM."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

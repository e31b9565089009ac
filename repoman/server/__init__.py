"""The embedded HTTPS server: gunicorn with threads, as its settings and hooks let it be set up.

It gives the application the environ that Apache's mod_ssl would give it. The ini file names it as
``[server:main] use = egg:repoman#https``; `ServerSettings` tells the keys.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from repoman.server.process import Server
from repoman.server.settings import ServerSettings, read_server_settings
from repoman.server.sockets import listen
from repoman.server.tls import tls_context
from repoman.settings import InvalidSetting

__all__ = ["ServerSettings", "paste_server_runner", "read_server_settings", "serve"]


def paste_server_runner(
    wsgi_app: WSGIApplication, global_conf: Mapping[str, str] | None, **settings: str
) -> None:
    """Serve as an ini file says (``paste.server_runner``), then end the process.

    A setting that cannot be used is a sentence on stderr and exit status 1.
    """
    try:
        serve(wsgi_app, read_server_settings(settings))
    except InvalidSetting as error:
        print(f"[server:main] {error}", file=sys.stderr, flush=True)
        os._exit(1)  # pserve makes success of SystemExit


def serve(
    app: WSGIApplication, settings: ServerSettings, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP, then end the process.

    ``ready`` is called once connections are taken. The application runs in forked processes: it
    must not hold a database connection or a thread yet. Raises `InvalidSetting` for an address
    that is taken or unknown, or a file that cannot be used.
    """
    tls_context(settings)
    Server(with_client_certificate(app), settings, listen(settings), ready).run()


def with_client_certificate(app: WSGIApplication) -> WSGIApplication:
    """Tell the application who the client is, in the variables of Apache's mod_ssl."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Headers arrive as HTTP_*, so none of these can be here; nothing but TLS may say who calls.
        for key in [key for key in environ if key.startswith("SSL_")]:
            del environ[key]
        connection: Any = environ["gunicorn.socket"]
        environ.update(connection.client_environ())
        environ["repoman.limit_body"] = connection.limit_body
        return app(environ, start_response)

    return wrapped

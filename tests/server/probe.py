"""A WSGI application that shows what the server does, and the program that serves it.

``python -m tests.server.probe key=value ...`` takes the keys of ``[server:main]``, and ``limit.X``
for the limit ``X`` of `repoman.server.tls`; it prints ``ready`` once it serves.
"""

import json
import os
import sys

from repoman.server import read_server_settings, serve, tls
from repoman.settings import InvalidSetting

last_read = "nothing"


def application(environ, start_response):
    """``/environ /pid /hello /last`` answer; ``/read`` reads the body, ``/refuse`` does not.

    ``/download?N`` sends N times 64 KiB; ``/last`` is what ``/read`` saw in the end.
    """
    status, body = "200 OK", b"hello"
    match environ["PATH_INFO"]:
        case "/environ":
            body = json.dumps({k: v for k, v in environ.items() if isinstance(v, str)}).encode()
        case "/pid":
            body = str(os.getpid()).encode()
        case "/last":
            body = last_read.encode()
        case "/read":
            body = read(environ["wsgi.input"]).encode()
        case "/refuse":
            status, body = "403 Forbidden", b"refused"
        case "/download":
            blocks = int(environ["QUERY_STRING"])
            start_response("200 OK", [("Content-Length", str(blocks * 65536))])
            return (bytes(65536) for _ in range(blocks))
    start_response(status, [("Content-Length", str(len(body))), ("Content-Type", "text/plain")])
    return [body]


def read(body):
    """Read to the end and say how it was: the number of bytes, or the error's name after it."""
    global last_read  # noqa: PLW0603  # asked for by the next request
    size = 0
    try:
        while data := body.read(65536):
            size += len(data)
        last_read = str(size)
    except OSError as error:
        last_read = f"{size} {type(error).__name__}"
    return last_read


def factory(global_conf, **settings):
    """Make the application for an ini file."""
    return application


def main(arguments):
    settings = dict(argument.split("=", 1) for argument in arguments)
    for key in [key for key in settings if key.startswith("limit.")]:
        setattr(tls, key.removeprefix("limit."), float(settings.pop(key)))
    try:
        serve(application, read_server_settings(settings), lambda: print("ready", flush=True))
    except InvalidSetting as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])

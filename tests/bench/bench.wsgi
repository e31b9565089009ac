"""What Repoman is compared with: in the same Apache, the same work and no more."""

import hashlib
import os
import tempfile

from pyramid.config import Configurator
from pyramid.response import Response

CHUNK = 256 * 1024
FOLDER = os.path.dirname(os.path.abspath(__file__))


def chunks(environ):
    """Yield the body."""
    left = int(environ["CONTENT_LENGTH"])
    while left:
        chunk = environ["wsgi.input"].read(min(CHUNK, left))
        left -= len(chunk)
        yield chunk


def read(environ):
    """Read the body and no more."""
    for _ in chunks(environ):
        pass
    return "read"


def keep(environ):
    """Read, hash and write in one thread, and sync, as whoever says 201 must."""
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=f"{FOLDER}/kept", buffering=0) as file:
        for chunk in chunks(environ):
            digest.update(chunk)
            file.write(chunk)
        os.fsync(file.fileno())
    return digest.hexdigest()


def empty(request):
    """Answer nothing, as a Pyramid view."""
    return Response(b"{}", content_type="application/json")


def make_pyramid():
    """Make an application of that one view."""
    config = Configurator()
    config.add_route("empty", "/empty")
    config.add_view(empty, route_name="empty")
    return config.make_wsgi_app()


pyramid = make_pyramid()


def application(environ, start_response):
    """Do what the path says."""
    work = {"/read": read, "/keep": keep}.get(environ["PATH_INFO"])
    if work is None:
        return pyramid(environ, start_response)
    body = work(environ).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

"""What browsers are told about every page, errors included: what it may load, and who may hold it.

No script, style or image but those of the package, nothing inline (CSP level 3), no frame around it
and no other site's window beside it. ``same-origin`` and not ``no-referrer``: that would make the
Origin of our own forms ``null``.
"""

from pyramid.config import Configurator
from pyramid.events import NewResponse

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def add_headers(event: NewResponse) -> None:
    """Set them on pages, and on nothing else."""
    if event.response.content_type == "text/html":
        event.response.headers.update(HEADERS)


def includeme(config: Configurator) -> None:
    """Subscribe."""
    config.add_subscriber(add_headers, NewResponse)

"""The pages for browsers, over the services and the table of rights that the API has.

A page shows what the API shows, at the same path without ``/api``: ``/images/ann/debian12`` is
``/api/images/ann/debian12``. A form is a request to the API (`repoman.pages.forms`). So there are
no rules here. Pages work without JavaScript, but for uploads that can be gone on with.
"""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Add what the pages need and their views; their URLs are in `repoman.routing`."""
    config.include("repoman.pages.headers")
    config.include("repoman.pages.layout")
    config.include("repoman.pages.static")
    config.include("repoman.pages.tokens")
    config.scan("repoman.pages")

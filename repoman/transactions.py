"""One transaction a request, and the one helper that ends it early.

pyramid_tm commits when a view returns and aborts when it raises. A transfer must not hold a
connection meanwhile, so `end` commits before it, and a new transaction begins at the next query.
"""

from pyramid.config import Configurator
from pyramid.request import Request
from sqlalchemy.orm import Session
from zope.sqlalchemy import register

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def changes(request: Request) -> bool:
    """Say whether the request is to change something (RFC 9110 section 9.2.1)."""
    return request.method not in SAFE


def session(request: Request) -> Session:
    """Make the request's session, joined to its transaction."""
    sessions = request.registry.sessions
    made: Session = sessions.changing() if request.changes else sessions.reading()
    register(made, transaction_manager=request.tm)
    return made


def end(request: Request) -> None:
    """Commit what was done so far and give the connection back."""
    request.tm.commit()
    request.tm.begin()


def includeme(config: Configurator) -> None:
    """Add ``request.db``, ``request.changes`` and pyramid_tm."""
    config.add_settings(
        {"tm.manager_hook": "pyramid_tm.explicit_manager", "tm.annotate_user": False}
    )
    config.include("pyramid_tm")
    config.add_request_method(changes, "changes", reify=True)
    config.add_request_method(session, "db", reify=True)

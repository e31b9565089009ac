"""Repoman: a virtual machine image repository for people who hold x509 certificates."""

from typing import Any

from pyramid.config import Configurator
from pyramid.renderers import JSON
from pyramid.request import Request
from pyramid.router import Router

from repoman.access import AccessLog
from repoman.certificates.middleware import CertificateMiddleware
from repoman.database import check_is_current, check_names
from repoman.json_text import to_json
from repoman.metrics import make_metrics
from repoman.models import Sessions, make_engine
from repoman.presenters import Presenter
from repoman.services.health import Health
from repoman.services.usage import Usage
from repoman.settings import Settings, read_settings
from repoman.storage.filesystem import FilesystemStore
from repoman.urls import Urls


def main(global_config: dict[str, str], **ini: str) -> AccessLog:
    """Make the WSGI application of an ini section ``[app:main]`` (``paste.app_factory``).

    Raises `repoman.settings.InvalidSetting`, which names the key.
    """
    settings = read_settings(ini)
    return equip(make_router(ini), settings)


def make_router(ini: dict[str, str]) -> Router:
    """Make Pyramid's application: the URLs and their views, without a server's own parts.

    Of ``ini`` it knows what is Pyramid's; Repoman's own settings come with `equip`.
    """
    config = Configurator(settings=dict(ini))
    config.add_renderer("json", JSON(serializer=to_json))
    for part in (
        "repoman.transactions",
        "repoman.policy",
        "repoman.routing",
        "repoman.gate",
        "repoman.tus.gate",
        "repoman.validation",
        "repoman.auditing",
        "repoman.entity_tags",
        "repoman.error_pages",
        "repoman.pages",
        "repoman.error_views",
        "repoman.controllers.files",
    ):
        config.include(part)
    config.scan("repoman.controllers")
    add_request_methods(config)
    return config.make_wsgi_app()


def equip(router: Router, settings: Settings) -> AccessLog:
    """Give Pyramid's application its settings, database and store, and wrap it.

    Whatever differs between two servers is set here: the tests equip one router again and again.
    """
    sessions = open_database(settings)
    store = FilesystemStore(settings.store)
    store.prepare()

    registry = router.registry
    registry.repoman_settings = settings
    registry.sessions = sessions
    registry.store = store
    registry.health = Health(sessions, store, settings.database_timeout + 1)
    registry.usage = Usage(sessions, store)
    registry.metrics = metrics = make_metrics(settings.metrics)
    metrics.watch(sessions.engine)
    return AccessLog(CertificateMiddleware(router, sessions, settings), metrics)


def open_database(settings: Settings) -> Sessions:
    """See that the database fits this version and these settings; nothing stays connected."""
    sessions = Sessions(make_engine(settings))
    try:
        check_is_current(sessions.engine)
        with sessions.reading() as session:
            check_names(session, settings)
    finally:
        # Servers fork after this, and a connection must not be used in two processes.
        sessions.engine.dispose()
    return sessions


def add_request_methods(config: Configurator) -> None:
    """Give requests what every view needs, made on first use."""

    def settings(request: Request) -> Settings:
        return request.registry.repoman_settings

    def urls(request: Request) -> Urls:
        base = request.settings.base_url
        return Urls(base if base is not None else request.application_url)

    def present(request: Request) -> Presenter:
        return Presenter(request.db, request.identity, request.urls, request.settings)

    methods: dict[str, Any] = {
        "settings": settings,
        "urls": urls,
        "present": present,
        "store": lambda request: request.registry.store,
        "refusal": lambda request: request.environ["repoman.refusal"],
    }
    for name, method in methods.items():
        config.add_request_method(method, name, reify=True)

"""What the store holds and what takes its room, for administrators."""

from pyramid.view import view_config, view_defaults

from repoman.controllers.base import Controller
from repoman.presenters import Json
from repoman.security import Action
from repoman.services import storage_report
from repoman.storage_presenter import StoragePresenter


@view_defaults(route_name="storage", renderer="json")
class Storage(Controller):
    """``/api/storage``."""

    @view_config(request_method="GET", permission=Action.READ_STORAGE)
    def get(self) -> Json:
        """Show it."""
        request = self.request
        report = storage_report.make(
            self.db, request.store, request.registry.usage, request.settings
        )
        return StoragePresenter(request.present).report(report)

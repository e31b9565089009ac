"""``/storage``, for administrators: how full the store is, of what, and whether it is sound."""

from typing import Any

from pyramid.view import view_config

from repoman import times
from repoman.controllers.storage import Storage
from repoman.pages.plots import plot, shares
from repoman.security import Action


class StoragePage(Storage):
    """The page; its figures are the API's."""

    conditional = False

    @view_config(
        route_name="page.storage",
        request_method="GET",
        permission=Action.READ_STORAGE,
        renderer="repoman:templates/storage.mako",
    )
    def show(self) -> dict[str, Any]:
        """Show it, with its plots."""
        shown = self.get()
        history = shown["history"]
        taken = [times.read(sample["taken"]) for sample in history]
        return {
            "storage": shown,
            "plots": {
                "Stored files": plot(taken, [sample["files"] for sample in history]),
                "Free": plot(taken, [sample["free"] for sample in history]),
            },
            "by_user": _with_bars(shown["by_user"], "usage"),
            "by_group": _with_bars(shown["by_group"], "usage"),
            "by_format": _with_bars(shown["by_format"], "size"),
        }


def _with_bars(rows: list[dict[str, Any]], figure: str) -> list[tuple[dict[str, Any], float]]:
    return list(zip(rows, shares([row[figure] for row in rows]), strict=True))

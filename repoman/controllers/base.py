"""What every controller has."""

from typing import Any

from pyramid.request import Request

from repoman.presenters import Json


class Controller:
    """Holds the context and the request, as Pyramid's class-based views do."""

    def __init__(self, context: Any, request: Request) -> None:
        self.context, self.request = context, request
        self.db, self.urls = request.db, request.urls

    conditional = True
    """Whether `shown` is what the entity tags of this URL speak of."""

    shows_object = True
    """Whether `shown` is an object, which a client may edit and send back, and no list."""

    def shown(self) -> Any:
        """Return what a GET of this URL gives this caller now, or of the object above it."""
        return self.get()  # type: ignore[attr-defined]

    def created(self, made: Any, shown: Json, location: str) -> Json:
        """Answer 201 with the new object, which is what the request was about."""
        self.context.thing = made
        self.request.response.status_int = 201
        self.request.response.location = location
        return shown


def deleted(url: str) -> Json:
    """Answer a DELETE: the first Repoman's clients know no other success than 200."""
    return {"deleted": url}

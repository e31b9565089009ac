"""The query parameters of requests, as `repoman.schemas` has the fields of bodies."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from repoman import names
from repoman.schemas import Fields

DELETE, GIVE = "delete", "give:"
"""What becomes of images: they are deleted, or given to the user whose name follows."""


def _images_fate(value: Any) -> str:
    fate = str(value)
    if fate == DELETE:
        return fate
    receiver = names.fold_account(fate.removeprefix(GIVE))
    if receiver is None or not fate.startswith(GIVE):
        raise ValueError("it must be delete, or give: and the name of a user")
    return f"{GIVE}{receiver}"


ImagesFate = Annotated[str, BeforeValidator(_images_fate)]


class UserDeletion(Fields):
    """DELETE /api/users/{user}: what becomes of the user's images."""

    images: ImagesFate | None = None

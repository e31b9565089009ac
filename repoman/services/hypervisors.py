"""The hypervisors of an image: an ordered list, each with a file or still without."""

from collections.abc import Sequence

from repoman.errors import InvalidParameter
from repoman.identity import Identity
from repoman.models import Image, ImageHypervisor
from repoman.names import fold_hypervisor
from repoman.security import Action, require
from repoman.settings import Settings


def known(wanted: Sequence[str] | None, settings: Settings) -> list[str]:
    """Fold a list of names that all are configured, each once. Raises `InvalidParameter`."""
    folded = [fold_hypervisor(name) for name in wanted or ()]
    if not folded or len(set(folded)) != len(folded):
        raise InvalidParameter("An image needs a hypervisor, each once.", field="hypervisor")
    for name in folded:
        if name not in settings.hypervisors:
            raise InvalidParameter(
                f"There is no hypervisor {name[:100]!r} here; "
                f"there are {', '.join(settings.hypervisors)}.",
                field="hypervisor",
            )
    return folded


def require_change(caller: Identity, image: Image, wanted: Sequence[str]) -> None:
    """Ask for the rights that the new list takes: to take one off deletes its file.

    Raises what `require` does.
    """
    listed, folded = image.hypervisor_names, [fold_hypervisor(name) for name in wanted]
    if not set(listed) <= set(folded):
        require(caller, Action.DELETE_IMAGE, image)
    if folded != [name for name in listed if name in folded]:
        require(caller, Action.EDIT_IMAGE, image)


def assign(image: Image, wanted: Sequence[str]) -> None:
    """Set the list in this order."""
    rows = {row.hypervisor: row for row in image.hypervisors}
    image.hypervisors = [rows.get(name) or ImageHypervisor(hypervisor=name) for name in wanted]
    for position, row in enumerate(image.hypervisors):
        row.position = position

"""The query parameters of requests, as `repoman.schemas` has the fields of bodies.

A parameter that may not be empty has the type of its value alone, with '' or 0 where it is absent.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from repoman import names
from repoman.field_types import AccountName, Boolean, DiskFormat, ImageName, Line, Version
from repoman.schemas import Fields
from repoman.services.image_lists import SORTS
from repoman.services.pages import MOST
from repoman.services.states import STATES

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


def _limit(value: Any) -> int:
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) or not 1 <= int(text) <= MOST:
        raise ValueError(f"it must be a number from 1 to {MOST}")
    return int(text)


def _hypervisor(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", name, re.ASCII):
        raise ValueError("it must be one hypervisor's name, such as kvm")
    return name.lower()


def _state(name: str) -> str:
    if name not in STATES:
        raise ValueError(f"it must be one of {', '.join(STATES)}")
    return name


def _sort(name: str) -> str:
    if name.removeprefix("-") not in SORTS:
        raise ValueError(f"it must be one of {', '.join(SORTS)}, with - before it to descend")
    return name


ImagesFate = Annotated[str, BeforeValidator(_images_fate)]
Limit = Annotated[int, BeforeValidator(_limit)]
Cursor = Annotated[str, Field(max_length=1000)]
HypervisorName = Annotated[str, AfterValidator(_hypervisor)]
State = Annotated[str, AfterValidator(_state)]
Sort = Annotated[str, AfterValidator(_sort)]
Part = Annotated[Line, Field(min_length=1, max_length=100)]
Search = Annotated[Line, Field(min_length=2, max_length=100)]


class ListQuery(Fields):
    """What every list of objects takes. ``after`` is `repoman.services.pages`'s cursor."""

    limit: Limit = 0
    expand: Boolean = False
    after: Cursor = ""


class NamedQuery(ListQuery):
    """What the lists of all users and of all groups take.

    One character is enough for ``q``: people's names are completed as they are typed.
    """

    q: Part = ""


class ImageQuery(ListQuery):
    """What lists of images take. An empty ``group``, ``format`` or ``os_…``: images without one."""

    name: ImageName = ""
    os_type: Line | None = None
    os_variant: Line | None = None
    os_arch: Line | None = None
    hypervisor: HypervisorName = ""
    owner: AccountName = ""
    group: AccountName | None = None
    state: State = ""
    format: DiskFormat | None = None
    q: Search = ""
    sort: Sort = "name"

    def filters(self) -> dict[str, Any]:
        """Return those given that choose among images, by name."""
        other = {*ListQuery.model_fields, "sort"}
        return {name: value for name, value in self.given().items() if name not in other}


class ImageDeletion(Fields):
    """DELETE an image: move it to the trash, or out of it for good."""

    purge: Boolean = False


class FileQuery(Fields):
    """GET a file: an earlier version of it, 0 for the current one."""

    version: Version = 0


class FileDeletion(FileQuery):
    """DELETE a file: move a version, or the current one, to the trash or out of it for good."""

    purge: Boolean = False


class UserDeletion(Fields):
    """DELETE /api/users/{user}: what becomes of the user's images."""

    images: ImagesFate | None = None


class StaticQuery(Fields):
    """GET a file of the pages: ``v`` is its digest, so that another content has another URL."""

    v: Annotated[Line, Field(max_length=64)] = ""

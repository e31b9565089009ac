"""The fields of every request body, as models of pydantic. A test compares them with openapi.yaml.

An empty value or null clears an optional field.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from repoman.errors import InvalidParameter, MissingParameter, RepomanError, UnknownParameter
from repoman.field_types import (
    AccountName,
    Boolean,
    DiskFormat,
    GroupAccess,
    ImageName,
    Line,
    Names,
    OnePermission,
    Permissions,
    Prose,
    Size,
    Text,
    Time,
    Version,
)


class Fields(BaseModel):
    """The fields of one kind of request. Unknown ones are errors, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _clear_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: None if value == "" else value for name, value in values.items()}

    def given(self) -> dict[str, Any]:
        """Return the fields that the client sent, cleared ones as None."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NoFields(Fields):
    """A request that takes none."""


class UserFields(Fields):
    """What can be set of a user. ``cert_dn`` may be called ``client_dn``."""

    full_name: Line | None = None
    email: Line | None = None
    suspended: Boolean | None = None
    quota: Size | None = None
    cert_dn: Text | None = None
    client_dn: Text | None = None
    issuer_dn: Text | None = None
    certificate: Text | None = None


class NewUser(UserFields):
    """POST /api/users."""

    user_name: AccountName
    groups: Names | None = None


class UserChanges(UserFields):
    """POST or PATCH /api/users/{user}."""

    user_name: AccountName | None = None


class NewCertificate(Fields):
    """POST /api/users/{user}/certificates."""

    cert_dn: Text | None = None
    client_dn: Text | None = None
    issuer_dn: Text | None = None
    certificate: Text | None = None


class NewGroup(Fields):
    """POST /api/groups."""

    name: AccountName
    description: Prose | None = None
    users: Names | None = None
    permissions: Permissions | None = None
    quota: Size | None = None


class GroupChanges(Fields):
    """POST or PATCH /api/groups/{group}. The two lists are replaced."""

    name: AccountName | None = None
    description: Prose | None = None
    users: Names | None = None
    permissions: Permissions | None = None
    quota: Size | None = None


class NewMember(Fields):
    """POST /api/groups/{group}/users or …/admins, with the name in the body."""

    name: AccountName


class NewPermission(Fields):
    """POST /api/groups/{group}/permissions, with the name in the body."""

    name: OnePermission


class ImageFields(Fields):
    """What can be set of an image."""

    description: Prose | None = None
    os_type: Line | None = None
    os_variant: Line | None = None
    os_arch: Line | None = None
    format: DiskFormat | None = None
    hypervisor: Names | None = None
    group: AccountName | None = None
    group_access: GroupAccess | None = None
    read_only: Boolean | None = None
    unauthenticated_access: Boolean | None = None
    expires: Time | None = None
    owner: AccountName | None = None


class NewImage(ImageFields):
    """POST /api/images."""

    name: ImageName
    user_name: AccountName | None = None
    copy_of: Text | None = None


class ImageChanges(ImageFields):
    """POST or PATCH an image; ``version`` is one whose file is put back, 0 where absent."""

    name: ImageName | None = None
    version: Version = 0


class Restoration(Fields):
    """POST …/restore; the image's name unless another is given."""

    name: ImageName | None = None


Model = TypeVar("Model", bound=Fields)


def validate(model: type[Model], fields: Mapping[str, Any], kind: str = "field") -> Model:
    """Make typed values of ``fields``, or raise the error that names the first wrong one.

    ``kind`` is what the error's sentence calls them.
    Raises `UnknownParameter`, `MissingParameter`, `InvalidParameter`.
    """
    for name in fields:
        if name not in model.model_fields:
            # Found here and not by pydantic, which would collect every one of 70,000.
            known = ", ".join(sorted(model.model_fields)) or "none"
            raise UnknownParameter(
                f"There is no {kind} {name[:100]!r} here; known: {known}.", field=name[:100]
            )
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        raise _explain(error.errors(include_url=False)[0], kind) from None


def _explain(error: ErrorDetails, kind: str) -> RepomanError:
    field = str(error["loc"][0])[:100] if error["loc"] else ""
    if error["type"] == "missing" or error.get("input", ...) is None:
        return MissingParameter(f"The {kind} {field!r} is missing.", field=field)
    reason = error["msg"].removeprefix("Value error, ")
    return InvalidParameter(f"The {kind} {field!r} cannot be used: {reason}.", field=field)

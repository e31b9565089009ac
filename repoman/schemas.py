"""The fields of every request body and query: form or JSON in, typed values out.

A form knows only text, so each type reads text as well as JSON's own. An empty value or null
clears an optional field.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from repoman import names, times
from repoman.errors import InvalidParameter, MissingParameter, RepomanError, UnknownParameter
from repoman.identity import Permission
from repoman.inspection import FORMAT_NAMES
from repoman.settings import MOST_BYTES, parse_boolean, parse_size

LONGEST = 4096
"""Characters of the longest text, a description."""
MOST_NAMES = 1000
"""Of a list."""

# Bidirectional controls (Unicode TR9) can make a text read as another.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _check_characters(text: str, allowed: str) -> str:
    if len(text) > LONGEST:
        return text  # refused for its length, before each of a million characters is looked at
    for char in text:
        if char in allowed:
            continue
        if unicodedata.category(char) in {"Cc", "Cs"} or char in _BIDI:
            raise ValueError(f"it must not contain the character U+{ord(char):04X}")
    return text


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it must be a text")  # noqa: TRY004 - pydantic wants ValueError
    return value


def _line(value: Any) -> str:
    return _check_characters(_string(value), "")


def _prose(value: Any) -> str:
    return _check_characters(_string(value).replace("\r\n", "\n"), "\n")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ValueError("it must be true or false")  # noqa: TRY004 - pydantic wants ValueError
    return parse_boolean(value)


def _size(value: Any) -> int:
    if isinstance(value, str):
        return parse_size(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_BYTES:
        raise ValueError("it must be a number of bytes, 0 or more")
    return value


def _time(value: Any) -> datetime:
    return times.read(_string(value))


def _account_name(value: Any) -> str:
    folded = names.fold_account(_string(value))
    if folded is None:
        raise ValueError("a name is 1 to 100 of a-z 0-9 _ . - and begins with a letter or digit")
    return folded


def _image_name(value: Any) -> str:
    name = _string(value)
    if not names.is_image_name(name):
        raise ValueError(
            "a name is 1 to 256 of A-Z a-z 0-9 _ . - and begins with a letter or digit"
        )
    if name in names.RESERVED_IMAGES:
        raise ValueError(f"{name!r} is reserved for URLs")
    if names.fold_uuid(name) == name.lower():
        raise ValueError("a name must not be a UUID")
    return name


def _version(value: Any) -> int:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not re.fullmatch(r"0*[1-9][0-9]{0,8}", text, re.ASCII):
        raise ValueError("it must be the number of a version, such as 3")
    return int(text)


def _list(value: Any) -> list[str]:
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list):
        raise ValueError("it must be a list, or names separated by commas")  # noqa: TRY004
    if len(found) > MOST_NAMES:
        raise ValueError(f"it may have {MOST_NAMES} entries at most")
    items = [_string(item).strip() for item in found]
    if len(set(items)) != len(items):
        raise ValueError("it names something twice")
    return items


def _permissions(value: Any) -> list[Permission]:
    known = {str(permission): permission for permission in Permission}
    for item in (items := _list(value)):
        if item not in known:
            raise ValueError(f"{item[:100]!r} is not a permission; they are {', '.join(known)}")
    return [known[item] for item in items]


def _permission(value: Any) -> Permission:
    return _permissions([value])[0]


def _disk_format(value: Any) -> str:
    if (name := _string(value)) not in FORMAT_NAMES:
        raise ValueError(f"it must be one of {', '.join(FORMAT_NAMES)}")
    return name


Line = Annotated[str, BeforeValidator(_line), Field(max_length=255)]
Prose = Annotated[str, BeforeValidator(_prose), Field(max_length=LONGEST)]
Text = Annotated[str, BeforeValidator(_string), Field(max_length=64 * 1024)]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
Size = Annotated[int, BeforeValidator(_size)]
Time = Annotated[datetime, BeforeValidator(_time)]
AccountName = Annotated[str, BeforeValidator(_account_name)]
ImageName = Annotated[str, BeforeValidator(_image_name)]
Version = Annotated[int, BeforeValidator(_version)]
Names = Annotated[list[str], BeforeValidator(_list), Field(max_length=MOST_NAMES)]
Permissions = Annotated[list[Permission], BeforeValidator(_permissions)]
OnePermission = Annotated[Permission, BeforeValidator(_permission)]
DiskFormat = Annotated[str, BeforeValidator(_disk_format)]
GroupAccess = Literal["none", "read", "write"]


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

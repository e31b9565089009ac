"""The types of fields and query parameters: text, or JSON's own, in; typed values out.

A form knows only text, so each type reads text as well as JSON's own.
"""

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from repoman import names, times
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
    name = _string(value)
    if name not in FORMAT_NAMES:
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

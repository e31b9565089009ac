"""What users, groups and images may be called (REST.markdown, "Names").

Names are ASCII and are matched whole before any folding, so that no two spellings that a person
takes for the same are two names by Unicode's rules.
"""

import re
import uuid

RESERVED_USERS = frozenset({"raw", "uuid", "share"})
RESERVED_IMAGES = frozenset({"raw", "restore"})

_account = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
_image = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,255}", re.ASCII)
_uuid = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


def fold_account(text: str) -> str | None:
    """Return a user's or group's name in lower case, or None where it is no such name."""
    return text.lower() if _account.fullmatch(text) else None


def fold_hypervisor(text: str) -> str:
    """Return a hypervisor's name in lower case; one that is not ASCII is left as it is, and none.

    By Unicode's rules the Kelvin sign would become a k.
    """
    return text.lower() if text.isascii() else text


def is_image_name(text: str) -> bool:
    """Say whether ``text`` can name an image, reserved names and UUIDs aside."""
    return bool(_image.fullmatch(text))


def fold_uuid(text: str) -> str | None:
    """Return a UUID of 32 or of 8-4-4-4-12 hex digits as 32 in lower case, or None."""
    return text.replace("-", "").lower() if _uuid.fullmatch(text) else None


def new_uuid() -> str:
    """Make a random UUID (RFC 9562, version 4) as 32 lower-case hex digits."""
    return uuid.uuid4().hex

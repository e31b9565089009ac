"""The text that describes a VMDK: lines of names and values, and the extents its data lie in."""

import re

_comment_or_name = re.compile(
    r"(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*(?:version|cid|createtype|encoding)[ \t]*=", re.IGNORECASE
)
_extent = re.compile(r"^[ \t]*(?:rw|rdonly|noaccess)[ \t]+([0-9]{1,20})[ \t]+(\w+)(.*)", re.M)
_type = re.compile(r"createtype[ \t]*=[ \t]*\"([^\"\n]*)\"")
_parent_id = re.compile(r"parentcid[ \t]*=[ \t]*([^\s]*)")

NO_PARENT = "ffffffff"
EMBEDDED = {"monolithicsparse", "streamoptimized"}


def read(data: bytes) -> str:
    """Return a descriptor as text in lower case, for names and values are told so."""
    return data.partition(b"\0")[0].decode("latin-1").lower()


def is_descriptor(head: bytes) -> bool:
    """A file begins like a descriptor, as QEMU and VMware tell it."""
    start = head.lstrip()[:32].lower()
    return start.startswith(b"# disk descriptorfile") or bool(
        _comment_or_name.match(head.decode("latin-1"))
    )


def has_parent(text: str) -> bool:
    """The disk is a difference to another one."""
    ids = _parent_id.findall(text)
    return "parentfilenamehint" in text or any(one != NO_PARENT for one in ids)


def extents(text: str) -> list[tuple[int, str, str]]:
    """Return the sectors, the kind and the quoted name of each extent."""
    return [(int(sectors), kind, name) for sectors, kind, name in _extent.findall(text)]


def is_embedded(text: str) -> bool:
    """The one extent is the file that the descriptor is in."""
    types, found = set(_type.findall(text)), extents(text)
    if not types or not types <= EMBEDDED or len(found) != 1:
        return False
    _, kind, name = found[0]
    return kind == "sparse" and not re.search(r"[/\\]", name)

"""A database of many images, made by bulk inserts: a site after some years."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import Connection, Table, insert, select, text

from repoman.certificates.names import from_x509
from repoman.models import (
    Blob,
    Certificate,
    Group,
    Image,
    ImageFile,
    ImageHypervisor,
    ImageShare,
    Membership,
    Sessions,
    User,
    now,
)
from tests.pki import CertificateAuthority, Holder

OWN, BY_USER, BY_GROUP, BY_ACCESS = 20, 10, 15, 15
SEEN = OWN + BY_USER + BY_GROUP + BY_ACCESS
"""How many images ``member`` sees: own ones, and by each of three ways."""

Rows = Iterable[dict[str, Any]]


def fill(sessions: Sessions, images: int, authority: CertificateAuthority) -> dict[str, Holder]:
    """Insert ``images`` images of many owners; return the certificates of three people.

    ``member`` sees `SEEN` of them, ``reader`` half of them by a group's access, ``admin`` all.
    """
    random = Random(images)
    with sessions.changing.begin() as session:
        connection = session.connection()
        holders = _people(connection, authority, owners=max(images // 200, 1))
        ids = {row.name: row.id for row in connection.execute(select(User.name, User.id))}
        owners = [key for name, key in ids.items() if name.startswith("owner")]
        groups = {row.name: row.id for row in connection.execute(select(Group.name, Group.id))}
        _insert(connection, Blob, _blobs(images))
        _insert(connection, Image, _images(random, images, owners, ids["member"], groups))
        keys = range(1, images + 1)
        _insert(connection, ImageHypervisor, (_of(key, position=0) for key in keys))
        _insert(connection, ImageFile, (_of(key, version=1, blob_id=key) for key in keys))
        _insert(connection, ImageShare, _shares(random, images, owners, ids["member"], groups))
        if connection.dialect.name == "postgresql":
            # As autovacuum would within a minute; its plans depend on it.
            connection.execute(text("ANALYZE"))
    return holders


def _people(
    connection: Connection, authority: CertificateAuthority, owners: int
) -> dict[str, Holder]:
    named = ["member", "reader", "admin"]
    names = [*named, *(f"owner{number}" for number in range(owners))]
    _insert(connection, User, ({"name": name} for name in names))
    groups = ["sharers", "readers", "half", *(f"group{number}" for number in range(50))]
    _insert(connection, Group, ({"name": name} for name in groups))
    ids = {row.name: row.id for row in connection.execute(select(User.name, User.id))}
    group = {row.name: row.id for row in connection.execute(select(Group.name, Group.id))}
    places = [(name, "users") for name in names]
    places += [("member", "sharers"), ("member", "readers"), ("reader", "half")]
    places += [("admin", "admins")]
    places += [(f"owner{number}", f"group{number % 50}") for number in range(owners)]
    _insert(
        connection,
        Membership,
        ({"user_id": ids[name], "group_id": group[one]} for name, one in places),
    )
    holders = {name: authority.issue([("O", "Grid"), ("CN", name.title())]) for name in named}
    for name, holder in holders.items():
        dn = from_x509(holder.certificate.subject)
        row = {"user_id": ids[name], "dn": dn.canonical, "shown_dn": dn.slash, "issuer": ""}
        _insert(connection, Certificate, [row])
    return holders


def _blobs(images: int) -> Iterator[dict[str, Any]]:
    for key in range(1, images + 1):
        yield {"id": key, "uuid": f"{key:032x}", "size": _size(key), "sha256": f"{key:064x}"}


def _size(key: int) -> int:
    return key * 7919 % 1000 << 20


def _of(key: int, **columns: Any) -> dict[str, Any]:
    return {"image_id": key, "hypervisor": "kvm", **columns}


def _images(
    random: Random, images: int, owners: list[int], member: int, groups: dict[str, int]
) -> Iterator[dict[str, Any]]:
    """Spread what ``member`` sees evenly over the ids, and so over all orders."""
    step = images // SEEN
    begin = now() - timedelta(days=1000)
    for key in range(1, images + 1):
        place = key // step if key % step == 0 and key // step <= SEEN else None
        access, group = "none", groups["users"]
        if place is not None and place > OWN + BY_USER + BY_GROUP:
            access, group = "read", groups["readers"]
        elif place is None and key % 2:
            access, group = "read", groups["half"]
        yield {
            "id": key,
            "uuid": f"{key:032x}",
            "name": f"image-{random.getrandbits(40):010x}-{key}",
            "owner_id": member if place is not None and place <= OWN else random.choice(owners),
            "group_id": group,
            "group_access": access,
            "description": f"The image number {key}, as it was built",
            "os_type": "linux",
            "size": _size(key),
            "modified": begin + timedelta(seconds=random.randrange(80_000_000)),
        }


def _shares(
    random: Random, images: int, owners: list[int], member: int, groups: dict[str, int]
) -> Iterator[dict[str, Any]]:
    step = images // SEEN
    for place in range(OWN + 1, OWN + BY_USER + 1):
        yield {"image_id": place * step, "user_id": member, "group_id": None}
    for place in range(OWN + BY_USER + 1, OWN + BY_USER + BY_GROUP + 1):
        yield {"image_id": place * step, "user_id": None, "group_id": groups["sharers"]}
    for key in range(1, images + 1):
        if key % step:
            yield {"image_id": key, "user_id": random.choice(owners), "group_id": None}


def _insert(connection: Connection, model: Any, rows: Rows) -> None:
    table: Table = model.__table__
    waiting = iter(rows)
    while chunk := list(islice(waiting, 5000)):
        connection.execute(insert(table), chunk)

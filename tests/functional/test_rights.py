"""Who may do what to an image: REST.markdown's table, role by role.

The expected statuses are typed by hand from the table, never computed from the code's own.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from repoman.identity import Permission
from repoman.models import (
    Blob,
    Group,
    Image,
    ImageFile,
    ImageHypervisor,
    ImageShare,
    User,
    now,
)
from repoman.names import new_uuid
from tests import standing
from tests.factories import API, People

LATER = "2099-01-01T00:00:00Z"


def change(**fields):
    return lambda client, uuid: client.patch_json(f"/api/images/{uuid}", fields, status="*")


def share(method, whom):
    return lambda client, uuid: client.request(
        f"/api/images/{uuid}/share/{whom}", method=method, status="*"
    )


def file(method, hypervisor, body=b""):
    return lambda client, uuid: client.request(
        f"/api/images/raw/{hypervisor}/{uuid}", method=method, body=body, status="*"
    )


def version(method):
    return lambda client, uuid: client.request(
        f"/api/images/raw/kvm/{uuid}?version=1", method=method, status="*"
    )


def purge(client, uuid):
    return client.delete(f"/api/images/{uuid}?purge=true", status="*")


# What is tried on an image of alice's that has files for kvm and xen, and an earlier one for kvm.
ACTIONS = {
    "see": lambda client, uuid: client.get(f"/api/images/{uuid}", status="*"),
    "get": lambda client, uuid: client.get(f"/api/images/raw/{uuid}", status="*"),
    "cpy": lambda client, uuid: client.post_json(
        "/api/images", {"name": f"copy-of-{uuid}", "copy_of": uuid}, status="*"
    ),
    "dsc": change(description="changed"),
    "os_": change(os_type="changed"),
    "+hv": change(hypervisor=["kvm", "xen", "qemu"]),
    "put": file("PUT", "lxc", b"new"),
    "ovr": file("PUT", "kvm", b"other"),
    "ver": version("GET"),
    "bak": change(version=1),
    "nam": change(name="renamed"),
    "acc": None,  # to what it is not yet: see the test
    "r-o": change(read_only=True),
    "exp": change(expires=LATER),
    "shu": share("POST", "user/zoe"),
    "shg": share("PUT", "group/users"),
    "uns": share("DELETE", "user/sue"),
    "g-0": change(group=None),
    "g-2": change(group="second"),
    "pub": change(unauthenticated_access=True),
    "own": change(owner="zoe"),
    "del": lambda client, uuid: client.delete(f"/api/images/{uuid}", status="*"),
    "d-f": file("DELETE", "kvm"),
    "-hv": change(hypervisor=["kvm"]),
    "d-v": version("DELETE"),
    "prg": purge,
    # And on one that is in the trash.
    "trs": lambda client, uuid: client.get(f"/api/images/{uuid}", status="*"),
    "res": lambda client, uuid: client.post(f"/api/images/{uuid}/restore", status="*"),
    "end": purge,
}
TRASH = {"trs", "res", "end"}

TABLE = """
.                    see get cpy|dsc os_ +hv put ovr ver bak|nam acc r-o exp shu shg uns g-0 g-2|pub|own|del d-f -hv d-v prg|trs res end
owner                200 200 201 200 200 200 201 200 200 200 200 200 200 200 200 200 200 200 200 200 403 200 200 200 200 200 200 200 200
shared_with_user     200 200 201 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 404 404 404
shared_with_group    200 200 201 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 404 404 404
member_none          404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
member_read          200 200 201 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 404 404 404
member_write         200 200 201 200 200 200 201 200 200 200 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 404 404 404
group_modifier       200 200 201 200 200 200 201 200 200 200 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 404 404 404
group_deleter        200 200 201 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 200 200 200 200 200 200 200 200
modifier_elsewhere   404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
deleter_elsewhere    404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
reader_and_both_else 200 200 201 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 404 404 404
admin_elsewhere      404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
group_admin          200 200 201 200 200 200 201 200 200 200 200 200 200 200 200 200 200 200 403 403 403 200 200 200 200 200 200 200 200
image_modify         200 200 201 200 200 200 201 200 200 200 200 200 200 200 200 200 200 200 200 200 200 403 403 403 403 403 404 404 404
image_delete         200 200 201 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 200 200 200 200 200 200 200 200
admin                200 200 201 200 200 200 201 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
stranger             404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
stranger_public      404 200 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
stranger_forbidden   404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
anonymous            401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401
anonymous_public     401 200 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401
anonymous_forbidden  401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401 401
unknown              403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403
unknown_public       403 200 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403
"""  # noqa: E501 - a role a line
EXPECTED = {
    role: dict(zip(ACTIONS, map(int, statuses), strict=True))
    for role, *statuses in map(str.split, TABLE.strip().splitlines()[1:])
}


@dataclass(frozen=True)
class Role:
    """Who tries: of these groups, with these permissions of one of them.

    ``_public`` in a role's name: the image has ``unauthenticated_access`` and the server allows
    it; ``_forbidden``: the server does not.
    """

    name: str = "rob"
    groups: tuple[str, ...] = ()
    admin_of: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    group_access: str = "none"


MODIFY_GROUP, DELETE_GROUP = Permission.IMAGE_MODIFY_GROUP, Permission.IMAGE_DELETE_GROUP
ROLES = {
    "owner": Role("alice"),
    "shared_with_user": Role("sue"),
    "shared_with_group": Role(groups=("sharers",)),
    "member_none": Role(groups=("lab",)),
    "member_read": Role(groups=("lab",), group_access="read"),
    "member_write": Role(groups=("lab",), group_access="write"),
    "group_modifier": Role(groups=("lab",), permissions=(MODIFY_GROUP,)),
    "group_deleter": Role(groups=("lab",), permissions=(DELETE_GROUP,)),
    "modifier_elsewhere": Role(groups=("second",), permissions=(MODIFY_GROUP,)),
    "deleter_elsewhere": Role(groups=("second",), permissions=(DELETE_GROUP,)),
    "reader_and_both_else": Role(
        groups=("second", "lab"), permissions=(MODIFY_GROUP, DELETE_GROUP), group_access="read"
    ),
    "admin_elsewhere": Role(admin_of=("second",)),
    "group_admin": Role(admin_of=("lab",)),
    "image_modify": Role(groups=("third",), permissions=(Permission.IMAGE_MODIFY,)),
    "image_delete": Role(groups=("third",), permissions=(Permission.IMAGE_DELETE,)),
    "admin": Role("admin"),
    **{
        f"{who}{how}": Role()
        for who in ("stranger", "anonymous", "unknown")
        for how in ("", "_public", "_forbidden")
    },
}


def client_of(people, role_name):
    """Make the groups and the one who has the role; return a client."""
    role, person = ROLES[role_name], None
    person = getattr(people, role.name)
    for name in ("lab", "second", "sharers"):
        conferred = role.permissions if role.groups[:1] == (name,) else ()
        people.join(name, people.alice, permissions=conferred)
    for name in role.groups:
        people.join(name, person, permissions=role.permissions)
    for name in role.admin_of:
        people.join(name, person, admin=True)
    if role_name.startswith("anonymous"):
        return people.anonymous
    if role_name.startswith("unknown"):
        return people.client(people.holder("Nobody"))
    return person.client


def make_images(people, wanted):
    """Insert alice's images, each a dict of columns, with files and shares; return the UUIDs."""
    people.alice.create("seed")
    people.alice.upload("seed")
    with people.sessions.changing.begin() as session:
        blob = session.scalars(select(Blob)).one()
        group = {one.name: one for one in session.scalars(select(Group))}
        user = {one.name: one for one in session.scalars(select(User))}
        made = [
            Image(
                uuid=new_uuid(),
                name=f"image-{number}",
                owner=user["alice"],
                group=group.get(columns["group"]),
                last_version=3,
                hypervisors=[
                    ImageHypervisor(hypervisor="kvm", position=0),
                    ImageHypervisor(hypervisor="xen", position=1),
                ],
                versions=[
                    ImageFile(hypervisor="kvm", version=1, blob=blob, current=False),
                    ImageFile(hypervisor="kvm", version=2, blob=blob),
                    ImageFile(hypervisor="xen", version=3, blob=blob),
                ],
                shares=[
                    ImageShare(user=user.get(name), group=group.get(name))
                    for name in columns["shared"]
                ],
                **{key: columns[key] for key in columns.keys() - {"group", "shared"}},
            )
            for number, columns in enumerate(wanted)
        ]
        session.add_all(made)
        return [image.uuid for image in made]


def rows(sessions):
    """Return all that the database says of each image, by UUID."""
    whole = [selectinload(part) for part in (Image.hypervisors, Image.versions, Image.shares)]
    with sessions.reading() as session:
        return {
            image.uuid: (
                {column.key: getattr(image, column.key) for column in Image.__table__.columns},
                image.hypervisor_names,
                [(file.version, file.current, file.blob_id) for file in image.versions],
                [(share.user_id, share.group_id) for share in image.shares],
            )
            for image in session.scalars(select(Image).options(*whole))
        }


def refusal(role_name, response):
    """Say what a refusal's code and X-Repoman-Permission should be, by its status."""
    if role_name.startswith("unknown"):
        return "certificate-unknown", False
    return {
        401: ("certificate-required", False),
        403: ("permission-denied", True),
        404: ("image-not-found", False),
    }[response.status_int]


@pytest.fixture
def site(ini, sessions, authority, role_name):
    """People of a server that lets anybody read public images, but for roles that deny it."""
    ini["repoman.allow_unauthenticated"] = str(not role_name.endswith("_forbidden"))
    with standing.serving(ini) as application:
        yield People(application, sessions, authority)


@pytest.mark.parametrize("role_name", EXPECTED)
def test_each_role_may_do_what_the_table_says_and_no_more(site, sessions, role_name):
    client, _ = client_of(site, role_name), (site.sue, site.zoe)
    public = role_name.endswith(("_public", "_forbidden"))
    columns = {
        "group": "lab",
        "group_access": ROLES[role_name].group_access,
        "shared": ("sue", "sharers"),
        "unauthenticated_access": public,
    }
    access = "read" if ROLES[role_name].group_access == "write" else "write"
    actions = ACTIONS | {"acc": change(group_access=access)}
    wanted = [columns | {"deleted": now() if name in TRASH else None} for name in ACTIONS]
    uuids = dict(zip(ACTIONS, make_images(site, wanted), strict=True))
    before = rows(sessions)
    answers = {name: act(client, uuids[name]) for name, act in actions.items()}
    after = rows(sessions)

    assert {name: answer.status_int for name, answer in answers.items()} == EXPECTED[role_name]
    for name, answer in answers.items():
        if answer.status_int >= 400:
            code, names_permission = refusal(role_name, answer)
            assert answer.headers["X-Repoman-Error"] == answer.json["code"] == code
            assert ("X-Repoman-Permission" in answer.headers) == names_permission
            assert after[uuids[name]] == before[uuids[name]], name


@pytest.fixture
def crowd(people):
    """One person of each kind that may see images of others."""
    people.join("lab", people.alice, people.lea)
    people.join("lab", people.adam, admin=True)
    people.join("modifiers", people.alice, people.mona, permissions=[MODIFY_GROUP])
    people.join("deleters", people.alice, people.dora, permissions=[DELETE_GROUP])
    people.join("sharers", people.alice, people.sam)
    people.join("third", people.mike, permissions=[Permission.IMAGE_MODIFY])
    people.join("fourth", people.dick, permissions=[Permission.IMAGE_DELETE])
    people.join("fifth", people.bea, permissions=[MODIFY_GROUP, DELETE_GROUP])
    names = "alice lea adam mona dora sam sue mike dick bea rob admin"
    return [getattr(people, name) for name in names.split()]


def test_lists_hold_exactly_the_images_that_one_can_get(people, crowd):
    groups_and_access = [
        *product((None, "modifiers", "deleters"), ("none",)),
        *product(("lab",), ("none", "read", "write")),
        (None, "read"),
    ]
    wanted = [
        {"group": group, "group_access": access, "shared": shared, "expires": expires}
        for (group, access), shared, expires in product(
            groups_and_access, ((), ("sue",), ("sharers",)), (None, now() - timedelta(days=1))
        )
    ]
    uuids = make_images(people, wanted)
    seen_by = {}
    for person in crowd:
        gettable = {
            answer.json["url"]
            for answer in (person.client.get(f"/api/images/{uuid}", status="*") for uuid in uuids)
            if answer.status_int == 200
        }
        listed = set(person.client.get("/api/images").json) - {f"{API}/images/alice/seed"}
        assert listed == gettable, person.name
        assert set(person.client.get("/api/users/alice").json["images"]) >= gettable
        seen_by[person.name] = len(gettable)
    # 21 images that have expired and 21 that have not; who may set `expires` sees both.
    assert seen_by == {
        "alice": 42, "admin": 42, "mike": 42, "dick": 21, "rob": 0, "bea": 0,
        "lea": 6, "adam": 18, "mona": 3, "dora": 3, "sam": 7, "sue": 7,
    }  # fmt: skip


def test_the_trash_holds_exactly_the_deleted_images_that_one_can_get(people, crowd):
    groups_and_access = [
        *product((None, "modifiers", "deleters"), ("none",)),
        *product(("lab",), ("none", "read", "write")),
        (None, "read"),
    ]
    wanted = [
        {
            "group": group,
            "group_access": access,
            "shared": ("sue", "sharers"),
            "expires": expires,
            "deleted": now(),
        }
        for (group, access), expires in product(
            groups_and_access, (None, now() - timedelta(days=1))
        )
    ]
    uuids = make_images(people, wanted)
    seen_by = {}
    for person in crowd:
        gettable = {
            answer.json["url"]
            for answer in (person.client.get(f"/api/images/{uuid}", status="*") for uuid in uuids)
            if answer.status_int == 200
        }
        assert set(person.client.get("/api/images?state=deleted").json) == gettable, person.name
        seen_by[person.name] = len(gettable)
    # 7 images that have expired and 7 that have not.
    assert seen_by == {
        "alice": 14, "admin": 14, "mike": 0, "dick": 7, "rob": 0, "bea": 0,
        "lea": 0, "adam": 6, "mona": 0, "dora": 1, "sam": 0, "sue": 0,
    }  # fmt: skip


def test_a_right_is_given_for_each_field(people):
    """One field without the right refuses the whole change."""
    people.join("lab", people.alice, people.bob)
    people.join("lab", people.adam, admin=True)
    people.alice.create(group="lab", group_access="write")
    url = "/api/images/alice/debian12"

    mixed = {"description": "new", "name": "other"}
    answer = people.bob.client.patch_json(url, mixed, status=403)
    assert answer.headers["X-Repoman-Permission"] == answer.json["permission"] == "image_modify"
    people.adam.client.patch_json(url, {"name": "x", "unauthenticated_access": True}, status=403)
    people.alice.client.patch_json(url, {"description": "x", "owner": "bob"}, status=403)
    shown = people.alice.client.get(url).json
    assert (shown["name"], shown["description"]) == ("debian12", None)

    people.bob.client.patch_json(url, {"description": "new"}, status=200)
    people.adam.client.patch_json(url, {"description": "new", "name": "other"}, status=200)


def test_with_whom_an_image_is_shared_is_shown_to_those_who_may_share_it(people):
    people.join("lab", people.alice, people.bob)
    people.join("lab", people.adam, admin=True)
    people.alice.create(group="lab", group_access="write")
    url = "/api/images/alice/debian12"
    people.alice.client.post(f"{url}/share/user/{people.sue.name}")
    for person, shown in (("alice", True), ("adam", True), ("bob", False), ("sue", False)):
        answer = getattr(people, person).client.get(url).json
        assert ("shared_with" in answer) == shown, person


@pytest.mark.parametrize("hypervisor", ["kvm", "xen,kvm,qemu", "xen"])
def test_who_may_only_delete_can_take_hypervisors_off_and_do_nothing_else(people, hypervisor):
    people.join("lab", people.alice, people.dora, permissions=[DELETE_GROUP])
    people.alice.create(group="lab", hypervisor="kvm,xen")
    url = "/api/images/alice/debian12"
    status = 200 if hypervisor in {"kvm", "xen"} else 403
    people.dora.client.patch_json(url, {"hypervisor": hypervisor}, status=status)


def test_where_a_role_ends_so_does_what_it_gave(people):
    people.join("sharers", people.alice, people.bob)
    people.alice.create()
    url = "/api/images/alice/debian12"
    people.alice.client.post("/api/images/debian12/share/group/sharers")
    people.bob.client.get(url, status=200)
    people.bob.client.delete("/api/groups/sharers/users/bob", status=200)
    people.bob.client.get(url, status=404)

"""The audit trail: every change leaves one row, and nobody can take it away."""

import json

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request
from sqlalchemy import select, text

from repoman import gate
from repoman.models import AuditEntry
from repoman.scripts.admin import main
from tests.factories import API
from tests.functional.test_admin_command import write_ini
from tests.wsgi import FORM, multipart

IMAGE, RAW = "/api/images/debian12", "/api/images/raw/debian12"
NEW_USER = {"user_name": "ann", "cert_dn": "/C=CA/CN=Ann"}

# What alice, an admin here, asks one after the other; then action and object of the row it leaves.
REQUESTS = [
    ("POST", "/api/users", NEW_USER, "user:create", "/api/users/ann"),
    ("PATCH", "/api/users/ann", {"full_name": "Ann Lee"}, "user:modify", "/api/users/ann"),
    ("POST", "/api/users/ann", {"user_name": "anna"}, "user:modify", "/api/users/ann"),
    (
        "POST",
        "/api/users/anna/certificates",
        {"cert_dn": "/C=CA/CN=Ann 2"},
        "user:add-certificate",
        "/api/users/anna",
    ),
    ("DELETE", "/api/users/anna/certificates/{id}", None, "user:modify-fully", "/api/users/anna"),
    ("POST", "/api/groups", {"name": "lab"}, "group:create", "/api/groups/lab"),
    ("POST", "/api/groups/lab/users", {"name": "anna"}, "group:add-member", "/api/groups/lab"),
    ("POST", "/api/groups/lab/users/bob", None, "group:add-member", "/api/groups/lab"),
    ("PUT", "/api/groups/lab/users/alice", None, "group:add-member", "/api/groups/lab"),
    ("DELETE", "/api/groups/lab/users/bob", None, "group:remove-member", "/api/groups/lab"),
    ("POST", "/api/groups/lab/admins", {"name": "anna"}, "group:appoint", "/api/groups/lab"),
    ("POST", "/api/groups/lab/admins/bob", None, "group:appoint", "/api/groups/lab"),
    ("PUT", "/api/groups/lab/admins/bob", None, "group:appoint", "/api/groups/lab"),
    ("DELETE", "/api/groups/lab/admins/bob", None, "group:change-members", "/api/groups/lab"),
    (
        "POST",
        "/api/groups/lab/permissions",
        {"name": "user_create"},
        "group:change-permissions",
        "/api/groups/lab",
    ),
    *(
        (method, "/api/groups/lab/permissions/user_create", None, action, "/api/groups/lab")
        for method, action in (
            ("POST", "group:grant"),
            ("PUT", "group:grant"),
            ("DELETE", "group:change-permissions"),
        )
    ),
    ("PATCH", "/api/groups/lab", {"name": "biology"}, "group:change", "/api/groups/lab"),
    ("POST", "/api/groups/biology", {"name": "lab"}, "group:change", "/api/groups/biology"),
    ("POST", "/api/images", {"name": "debian12"}, "image:create", "/api/images/alice/debian12"),
    ("PUT", RAW, b"one", "image:edit", "/api/images/alice/debian12"),
    ("POST", RAW, multipart(b"two"), "image:edit", "/api/images/alice/debian12"),
    ("PATCH", IMAGE, {"name": "d13"}, "image:change", "/api/images/alice/debian12"),
    ("POST", "/api/images/d13", {"name": "d12"}, "image:change", "/api/images/alice/d13"),
    *(
        (
            method,
            f"/api/images/{who}d12/share/{whom}",
            None,
            "image:manage",
            "/api/images/alice/d12",
        )
        for who in ("", "alice/")
        for whom in ("user/bob", "group/lab")
        for method in ("POST", "PUT", "DELETE")
    ),
    ("PATCH", "/api/images/alice/d12", {"name": "d"}, "image:change", "/api/images/alice/d12"),
    ("POST", "/api/images/alice/d", {"name": "e"}, "image:change", "/api/images/alice/d"),
    ("DELETE", "/api/images/raw/e", None, "image:delete", "/api/images/alice/e"),
    ("PUT", "/api/images/raw/alice/e", b"1", "image:edit", "/api/images/alice/e"),
    ("POST", "/api/images/raw/kvm/e", multipart(b"2"), "image:edit", "/api/images/alice/e"),
    ("DELETE", "/api/images/raw/kvm/e", None, "image:delete", "/api/images/alice/e"),
    ("PUT", "/api/images/raw/alice/kvm/e", b"1", "image:edit", "/api/images/alice/e"),
    ("POST", "/api/images/raw/alice/kvm/e", multipart(b"2"), "image:edit", "/api/images/alice/e"),
    ("DELETE", "/api/images/raw/alice/kvm/e", None, "image:delete", "/api/images/alice/e"),
    ("DELETE", "/api/images/e", None, "image:delete", "/api/images/alice/e"),
    ("POST", "/api/images/{uuid}/restore", {"name": "d"}, "image:restore", "/api/images/alice/e"),
    ("PATCH", "/api/images/d", {"version": 1}, "image:change", "/api/images/alice/d"),
    ("DELETE", "/api/images/raw/d?version=1&purge=1", None, "image:delete", "/api/images/alice/d"),
    ("DELETE", "/api/images/d?purge=1", None, "image:delete", "/api/images/alice/d"),
    ("POST", "/api/images", {"name": "f"}, "image:create", "/api/images/alice/f"),
    ("DELETE", "/api/images/alice/f", None, "image:delete", "/api/images/alice/f"),
    ("DELETE", "/api/users/anna", None, "user:delete", "/api/users/anna"),
    ("DELETE", "/api/groups/lab", None, "group:delete", "/api/groups/lab"),
]


class Trail:
    """Reads the rows that came since the last look."""

    def __init__(self, sessions):
        self.sessions, self.last = sessions, 0

    def new(self) -> list[AuditEntry]:
        statement = select(AuditEntry).where(AuditEntry.id > self.last).order_by(AuditEntry.id)
        with self.sessions.reading() as session:
            rows = list(session.scalars(statement))
        self.last = rows[-1].id if rows else self.last
        return rows

    def one(self) -> AuditEntry:
        (row,) = self.new()
        return row


@pytest.fixture
def trail(sessions):
    return Trail(sessions)


def ask(client, method, url, sent):
    if isinstance(sent, bytes):
        headers = FORM if method == "POST" else {}
        return client.request(url, method=method, body=sent, headers=headers, status="2*")
    return getattr(client, f"{method.lower()}_json")(url, sent or {}, status="2*")


def route_of(registry, url):
    """Name the route that a URL is of."""
    mapper = registry.getUtility(IRoutesMapper)
    return mapper(Request.blank(url))["route"].name


def test_every_change_leaves_one_row(people, trail, sessions):
    people.join("admins", people.alice)
    assert people.bob
    created, tried = {"id": "", "uuid": ""}, set()
    registry = people.application.application.application.registry
    for method, pattern, sent, action, thing in REQUESTS:
        url = pattern.format(**created)
        answer = ask(people.alice.client, method, url, sent)
        row = trail.one()
        assert (row.user_name, row.action, row.object) == ("alice", action, thing), (method, url)
        assert row.request == f"{method} {url.split('?')[0]}"
        assert row.dn == "/C=CA/O=Grid/CN=Alice"
        assert row.request_id == answer.headers["X-Repoman-Request-Id"]
        created |= {part: str(answer.json[part]) for part in created.keys() & answer.json.keys()}
        tried.add((method, route_of(registry, url)))
    changing = {
        (method, route)
        for route, methods in gate.methods(registry).items()
        for method in methods
        if method in {"POST", "PUT", "PATCH", "DELETE"}
    }
    # An upload is no change before its end (tests/functional/test_tus.py), and a form is a request
    # to the API (tests/functional/pages/test_forms.py).
    others = {"uploads", "upload", "form", "form.file"}
    assert tried == {one for one in changing if one[1] not in others}


def test_what_was_sent_and_what_came_of_it_is_in_the_row(people, trail, authority):
    people.alice.create(description="x" * 300, hypervisor="kvm,xen")
    detail = json.loads(trail.one().detail)
    assert detail == {
        "name": "debian12",
        "description": "x" * 200 + "…",
        "hypervisor": ["kvm", "xen"],
    }
    people.alice.client.put("/api/images/raw/xen/debian12", b"abc")
    assert json.loads(trail.one().detail) == {
        "hypervisor": "xen",
        "version": 1,
        "size": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    people.alice.client.put("/api/images/raw/xen/debian12", b"abcd")
    people.alice.client.delete("/api/images/raw/xen/debian12?version=1&purge=true")
    # Of the file that is current, the row says nothing.
    deleted = {"hypervisor": "xen", "version": 1, "purge": True}
    assert json.loads(trail.new()[-1].detail) == deleted
    pem = people.holder("Zoe").certificate.public_bytes(Encoding.PEM).decode()
    people.admin.client.post("/api/users", {"user_name": "zoe", "certificate": pem})
    assert json.loads(trail.one().detail) == {
        "user_name": "zoe",
        "certificate": "/C=CA/O=Grid/CN=Zoe",
    }


def test_a_proxy_is_recorded_under_the_name_it_showed(people, trail):
    proxy = people.alice.holder.proxy()
    people.client(proxy).post("/api/images", {"name": "x"})
    row = trail.one()
    assert row.user_name == "alice"
    assert row.dn.startswith("/C=CA/O=Grid/CN=Alice/CN=")


@pytest.mark.parametrize("fate", ["delete", "give:bob"])
def test_the_images_of_a_deleted_user_have_a_row_each(people, trail, fate):
    uuids = [people.alice.create(name)["uuid"] for name in ("one", "two")]
    assert people.bob
    trail.new()
    people.admin.client.delete(f"/api/users/alice?images={fate}")
    rows = trail.new()
    assert rows[0].object == "/api/users/alice"
    assert [row.object_key for row in rows[1:]] == [f"/api/images/{uuid}" for uuid in uuids]
    assert {row.user_name for row in rows} == {"admin"}
    assert {row.detail for row in rows} == {json.dumps({"images": fate})}


def test_what_is_refused_leaves_no_row(people, trail):
    people.alice.create()
    people.alice.upload()
    trail.new()
    client = people.alice.client
    client.post("/api/images", {"name": "debian12"}, status=409)
    client.post("/api/images", {"nonsense": "1"}, status=400)
    client.patch(IMAGE, {"description": "x"}, headers={"If-Match": '"x"'}, status=412)
    client.put(RAW, b"x", headers={"If-None-Match": "*"}, status=412)
    client.put(RAW, b"x", headers={"X-Repoman-Checksum": "sha256=" + "0" * 64}, status=400)
    people.bob.client.delete("/api/images/alice/debian12", status=404)
    people.anonymous.delete(IMAGE, status=401)
    client.get(IMAGE)
    assert trail.new() == []


def test_rows_outlive_user_and_object_and_no_change_touches_an_older_row(people, trail, sessions):
    people.bob.create()
    people.admin.client.delete("/api/images/bob/debian12?purge=true")
    people.admin.client.delete("/api/users/bob")
    first = [(row.id, row.user_name, row.object, row.detail) for row in trail.new()]
    assert [row[1] for row in first] == ["bob", "admin", "admin"]
    people.admin.client.post("/api/users", {"user_name": "bob", "cert_dn": "/C=CA/CN=Another"})
    trail.last = 0
    again = [(row.id, row.user_name, row.object, row.detail) for row in trail.new()]
    assert again[: len(first)] == first


@pytest.fixture
def audit(ini, tmp_path):
    """Run ``repoman-admin audit --json`` and return action and object of each row."""
    config = write_ini(tmp_path / "site.ini", ini)

    def run(*arguments, raw=False):
        result = CliRunner().invoke(main, ["--config", str(config), "audit", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout if raw else [json.loads(one) for one in result.stdout.splitlines()]

    return run


def test_the_command_finds_what_somebody_did_and_what_was_done_to_something(people, audit):
    uuid = people.alice.create()["uuid"]
    people.alice.client.patch(IMAGE, {"name": "d13"})
    people.bob.create()
    people.admin.client.patch("/api/users/alice", {"user_name": "alicia"})
    people.client(people.alice.holder).delete("/api/images/d13")

    assert len(audit("--json")) == 5
    for name in ("alice", "alicia", "Alicia"):
        found = [row["action"] for row in audit("--json", "--user", name)]
        assert found == ["image:create", "image:change", "image:delete"], name
    for thing in ("images/alice/debian12", f"{API}/images/alicia/d13", f"/api/images/{uuid}"):
        found = [row["action"] for row in audit("--json", "--object", thing)]
        assert found == ["image:create", "image:change", "image:delete"], thing
    assert [row["user"] for row in audit("--json", "--object", "users/alice")] == ["admin"]
    assert audit("--json", "--user", "nobody") == []
    assert audit("--json", "--since", "2099-01-01") == []
    assert len(audit("--json", "--since", "2020-01-01T00:00:00Z", "--user", "bob")) == 1


def test_what_there_is_is_found_by_the_name_that_it_has_now(people, audit):
    uuid = people.alice.create()["uuid"]
    people.alice.client.patch(IMAGE, {"name": "d13"})
    people.admin.client.patch("/api/users/alice", {"user_name": "alina"})
    dashed = "-".join([uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]])
    for thing in ("images/alina/d13", f"images/{dashed.upper()}"):
        found = [row["action"] for row in audit("--json", "--object", thing)]
        assert found == ["image:create", "image:change"], thing
    assert [row["user"] for row in audit("--json", "--object", "users/Alina")] == ["admin"]


def test_a_group_that_a_new_user_is_put_into_has_a_row(people, trail):
    people.admin.client.post("/api/groups", {"name": "lab"})
    trail.new()
    fields = NEW_USER | {"groups": "lab,users"}
    people.admin.client.post("/api/users", fields, status=201)
    assert [row.object for row in trail.new()] == ["/api/users/ann", "/api/groups/lab"]


def test_the_command_shows_a_row_a_line_that_nothing_sent_can_break(people, audit):
    people.alice.create(description="one\ntwo")
    text = audit(raw=True)
    assert text.count("\n") == 1
    assert " alice image:create /api/images/alice/debian12 [POST /api/images] " in text
    assert '"/C=CA/O=Grid/CN=Alice"' in text


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "2026-11-24T10:00"])
def test_a_time_that_is_none_is_refused_with_a_sentence(ini, tmp_path, since):
    config = write_ini(tmp_path / "site.ini", ini)
    result = CliRunner().invoke(main, ["--config", str(config), "audit", "--since", since])
    assert result.exit_code == 2
    assert "2026-11-24" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "thing"),
    [
        (("user", "add", "zoe", "--dn", "/C=CA/CN=Zoe"), "/api/users/zoe"),
        (("user", "suspend", "alice"), "/api/users/alice"),
        (("user", "resume", "alice"), "/api/users/alice"),
        (("group", "add", "lab"), "/api/groups/lab"),
        (("group", "add-user", "users", "alice"), "/api/groups/users"),
        (("group", "remove-user", "users", "alice"), "/api/groups/users"),
        (("group", "add-admin", "users", "alice"), "/api/groups/users"),
        (("group", "permit", "users", "user_create"), "/api/groups/users"),
        (("group", "forbid", "users", "image_create"), "/api/groups/users"),
    ],
)
def test_changes_by_repoman_admin_are_recorded_without_a_user(
    people, trail, ini, tmp_path, arguments, thing
):
    assert people.alice
    config = write_ini(tmp_path / "site.ini", ini)
    result = CliRunner().invoke(main, ["--config", str(config), *arguments])
    assert result.exit_code == 0, result.output
    row = trail.one()
    assert (row.user_name, row.dn, row.action) == (None, None, "repoman-admin")
    assert row.request == f"repoman-admin {arguments[0]} {arguments[1]}"
    assert row.object == thing


def test_a_change_that_cannot_be_recorded_does_not_take_place(people, kept, sessions):
    with sessions.changing.begin() as session:
        session.execute(text("ALTER TABLE audit RENAME TO away"))
    client = people.alice.client
    for answer in (
        client.put(RAW, b"other", status="*"),
        client.post("/api/images", {"name": "x"}, status="*"),
        client.delete(IMAGE, status="*"),
    ):
        assert answer.status_int >= 500
    kept.check_file()
    assert len(client.get("/api/images").json) == 1


def test_a_restore_is_recorded_in_the_trail_that_it_brought_back(people, trail, ini, tmp_path):
    people.alice.create()
    config = ["--config", str(write_ini(tmp_path / "site.ini", ini))]
    people.application.sessions.engine.dispose()
    for command in (("backup",), ("restore", "--force")):
        result = CliRunner().invoke(main, [*config, *command, str(tmp_path / "backup")])
        assert result.exit_code == 0, result.output
    first, restored = trail.new()
    assert (first.object, restored.object) == ("/api/images/alice/debian12", "/api")
    assert restored.request == "repoman-admin restore"
    assert json.loads(restored.detail)["folder"] == str(tmp_path / "backup")

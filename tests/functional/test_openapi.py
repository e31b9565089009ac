"""Real answers are what openapi.yaml says, with no property, status or header that it does not."""

import gzip
import re
from importlib.resources import files

import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from repoman import schemas
from repoman.models import StorageSample, now
from tests import tus
from tests.factories import FILE

pytestmark = pytest.mark.through_apache

DOCUMENT = yaml.safe_load(files("repoman").joinpath("openapi.yaml").read_text())
REGISTRY = Registry().with_resource(
    "openapi", Resource(contents=DOCUMENT, specification=DRAFT202012)
)
# In the order in which they are tried: parts that are words before parts that are parameters.
PATHS = sorted(DOCUMENT["paths"], key=lambda path: [part[:1] == "{" for part in path.split("/")])


def validator(name: str) -> Draft202012Validator:
    """Return the validator of a schema in the document."""
    return Draft202012Validator(
        {"$ref": f"openapi#/components/schemas/{name}"},
        registry=REGISTRY,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def component(node: dict) -> dict:
    """Follow a reference to a component."""
    if "$ref" not in node:
        return node
    kind, name = node["$ref"].split("/")[-2:]
    return DOCUMENT["components"][kind][name]


def path_of(url: str) -> str:
    """Return the documented path that a request's path is of."""
    for path in PATHS:
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), url):
            return path
    raise AssertionError(f"{url} is not documented")


def documented(response) -> str | None:
    """Check an answer against the document; return the name of its body's schema."""
    request = response.request
    operation = DOCUMENT["paths"][path_of(request.path)][request.method.lower()]
    answers = operation["responses"]
    answer = component(answers.get(str(response.status_int), answers["default"]))
    is_error = response.status_int >= 400
    assert is_error == ("X-Repoman-Error" in answer["headers"]), f"{response.status} undocumented"
    known = {name.lower() for name in answer["headers"]}
    sent = {name.lower() for name in response.headers}
    assert {name for name in sent if name.startswith("x-repoman-")} <= known
    assert "x-repoman-request-id" in sent
    if request.method == "HEAD":
        return None
    content = answer.get("content", {})
    if not content:
        assert not response.body
        return None
    assert response.content_type in content
    schema = content[response.content_type].get("schema")
    if schema is None:
        return None
    name = schema["$ref"].rsplit("/", 1)[1]
    validator(name).validate(response.json)
    return name


def test_the_server_and_the_caller(people):
    assert documented(people.anonymous.get("/api")) == "Api"
    assert documented(people.alice.client.get("/api")) == "Api"
    assert documented(people.alice.client.get("/api/whoami")) == "Whoami"
    for client in (people.anonymous, people.alice.client, people.admin.client):
        assert documented(client.get("/healthz")) == "Health"
        documented(client.head("/healthz"))
    assert documented(people.admin.client.get("/metrics")) is None
    documented(people.admin.client.head("/metrics"))
    served = people.anonymous.get("/api/openapi.yaml")
    documented(served)
    assert yaml.safe_load(served.body) == DOCUMENT


@pytest.mark.in_process
def test_metrics_for_others_than_admins_from_elsewhere(people):
    """Behind the tests' Apache everybody is on its machine, and may read them."""
    assert documented(people.alice.client.get("/metrics", status=403)) == "Problem"


def test_users(people):
    admin = people.admin.client
    fields = {"user_name": "ann", "cert_dn": "/C=CA/CN=Ann Lee", "email": "ann@example.org"}
    made = admin.post("/api/users", fields, status=201)
    assert documented(made) == "User"
    assert made.headers["Location"] == made.json["url"]
    assert documented(admin.get("/api/users")) == "Users"
    assert documented(admin.get("/api/users?expand=true")) == "Users"
    people.alice.create("debian12")
    people.join("biology", people.alice)
    assert documented(people.alice.client.get("/api/users/alice")) == "User"
    assert documented(people.bob.client.get("/api/users/alice")) == "User"
    assert documented(people.alice.client.get("/api/users/alice/usage")) == "UserUsage"
    assert documented(admin.get("/api/groups/biology/usage")) == "GroupUsage"
    assert documented(admin.patch_json("/api/users/ann", {"quota": "5G"})) == "User"
    assert documented(admin.get("/api/users/ann/usage")) == "UserUsage"
    assert documented(admin.patch_json("/api/users/ann", {"full_name": "Ann"})) == "User"
    assert documented(admin.delete("/api/users/ann?images=delete")) == "Deleted"
    assert documented(admin.delete("/api/users/alice?images=sell", status=400)) == "Problem"


def test_certificates(people):
    admin, url = people.admin.client, f"/api/users/{people.alice.name}/certificates"
    fields = {"cert_dn": "/C=CA/CN=Alice", "issuer_dn": "/C=CA/CN=CA"}
    made = admin.post(url, fields, status=201)
    assert documented(made) == "Certificate"
    assert documented(admin.get(url)) == "Certificates"
    assert documented(admin.get(f"{url}?expand=true")) == "Certificates"
    assert documented(admin.get(admin.get(url).json[0])) == "Certificate"
    assert documented(admin.delete(made.json["url"])) == "Deleted"
    admin.delete(admin.get(url).json[0])
    assert documented(admin.get("/api/users/alice")) == "User"
    assert admin.get("/api/users/alice").json["client_dn"] is None


def test_groups(people):
    admin, bob = people.admin.client, people.bob.name
    fields = {"name": "biology", "description": "", "permissions": "image_create,user_create"}
    assert documented(admin.post("/api/groups", fields, status=201)) == "Group"
    assert documented(admin.get("/api/groups")) == "Groups"
    assert documented(admin.get("/api/groups?expand=true")) == "Groups"
    assert documented(admin.get("/api/groups/admins")) == "Group"
    assert documented(admin.post("/api/groups/biology/users", {"name": bob})) == "Group"
    assert documented(admin.get("/api/groups/biology/users")) == "Users"
    assert documented(admin.put(f"/api/groups/biology/users/{bob}")) == "Group"
    assert documented(admin.delete(f"/api/groups/biology/users/{bob}")) == "Deleted"
    assert documented(admin.post("/api/groups/biology/admins", {"name": bob})) == "Group"
    assert documented(admin.get("/api/groups/biology/admins")) == "Users"
    assert documented(admin.put(f"/api/groups/biology/admins/{bob}")) == "Group"
    assert documented(admin.delete(f"/api/groups/biology/admins/{bob}")) == "Deleted"
    permissions = "/api/groups/biology/permissions"
    assert documented(admin.post(permissions, {"name": "image_modify"})) == "Group"
    assert documented(admin.get(permissions)) == "Permissions"
    assert documented(admin.put(f"{permissions}/image_delete")) == "Group"
    assert documented(admin.delete(f"{permissions}/image_delete")) == "Deleted"
    assert documented(admin.put(f"{permissions}/sudo", status=404)) == "Problem"
    assert documented(admin.patch("/api/groups/biology", {"users": bob})) == "Group"
    assert documented(admin.delete("/api/groups/users", status=403)) == "Problem"
    assert documented(admin.delete("/api/groups/biology")) == "Deleted"


def test_images(people):
    alice, bob, admin = people.alice, people.bob.client, people.admin.client
    fields = {"name": "debian12", "hypervisor": "kvm,xen", "expires": "2096-01-01T00:00:00Z"}
    assert documented(alice.client.post("/api/images", fields, status=201)) == "Image"
    assert documented(alice.client.get("/api/images")) == "Images"
    alice.upload("debian12")
    shown = alice.client.get("/api/images/debian12")
    assert documented(shown) == "Image"
    assert set(shown.json["files"]) == {"kvm"}
    for path in ("/api/images/debian12", "/api/images/alice/debian12"):
        assert documented(alice.client.post(f"{path}/share/user/bob")) == "Image"
        assert documented(alice.client.put(f"{path}/share/group/users")) == "Image"
        assert documented(bob.get(shown.json["url"])) == "Image"
        assert documented(alice.client.delete(f"{path}/share/user/bob")) == "Deleted"
        assert documented(alice.client.delete(f"{path}/share/group/users")) == "Deleted"
        assert documented(alice.client.patch(path, {"unauthenticated_access": "on"})) == "Image"
    copy = alice.client.post("/api/images", {"name": "copy", "copy_of": "debian12"}, status=201)
    assert documented(copy) == "Image"
    assert copy.json["copy_of"] == shown.json["url"]
    assert documented(admin.post("/api/images/alice/debian12", {"group": ""})) == "Image"
    assert documented(admin.delete("/api/images/alice/debian12")) == "Deleted"
    url = f"/api/images/{shown.json['uuid']}"
    assert documented(alice.client.get("/api/images?state=deleted&expand=true")) == "Images"
    assert documented(alice.client.get(url)) == "Image"
    assert documented(alice.client.post(f"{url}/restore", {"name": "old"})) == "Image"
    assert documented(alice.client.post(f"{url}/restore", {"name": "copy"}, status=409))
    assert documented(alice.client.delete(f"{url}?purge=true")) == "Deleted"


def test_lists(people):
    """Every list, of URLs and of objects, with the link to its next page."""
    people.join("lab", people.alice, people.bob)
    for name in ("a", "b"):
        people.alice.create(name, group="lab", group_access="read")
        people.alice.client.post(f"/api/images/{name}/share/group/lab")
    client = people.bob.client
    for path, kind in (
        ("users/alice/images", "Images"),
        ("users/alice/groups", "Groups"),
        ("users/bob/shared", "Images"),
        ("groups/lab/images", "Images"),
        ("groups/lab/shared", "Images"),
    ):
        for query in ("limit=1", "limit=1&expand=true"):
            url = f"/api/{path}?{query}"
            first = client.get(url)
            assert documented(first) == kind
            assert len(first.json) == 1
            assert "Link" in first.headers
            documented(client.head(url))
            documented(client.get(url, headers={"If-None-Match": first.headers["ETag"]}))
    assert documented(people.alice.client.get("/api/users/alice/sharing?expand=yes")) == "Images"
    assert documented(client.get("/api/users/alice/permissions")) == "Permissions"
    answer = client.get("/api/users/nobody/sharing", status=404)
    assert documented(answer) == "Problem"


@pytest.mark.parametrize("path", ["debian12", "alice/debian12", "alice/kvm/debian12"])
def test_files(people, path):
    client, url = people.alice.client, f"/api/images/raw/{path}"
    people.alice.create("debian12")
    assert documented(client.put(url, FILE, status=201)) == "Image"
    form = client.post(url, upload_files=[("file", "disk", FILE)], status=200)
    assert documented(form) == "Image"
    whole = client.get(url, status=200)
    documented(whole)
    documented(client.head(url, status=200))
    documented(client.get(url, headers={"Range": "bytes=0-9"}, status=206))
    documented(client.get(url, headers={"Range": "bytes=0-9,20-29"}, status=206))
    documented(client.get(url, headers={"If-None-Match": whole.headers["ETag"]}, status=304))
    for headers, status in (({"Range": "bytes=99999999-"}, 416), ({"If-Match": '"x"'}, 412)):
        assert documented(client.get(url, headers=headers, status=status)) == "Problem"
    assert documented(client.put(url, FILE, headers={"If-None-Match": "*"}, status=412))
    assert documented(client.put(url, b"", status=400)) == "Problem"
    assert documented(client.post(url, {"a": "b"}, status=415)) == "Problem"
    for method in ("GET", "HEAD"):
        documented(client.request(f"{url}?version=1", method=method, status=200))
    assert documented(client.patch("/api/images/debian12", {"version": 1})) == "Image"
    assert documented(client.patch("/api/images/debian12", {"version": 9}, status=404))
    assert documented(client.delete(f"{url}?version=1&purge=true", status=200)) == "Deleted"
    assert documented(client.delete(f"{url}?version=1", status=404)) == "Problem"
    assert documented(client.delete(url, status=200)) == "Deleted"
    assert documented(client.delete(url, status=404)) == "Problem"


def test_uploads(people):
    people.alice.create("debian12")
    client = people.alice.client
    begun = tus.create(client, FILE[:9], status=201)
    url = begun.headers["Location"]
    for answer in (
        begun,
        tus.head(client, url),
        client.head("/api/uploads"),
        tus.patch(client, url, 9, FILE[9:99], status=204),
        client.delete(url, headers=tus.TUS, status=204),
        tus.create(client, FILE, status=201),
    ):
        assert documented(answer) is None
        assert "Tus-Resumable" in answer.headers
    url = tus.create(client, path="/api/images/raw/debian12", status=201).headers["Location"]
    assert documented(client.get("/api/uploads")) == "Uploads"
    assert documented(client.get(url)) == "Upload"
    assert documented(tus.patch(client, url, 1, b"x", status=409)) == "Problem"
    wrong = tus.checksum(b"other")
    assert documented(tus.patch(client, url, 0, b"x", headers=wrong, status=460)) == "Problem"
    assert documented(client.patch(url, b"x", status=412)) == "Problem"
    assert documented(tus.patch(client, url, 0, FILE, status=204)) is None
    assert documented(client.delete(url, status=404)) == "Problem"


def test_storage(people, sessions):
    people.alice.create("debian12")
    assert documented(people.admin.client.get("/api/storage")) == "Storage"
    people.alice.upload("debian12")
    people.join("lab", people.alice)
    people.alice.create("second", group="lab", copy_of="debian12")
    tus.create(people.alice.client, FILE[:9], status=201)
    with sessions.changing.begin() as session:
        session.add(StorageSample(taken=now(), files=1, free=2, size=3))
    shown = people.admin.client.get("/api/storage")
    assert documented(shown) == "Storage"
    lists = {name for name, value in shown.json.items() if isinstance(value, list)}
    assert [name for name in lists if not shown.json[name]] == []
    documented(people.admin.client.head("/api/storage"))
    assert documented(people.alice.client.get("/api/storage", status=403)) == "Problem"


def test_errors(people):
    alice, admin = people.alice.client, people.admin.client
    stranger = people.client(people.holder("Nobody"))
    people.alice.create("debian12", read_only=True)
    people.alice.create("disk", format="qcow2")
    people.bob.create("old", expires="2096-01-01T00:00:00Z")
    people.bob.client.post("/api/images/old/share/user/alice")
    people.bob.client.post("/api/images/old", {"expires": "2020-01-01T00:00:00Z"})
    for response in (
        people.anonymous.get("/api/whoami", status=401),
        stranger.get("/api/whoami", status=403),
        alice.get("/api/images?size=1", status=400),
        alice.get("/api/images", headers={"Accept": "image/png"}, status=406),
        alice.post("/api/images", {"naem": "x"}, status=400),
        alice.post("/api/images", "name=a&name=b", status=400),
        alice.post("/api/images", {"name": "a", "os_type": "x" * 300}, status=400),
        alice.post("/api/images", b"x" * (2 << 20), status=413),
        alice.post("/api/images", b"x", content_type="text/plain", status=415),
        alice.post("/api/images", {"name": "debian12"}, status=409),
        alice.post("/api/groups", {"name": "x"}, status=403),
        alice.get("/api/users/nobody", status=404),
        alice.get("/api/images/bob/old", status=410),
        alice.put("/api/images/raw/debian12", FILE, status=409),
        alice.put("/api/images/raw/disk", FILE, status=422),
        alice.put("/api/images/raw/disk", gzip.compress(FILE)[:20], status=422),
        admin.delete("/api/users/alice", status=409),
    ):
        assert documented(response) == "Problem"
        assert response.json["code"] == response.headers["X-Repoman-Error"]
    browser = {"Accept": "text/html, */*;q=0.8"}
    for url, status in (("/api/users/nobody", 404), ("/api/images?limit=x", 400)):
        page = alice.get(url, headers=browser, status=status)
        documented(page)
        assert page.content_type == "text/html"


def test_an_undocumented_property_is_noticed(people):
    client = people.alice.client
    people.alice.create("debian12")
    for url, status in (
        ("/api", 200),
        ("/api/whoami", 200),
        ("/api/users/alice", 200),
        ("/api/users/alice/certificates/1", 200),
        ("/api/groups/users", 200),
        ("/api/images/debian12", 200),
        ("/api/images/nothing", 404),
    ):
        response = client.get(url, status=status)
        name = documented(response)
        with pytest.raises(ValidationError, match="'stray' was unexpected"):
            validator(name).validate(response.json | {"stray": 1})


def test_every_example_in_the_document_is_one(people):
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            validator(name).validate(example)
    for name, body in DOCUMENT["components"]["requestBodies"].items():
        for content in body["content"].values():
            if "example" in content:
                validator(name).validate(content["example"])
                schemas.validate(getattr(schemas, name), content["example"])

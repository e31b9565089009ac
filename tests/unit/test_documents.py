"""README.markdown, REST.markdown and openapi.yaml say what the code does, all of it and no more."""

import re
from dataclasses import MISSING, fields
from importlib.resources import files
from pathlib import Path

import click
import pytest
import yaml
from openapi_spec_validator import validate

from repoman import gate, queries, routing, schemas
from repoman.errors import RepomanError
from repoman.identity import Permission
from repoman.inspection import FORMAT_NAMES, Danger
from repoman.metrics.families import FAMILIES
from repoman.scripts import admin
from repoman.server import ServerSettings
from repoman.settings import Settings

ROOT = Path(__file__).parent.parent.parent
README, REST = ((ROOT / f"{name}.markdown").read_text() for name in ("README", "REST"))
OPENAPI_TEXT = files("repoman").joinpath("openapi.yaml").read_text()
OPENAPI = yaml.safe_load(OPENAPI_TEXT)
COMPONENTS = OPENAPI["components"]
PAGES = [ROOT / "README.markdown", ROOT / "REST.markdown", ROOT / "CHANGELOG.markdown"]
PAGES += sorted((ROOT / "docs").rglob("*.m*d*"))
MODELS = [
    kind
    for kind in vars(schemas).values()
    if isinstance(kind, type) and issubclass(kind, schemas.Fields) and kind.model_fields
]


def table(page: str, *heads: str) -> list[list[str]]:
    """Return the cells, without backquotes, of the table that begins with these column heads."""
    start = f"| {' | '.join(heads)} |"
    assert page.count(start) == 1, f"the table {start} is there {page.count(start)} times"
    rows = page[page.index(start) :].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]


def section(page: str, title: str) -> str:
    """Return what stands between a heading and the next."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", page, re.DOTALL | re.MULTILINE)
    assert found, f"there is no heading {title}"
    return found[1]


def target(schema: dict) -> dict:
    """Follow a reference inside the document."""
    while "$ref" in schema:
        found = OPENAPI
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def properties(schema: dict) -> dict[str, dict]:
    """Return all properties of an object, those of ``allOf`` too."""
    schema, found = target(schema), {}
    for part in schema.get("allOf", ()):
        found |= properties(part)
    return found | schema.get("properties", {})


@pytest.fixture
def registry(application):
    """Pyramid's registry, which knows the routes and the views."""
    return application.application.application.registry


@pytest.fixture
def patterns(registry) -> dict[str, str]:
    """The pattern of each route by its name."""
    entries = registry.introspector.get_category("routes")
    return {one["introspectable"]["name"]: one["introspectable"]["pattern"] for one in entries}


@pytest.fixture
def routes(patterns) -> dict[str, str]:
    """Those of the API: the pages, their forms and files are no interface for programs."""
    return {
        name: pattern
        for name, pattern in patterns.items()
        if not name.startswith(("page.", "form", "static"))
    }


@pytest.fixture
def methods(registry, routes) -> dict[str, set[str]]:
    """The methods of each URL pattern."""
    found = gate.methods(registry)
    return {pattern: set(found[name]) for name, pattern in routes.items()}


def error_types():
    """List an error of every code, in the order of `repoman.errors`."""
    found, waiting = {}, list(RepomanError.__subclasses__())
    while waiting:
        kind = waiting.pop(0)
        found.setdefault(kind.code, kind)
        waiting.extend(kind.__subclasses__())
    return list(found.values())


def test_rest_lists_every_error_once_with_its_status():
    listed = [(int(row[0]), row[1]) for row in table(REST, "status", "code", "meaning", "remedy")]
    assert sorted(listed) == sorted((kind.status, kind.code) for kind in error_types())


def test_every_error_has_a_meaning_and_a_remedy():
    for row in table(REST, "status", "code", "meaning", "remedy"):
        assert len(row) == 4, row
        assert all(row), row


def test_openapi_knows_every_error_code():
    assert COMPONENTS["schemas"]["Code"]["enum"] == [kind.code for kind in error_types()]
    described = " ".join(one["description"] for one in COMPONENTS["responses"].values())
    for kind in error_types():
        assert re.search(rf"(?<![a-z-]){kind.code}(?![a-z-])", described), kind.code


def test_rest_lists_every_url_with_its_methods(methods):
    listed = {row[0]: set(row[1].split()) for row in table(REST, "URL", "methods")}
    assert listed == {pattern: found - {"HEAD", "OPTIONS"} for pattern, found in methods.items()}


def test_rest_lists_every_page(patterns):
    listed = {row[0] for row in table(REST, "page", "shows")}
    assert listed == {found for name, found in patterns.items() if name.startswith("page.")}


def test_head_goes_with_every_get(methods):
    assert [p for p, found in methods.items() if ("GET" in found) != ("HEAD" in found)] == []


def test_openapi_lists_every_url_with_its_methods(methods):
    listed = {
        path: {name.upper() for name in item if name != "parameters"}
        for path, item in OPENAPI["paths"].items()
    }
    # OPTIONS goes with every URL and tells no more than this document.
    assert listed == {pattern: found - {"OPTIONS"} for pattern, found in methods.items()}


def test_every_part_of_a_url_is_a_documented_parameter():
    for path, item in OPENAPI["paths"].items():
        named = [target(one)["name"] for one in item.get("parameters", ())]
        assert named == re.findall(r"{(\w+)}", path), path


def test_openapi_is_valid():
    validate(OPENAPI)


def test_every_component_is_used():
    for kind, components in COMPONENTS.items():
        if kind != "securitySchemes":
            for name in components:
                assert f'"#/components/{kind}/{name}"' in OPENAPI_TEXT, f"{kind}/{name}"


def test_no_answer_has_room_for_undocumented_properties():
    for name, schema in COMPONENTS["schemas"].items():
        if name.endswith(("Fields", "Properties")):
            continue  # parts of others, which are closed
        if "properties" in schema or "allOf" in schema:
            closed = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
            assert closed is False, name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_openapi_and_pydantic_have_the_same_fields(model):
    schema = COMPONENTS["schemas"][model.__name__]
    assert set(properties(schema)) == set(model.model_fields)
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert set(schema.get("required", ())) == required


def test_every_url_takes_in_openapi_the_query_parameters_that_its_view_takes(registry, routes):
    for entry in registry.introspector.get_category("views"):
        view = entry["introspectable"]
        if view["route_name"] not in routes:
            continue
        named = view["request_methods"]
        methods = {named} if isinstance(named, str) else set(named)
        for method in methods | ({"HEAD"} if "GET" in methods else set()):
            operation = OPENAPI["paths"][routes[view["route_name"]]][method.lower()]
            listed = [target(one) for one in operation.get("parameters", ())]
            taken = {one["name"] for one in listed if one["in"] == "query"}
            model = view.get("query") or schemas.NoFields
            assert taken == set(model.model_fields), operation["operationId"]


def test_every_url_takes_in_openapi_the_fields_that_its_view_takes(registry, routes):
    for entry in registry.introspector.get_category("views"):
        view = entry["introspectable"]
        if view["route_name"] not in routes or view["route_name"] in routing.UPLOADS:
            continue
        named = view["request_methods"]
        for method in (named,) if isinstance(named, str) else named:
            operation = OPENAPI["paths"][routes[view["route_name"]]][method.lower()]
            if (model := view.get("fields")) is None:
                assert "requestBody" not in operation, operation["operationId"]
                continue
            name = model.__name__
            assert operation["requestBody"] == {"$ref": f"#/components/requestBodies/{name}"}
            content = target(operation["requestBody"])["content"]
            assert {one["schema"]["$ref"] for one in content.values()} == {
                f"#/components/schemas/{name}"
            }
            assert set(content) == {
                "application/json",
                "application/x-www-form-urlencoded",
                "multipart/form-data",
            }


def test_rest_names_every_field_of_every_request():
    for model in (*MODELS, queries.ListQuery, queries.NamedQuery, queries.ImageQuery):
        for name in model.model_fields:
            assert re.search(rf"`(?:[^`]*\s)?{name}(?:\s[^`]*)?`", REST), (model, name)


@pytest.mark.parametrize(
    ("title", "schema"),
    [
        ("User", "User"),
        ("Certificate", "Certificate"),
        ("Group", "Group"),
        ("Image", "Image"),
        ("Unfinished uploads", "Upload"),
        ("/healthz", "Health"),
        ("/api/storage", "Storage"),
        ("/api, /api/openapi.yaml, /api/whoami", "PresentedCertificate"),
    ],
)
def test_rest_and_openapi_show_the_same_objects(title, schema):
    listed = [row[0] for row in table(section(REST, title), "field", "type")]
    assert listed == list(properties(COMPONENTS["schemas"][schema]))


def test_rest_lists_every_metric_with_its_type_and_labels():
    listed = table(section(REST, "/metrics"), "metric", "type", "labels", "meaning")
    assert [tuple(row[:3]) for row in listed] == [
        (one.name, one.kind, " ".join(one.labels)) for one in FAMILIES
    ]
    assert all(row[3] for row in listed)


def test_rest_and_openapi_show_the_same_members_of_errors():
    standard = ["type", "title", "status", "detail", "code"]
    listed = [row[0] for row in table(REST, "member", "type")]
    assert standard + listed == list(properties(COMPONENTS["schemas"]["Problem"]))


def test_permissions_are_documented():
    known = [str(permission) for permission in Permission]
    assert COMPONENTS["schemas"]["Permission"]["enum"] == known
    rows = table(REST, "permission", "lets its holder")
    listed = [name.strip("`") for row in rows for name in row[0].split()]
    assert sorted(listed) == sorted(known)


def test_formats_and_dangers_are_documented():
    assert COMPONENTS["schemas"]["Format"]["enum"] == [*FORMAT_NAMES]
    assert COMPONENTS["schemas"]["Dangers"]["items"]["enum"] == [*Danger]
    assert [row[0] for row in table(REST, "danger")] == [*Danger]


def own_headers(text: str) -> set[str]:
    """Return Repoman's own headers that a text names, in one spelling."""
    return {one.lower() for one in re.findall(r"X-Repoman-[A-Za-z-]*[a-z]", text, re.IGNORECASE)}


def test_every_header_of_ours_is_documented():
    code = "\n".join(path.read_text() for path in (ROOT / "repoman").rglob("*.py"))
    sent = own_headers(code)
    assert {row[0].lower() for row in table(REST, "header", "in")} == sent
    assert own_headers(REST) == sent
    assert own_headers(OPENAPI_TEXT) == sent


def shown(default: object) -> str:
    """Write a default as the README does."""
    if default is MISSING:
        return "required"
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return " ".join(default) if isinstance(default, tuple) else str(default)


def test_readme_lists_every_setting_with_its_default():
    listed = {row[0]: row[1] for row in table(README, "`[app:main]`", "default")}
    assert listed == {one.metadata["key"]: shown(one.default) for one in fields(Settings)}


def test_readme_lists_every_setting_of_the_server_with_its_default():
    listed = {row[0]: row[1] for row in table(README, "`[server:main]`", "default")}
    assert listed == {one.name: shown(one.default) for one in fields(ServerSettings)}


def commands(command: click.Command, *names: str) -> dict[str, click.Command]:
    """Return every command of ``repoman-admin`` by its name, as in ``user add``."""
    if not isinstance(command, click.Group):
        return {" ".join(names): command}
    found = {}
    for name, inner in command.commands.items():
        found |= commands(inner, *names, name)
    return found


def test_readme_lists_every_command_of_repoman_admin():
    listed = {row[0].removeprefix("repoman-admin ") for row in table(README, "command", "does")}
    bare = {re.sub(r" [A-Z\[-].*", "", one) for one in listed}
    assert bare == set(commands(admin.main))


def test_readme_uses_only_options_that_repoman_admin_has():
    known = {
        option
        for command in (admin.main, *commands(admin.main).values())
        for one in command.params
        for option in one.opts
    }
    for line in README.splitlines():
        if "repoman-admin" in line:
            assert set(re.findall(r"(?<=[ \[(`])--[a-z-]+", line)) <= known, line


def test_readme_names_only_targets_of_the_makefile():
    made = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"run", "test"} <= named <= made


def test_every_threat_names_a_test_that_exists():
    page = (ROOT / "docs" / "threats.markdown").read_text()
    code = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    threats = [line for line in rows if not line.startswith("| threat |")]
    assert len(threats) > 40
    for line in threats:
        named = re.findall(r"`(test_\w+)`", line.rsplit("|", 2)[1])
        assert named, line
        for name in named:
            assert f"def {name}(" in code, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        linked = page.parent / path if path else page
        assert linked.exists(), link
        if anchor:
            heads = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in heads}
            assert anchor in anchors, link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_hold_no_path_of_somebodys_machine(page):
    assert re.findall(r"(?:/home/|/Users/|/work/|/root/)\S*", page.read_text()) == []

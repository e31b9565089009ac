"""Request bodies and queries: every kind of body alike, and bad input answered by what to do."""

import json
import string
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import API

pytestmark = pytest.mark.through_apache

URL = "/api/images"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@pytest.fixture
def crowd(people):
    """An admin and alice, each with an image ``x``."""
    people.alice.create("x")
    people.admin.create("x")
    return people


def refused(answer, code, field=None):
    assert answer.headers["X-Repoman-Error"] == answer.json["code"] == code
    assert answer.json.get("field") == field
    assert answer.content_type == "application/problem+json"


def send(client, body, content_type=FORM, url=URL, status=400):
    """POST raw bytes."""
    if isinstance(body, str):
        body = body.encode()
    headers = {"Content-Type": content_type} if content_type is not None else {}
    return client.post(url, body, headers=headers, status=status)


def multipart(*parts, boundary="b"):
    """Write the parts' names and values as multipart/form-data."""
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts
    ]
    return ("".join(lines) + f"--{boundary}--\r\n").encode(errors="surrogatepass")


def urlencode_anything(pairs):
    """Write a form, lone surrogates as invalid UTF-8."""
    return urlencode(pairs, errors="surrogatepass")


def send_multipart(client, *parts, **options):
    return send(client, multipart(*parts), 'multipart/form-data; boundary="b"', **options)


# --- three kinds of body


FIELDS = [("name", "x"), ("description", "a & b = ünïcode\n😀"), ("hypervisor", "xen,kvm"),
          ("group", ""), ("read_only", "true")]  # fmt: skip


def test_form_multipart_and_json_say_the_same(people):
    made = {
        "form": people.alice.client.post(URL, dict(FIELDS), status=201).json,
        "multipart": send_multipart(people.bob.client, *FIELDS, status=201).json,
        "json": people.carol.client.post_json(URL, dict(FIELDS), status=201).json,
        "typed": people.dave.client.post_json(
            URL,
            dict(FIELDS) | {"hypervisor": ["xen", "kvm"], "group": None, "read_only": True},
            status=201,
        ).json,
    }
    expected = {"description": "a & b = ünïcode\n😀", "hypervisor": ["xen", "kvm"], "group": None}
    for kind, image in made.items():
        assert image.items() >= (expected | {"read_only": True}).items(), kind


def test_a_form_may_hold_raw_utf8_and_a_charset(alice):
    made = send(alice, "name=x&description=Zoë+%C3%AB", f"{FORM}; charset=UTF-8", status=201)
    assert made.json["description"] == "Zoë ë"
    made = send(alice, '{"name": "y"}', f"{JSON};charset=utf-8", status=201)
    refused(send(alice, "name=z", f"{FORM}; charset=latin-1", status=415), "unsupported-media-type")


@pytest.mark.parametrize(
    "text", ["true", "TRUE", "1", "yes", "Yes", "on", "false", "0", "no", "OFF"]
)
def test_booleans_in_every_spelling(alice, text):
    made = alice.post(URL, {"name": "x", "read_only": text}, status=201).json
    assert made["read_only"] is (text.lower() in {"true", "1", "yes", "on"})


def test_what_is_no_boolean(alice, subtests):
    for value in ["maybe", "2", "tru\u0435", "t", 1, 0, [True], {"a": True}, "1 1"]:
        with subtests.test(value=value):
            answer = alice.post_json(URL, {"name": "x", "read_only": value}, status=400)
            refused(answer, "invalid-parameter", "read_only")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2099-11-24T05:37:00Z", "2099-11-24T05:37:00Z"),
        ("2099-11-24t05:37:00z", "2099-11-24T05:37:00Z"),
        ("2099-11-24T05:37:00+02:00", "2099-11-24T03:37:00Z"),
        ("2099-11-24T05:37:00.999Z", "2099-11-24T05:37:00Z"),
    ],
)
def test_times_are_rfc_3339(alice, text, shown):
    assert alice.post(URL, {"name": "x", "expires": text}, status=201).json["expires"] == shown


def test_what_is_no_time(alice, subtests):
    for text in [
        "tomorrow",
        "2099-11-24",
        "2099-11-24T05:37:00",
        "2099-13-24T05:37:00Z",
        "2099-11-24 05:37:00Z",
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00Z",
        "٢٠٩٩-11-24T05:37:00Z",
        4102444800,
    ]:
        with subtests.test(text=text):
            answer = alice.post_json(URL, {"name": "x", "expires": text}, status=400)
            refused(answer, "invalid-parameter", "expires")


# --- fields that cannot be taken


SERVERS_OWN = ["uuid", "url", "size", "checksum", "created", "state", "files", "version", "expired"]


def test_an_unknown_field_is_refused_and_never_ignored(alice, subtests):
    for field in ["nosuch", "Name", "name[]", "", " name", "ünï", "a" * 300, *SERVERS_OWN]:
        with subtests.test(field=field):
            fields = {"name": "x", field: "1"}
            answers = [
                alice.post(URL, fields, status=400),
                alice.post_json(URL, fields, status=400),
            ]
            if field:  # A part without a name is malformed.
                answers.append(send_multipart(alice, *fields.items()))
            for answer in answers:
                refused(answer, "unknown-parameter", field[:100])
    assert alice.get(URL).json == []


def test_a_repeated_field_is_refused(alice, subtests):
    for body, content_type in [
        ("name=x&name=x", FORM),
        ("name=x&%6eame=y", FORM),
        ('{"name": "x", "name": "x"}', JSON),
        ('{"name": "x", "n\\u0061me": "y"}', JSON),
        (multipart(("name", "x"), ("name", "y")), "multipart/form-data; boundary=b"),
    ]:
        with subtests.test(body=body, content_type=content_type):
            refused(send(alice, body, content_type), "repeated-parameter", "name")


def test_a_repeated_key_within_a_json_value_is_refused(alice):
    refused(send(alice, '{"a": {"b": 1, "b": 2}}', JSON), "repeated-parameter", "b")


WRONG = [1, 1.5, True, ["x"], {"a": 1}, [[]], 10**400]


def test_text_is_text(alice, subtests):
    for value in WRONG:
        for field in [
            "name",
            "description",
            "os_type",
            "owner",
            "copy_of",
            "expires",
            "group",
            "group_access",
        ]:
            with subtests.test(value=value, field=field):
                answer = alice.post_json(URL, {"name": "x", field: value}, status=400)
                refused(answer, "invalid-parameter", field)


def test_a_list_is_of_texts(alice, subtests):
    for value in [1, True, {"a": 1}, [1], [["kvm"]], [None], [{}]]:
        with subtests.test(value=value):
            answer = alice.post_json(URL, {"name": "x", "hypervisor": value}, status=400)
            refused(answer, "invalid-parameter", "hypervisor")


def test_group_access_is_one_of_three(alice, subtests):
    for access in ["READ", "rw", "readwrite", " read", "0"]:
        with subtests.test(access=access):
            answer = alice.post(URL, {"name": "x", "group_access": access}, status=400)
            refused(answer, "invalid-parameter", "group_access")
            assert "'none', 'read' or 'write'" in answer.json["detail"]


CONTROLS = ["\0", "\x01", "\t", "\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\u200f", "\u061c"]


def test_what_cannot_be_seen_is_refused(alice, subtests):
    for char in [*CONTROLS, "\r", "\ud800"]:
        for field in ["description", "os_type"]:
            with subtests.test(char=char, field=field):
                answer = alice.post_json(URL, {"name": "x", field: f"a{char}b"}, status=400)
                refused(answer, "invalid-parameter", field)
                assert f"U+{ord(char):04X}" in answer.json["detail"]


def test_a_new_line_is_for_descriptions_only(alice):
    made = alice.post(URL, {"name": "x", "description": "a\r\nb\nc"}, status=201).json
    assert made["description"] == "a\nb\nc"
    answer = alice.post(URL, {"name": "y", "os_type": "a\nb"}, status=400)
    refused(answer, "invalid-parameter", "os_type")


@pytest.mark.parametrize(
    ("field", "most"), [("description", 4096), ("os_type", 255), ("os_arch", 255)]
)
def test_texts_are_bounded_in_characters(alice, field, most):
    assert alice.post(URL, {"name": "x", field: "😀" * most}, status=201).json[field] == "😀" * most
    answer = alice.post(URL, {"name": "y", field: "a" * (most + 1)}, status=400)
    refused(answer, "invalid-parameter", field)
    assert str(most) in answer.json["detail"]


# --- bodies that cannot be read


def test_a_body_over_1_mib_is_413_and_just_under_is_read(alice):
    for body, content_type in (
        (b"description=" + b"a" * (10 << 20), FORM),
        (b'{"description": "' + b"a" * (10 << 20) + b'"}', JSON),
        (multipart(("description", "a" * (10 << 20))), "multipart/form-data; boundary=b"),
        (b"a" * ((1 << 20) + 1), "text/plain"),
    ):
        answer = send(alice, body, content_type, status=413)
        refused(answer, "body-too-large")
        assert answer.json["limit"] == 1 << 20
    body = b"name=x&description=" + b"a" * ((1 << 20) - 19)
    refused(send(alice, body, FORM), "invalid-parameter", "description")
    assert alice.get(URL).json == []


def test_a_body_that_is_not_what_it_says_is_malformed(alice, subtests):
    for body, content_type in [
        (b"name=x&description=%ff", FORM),
        (b"name=x&description=\xff", FORM),
        (b"name=x&%ff=1", FORM),
        (b"name", FORM),
        (b"name=x&", FORM),
        (b"&".join(b"f%d=1" % n for n in range(2000)), FORM),
        (b'{"name": "\xff"}', JSON),
        (b"{", JSON),
        (b"[]", JSON),
        (b"null", JSON),
        (b'"x"', JSON),
        (b"1", JSON),
        (b"{} {}", JSON),
        (b"{'name': 'x'}", JSON),
        (b'{"name": "x",}', JSON),
        (b'{"name": NaN}', JSON),
        (b'{"name": -Infinity}', JSON),
        (b"9" * 5000, JSON),
        (b'{"name": ' + b"9" * 5000 + b"}", JSON),
        (b"[" * 100_000, JSON),
        (b'{"a":' * 100_000, JSON),
        (b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}", JSON),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary="),
        (b"x", "multipart/form-data; boundary=b"),
        (b"x", 'multipart/form-data; boundary="'),
        (b"x", "multipart/form-data; boundary=" + "b" * 300),
        (b"x", "multipart/form-data; boundary=\xe4"),
        (multipart(("name", "x"))[:-6], "multipart/form-data; boundary=b"),
        (multipart(("name", "x")), "multipart/form-data; boundary=other"),
        (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (multipart(("name", "\ud800")), "multipart/form-data; boundary=b"),
        (multipart(('name"; filename="f', "x")), "multipart/form-data; boundary=b"),
        (multipart(*((f"f{n}", "1") for n in range(1100))), "multipart/form-data; boundary=b"),
    ]:
        with subtests.test(body=body, content_type=content_type):
            answer = send(alice, body, content_type)
            assert answer.headers["X-Repoman-Error"] == "malformed-body"
            assert alice.get(URL).json == []


def test_other_content_types_are_415_and_told_which_will_do(alice, subtests):
    for content_type in [
        "text/plain",
        "application/xml",
        "application/octet-stream",
        "",
        "json",
        "multipart/mixed;boundary=b",
        "application/json5",
        "application/x-www-form-urlencoded2",
    ]:
        with subtests.test(content_type=content_type):
            answer = send(alice, "name=x", content_type, status=415)
            refused(answer, "unsupported-media-type")
            assert "application/json" in answer.json["detail"]


def test_without_content_type_a_body_is_415_and_no_body_is_no_fields(alice):
    environ = {"CONTENT_TYPE": ""}
    answer = alice.post(URL, b"name=x", extra_environ=environ, status=415)
    refused(answer, "unsupported-media-type")
    refused(alice.post(URL, b"", extra_environ=environ, status=400), "missing-parameter", "name")
    refused(send(alice, "", JSON), "missing-parameter", "name")
    refused(send(alice, "{}", JSON), "missing-parameter", "name")
    refused(send(alice, "name=", FORM), "missing-parameter", "name")
    refused(send(alice, '{"name": null}', JSON), "missing-parameter", "name")


def test_a_url_that_takes_no_fields_says_so(people, alice):
    people.alice.create("x")
    refused(alice.delete(f"{URL}/x", {"purge": "true"}, status=400), "unknown-parameter", "purge")
    url = f"/api/groups/users/users/{people.bob.name}"
    refused(people.admin.client.put(url, {"admin": "1"}, status=400), "unknown-parameter", "admin")
    alice.get(f"{URL}/x", status=200)


def test_an_unknown_query_parameter_is_refused(people, alice, subtests):
    people.alice.create("x")
    people.alice.upload("x")
    for query, code, field in [
        ("expanded=true", "unknown-parameter", "expanded"),
        ("expanded=", "unknown-parameter", "expanded"),
        ("a=1&a=1", "repeated-parameter", "a"),
        ("x", "invalid-parameter", None),
        ("&", "invalid-parameter", None),
        ("a;b", "invalid-parameter", None),
        ("a=%ff", "invalid-parameter", None),
        ("%ff=1", "invalid-parameter", None),
        ("%00=1", "unknown-parameter", "\0"),
        ("a" * 300 + "=1", "unknown-parameter", "a" * 100),
    ]:
        with subtests.test(query=query, code=code, field=field):
            for method, url in (
                (alice.get, "/api"),
                (alice.get, "/api/whoami"),
                (alice.get, f"{URL}/x"),
                (alice.get, f"{URL}/raw/x"),
                (alice.put, f"{URL}/raw/x"),
                (alice.delete, f"{URL}/x"),
                (alice.post, f"{URL}/x"),
            ):
                refused(method(f"{url}?{query}", status=400), code, field)
    alice.get(f"{URL}/raw/x", status=200)


def test_a_path_that_is_not_utf8_is_400(alice, subtests):
    for path in ["/api/%ff", "/api/images/%c3%28", "/api/users/%ff", "/%ff"]:
        with subtests.test(path=path):
            for method in (alice.get, alice.post, alice.put, alice.delete):
                refused(method(path, status=400), "invalid-parameter")


# --- the order of checks


def test_the_right_is_settled_before_the_body(people, alice):
    people.alice.create("x")
    people.join("lab", people.alice, people.bob)
    alice.post(f"{URL}/x/share/group/lab")
    bad = [(b"{", JSON), (b"a" * (2 << 20), FORM), (b"x", "text/plain"), (b"nosuch=1", FORM)]
    urls = [
        (f"{URL}/alice/x", 403),
        (f"{URL}/alice/nosuch", 404),
        (f"{URL}/alice/x/share/user/bob", 403),
        ("/api/users", 403),
        ("/api/users/alice", 403),
        ("/api/users/nobody", 404),
        ("/api/users/alice/certificates", 403),
        ("/api/groups", 403),
        ("/api/groups/lab/users", 403),
        ("/api/groups/lab/users/bob", 403),
        ("/api/nosuch", 404),
        ("/api/whoami", 405),
    ]
    for url, status in urls:
        for body, content_type in bad:
            send(people.bob.client, body, content_type, url=url, status=status)
        people.bob.client.post(f"{url}?nosuch=1", status=status)
    people.bob.client.delete("/api/groups/users/users/bob")
    for body, content_type in bad:
        send(people.bob.client, body, content_type, status=403)


def test_a_bad_field_is_told_before_a_conflict(people, alice):
    people.alice.create("x")
    fields = {"name": "x", "group_access": "all"}
    refused(alice.post(URL, fields, status=400), "invalid-parameter", "group_access")


# --- anything at all

SOME = ["x", "kvm", "true", "", "2099-01-01T00:00:00Z", "/CN=A", "CN=A", "alice", "users", "\ud800",
        "image_modify", "https://[", "a/b", "0" * 32, f"{API}/images/alice/x"]  # fmt: skip
NAMES = ["name", "description", "os_type", "hypervisor", "group", "group_access", "read_only",
         "expires", "owner", "user_name", "copy_of", "unauthenticated_access", "cert_dn",
         "issuer_dn", "client_dn", "certificate", "email", "full_name", "suspended", "groups",
         "users", "permissions"]  # fmt: skip
TARGETS = ["POST /api/images", "POST /api/users", "POST /api/groups", "PATCH /api/images/x",
           "PATCH /api/users/alice", "POST /api/users/alice/certificates",
           "POST /api/groups/users/users", "PUT /api/images/x/share/user/alice"]  # fmt: skip
KINDS = [FORM, JSON, "multipart/form-data; boundary=b", "multipart/form-data"]

texts = st.text(max_size=30) | st.text(string.printable, max_size=20) | st.sampled_from(SOME)
names = st.sampled_from(NAMES) | texts
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
visible = st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
bodies = st.one_of(
    st.tuples(st.just(JSON), st.dictionaries(names, values, max_size=5).map(json.dumps)),
    st.tuples(st.just(FORM), st.dictionaries(names, texts, max_size=5).map(urlencode_anything)),
    st.tuples(
        st.just("multipart/form-data; boundary=b"),
        st.lists(st.tuples(names, texts), max_size=5).map(lambda parts: multipart(*parts)),
    ),
    st.tuples(st.sampled_from(KINDS) | st.text(visible, max_size=40), st.binary(max_size=200)),
)


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(target=st.sampled_from(TARGETS), body=bodies)
def test_no_body_is_a_defect_of_ours(crowd, target, body):
    method, url = target.split()
    content_type, data = body
    answer = crowd.admin.client.request(
        url,
        method=method,
        body=data.encode() if isinstance(data, str) else data,
        headers={"Content-Type": content_type},
        status="*",
    )
    assert answer.status_int < 500, answer.json
    assert ("X-Repoman-Error" in answer.headers) == (answer.status_int >= 400)

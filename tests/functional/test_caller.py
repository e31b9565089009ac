"""Who the caller is: certificates, proxies, issuers, and the four refusals."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
import simplejson
from webtest import TestApp

import repoman
from repoman.certificates.names import from_x509, parse
from repoman.services import certificates, groups, users
from tests import standing
from tests.factories import API, People
from tests.odd_names import ODD_SUBJECTS
from tests.pki import CertificateAuthority

pytestmark = pytest.mark.through_apache

URLS = [
    *("/api/whoami", "/api/users", "/api/images/alice/x", "/api/images/raw/x"),
    *("/images", "/me", "/nowhere"),
]


@pytest.fixture
def other_authority():
    return CertificateAuthority("/C=XX/O=Other Grid/CN=Other CA")


@pytest.fixture
def strict(ini, sessions, authority):
    """People of a server that takes no proxies, and so no certificate but the name alone."""
    ini["repoman.accept_proxies"] = "false"
    with standing.serving(ini) as application:
        yield People(application, sessions, authority)


def refused(client, url, status, code):
    """GET ``url`` and return the body of its refusal."""
    answer = client.get(url, status=status)
    assert answer.headers["X-Repoman-Error"] == answer.json["code"] == code
    assert answer.content_type == "application/problem+json"
    assert "X-Repoman-User" not in answer.headers
    return answer.json


def whoami(client):
    return client.get("/api/whoami", status=200).json


# --- the four refusals


@pytest.mark.parametrize("url", URLS)
def test_without_certificate_everything_is_401_whether_it_exists_or_not(people, url):
    people.alice.create("x")
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        answer = people.anonymous.request(url, method=method, status=401)
        assert answer.headers["X-Repoman-Error"] == "certificate-required"
        assert answer.headers["WWW-Authenticate"] == "X509"
        if method != "HEAD":
            assert "certificate" in answer.json["detail"]


def test_a_path_that_is_not_utf8_tells_anonymous_nothing(people):
    people.anonymous.get("/api/images/%ff", status=401)
    people.alice.client.get("/api/images/%ff", status=400)


def test_without_certificate_the_api_page_can_be_read(people):
    answer = people.anonymous.get("/api", status=200)
    assert answer.json["user"] is None
    assert answer.json["links"]["images"].endswith("/api/images")
    people.anonymous.post("/api", status=401)


@pytest.mark.in_process
@pytest.mark.parametrize("url", ["/api", "/api/openapi.yaml"])
def test_what_anonymous_may_read_everyone_may(people, url):
    if url.endswith("yaml") and not files("repoman").joinpath("openapi.yaml").is_file():
        pytest.skip("openapi.yaml is not written yet")
    stranger = people.client(people.holder("Nobody"))
    invalid = TestApp(people.application, {"SSL_CLIENT_VERIFY": "FAILED:expired"})
    for client in (people.anonymous, stranger, invalid, people.alice.client):
        client.get(url, status=200)


@pytest.mark.in_process
@pytest.mark.parametrize("verify", ["FAILED:certificate has expired", "GENEROUS", "success"])
def test_a_certificate_that_the_server_did_not_verify_is_invalid(people, verify):
    environ = people.alice.holder.environ() | {"SSL_CLIENT_VERIFY": verify}
    refused(TestApp(people.application, environ), "/api/whoami", 403, "certificate-invalid")


@pytest.mark.in_process
def test_a_certificate_that_expired_on_a_long_lived_connection_is_invalid(people, authority):
    gone = authority.issue("/CN=Ann", not_after=datetime.now(UTC) - timedelta(minutes=1))
    body = refused(people.client(gone), "/api/whoami", 403, "certificate-invalid")
    assert "expired" in body["detail"]


def test_an_empty_subject_is_invalid(people, authority):
    nameless = people.client(authority.issue([]))
    assert "empty" in refused(nameless, "/api/whoami", 403, "certificate-invalid")["detail"]


def test_an_unknown_certificate_is_told_its_name_as_an_administrator_needs_it(people):
    holder = people.authority.issue([("O", "Grid"), ("CN", "a/CN=b+c\\d")])
    body = refused(people.client(holder), "/api/whoami", 403, "certificate-unknown")
    assert body["client_dn"] == r"/O=Grid/CN=a\/CN=b\+c\\d"
    assert body["client_dn"] in body["detail"]
    assert body["issuer_dn"] == "/C=CA/O=Test Grid/CN=Test CA"
    # Unknown URLs tell no more.
    refused(people.client(holder), "/nowhere", 403, "certificate-unknown")

    dn = {"user_name": "new", "cert_dn": body["client_dn"], "issuer_dn": body["issuer_dn"]}
    people.admin.client.post("/api/users", dn, status=201)
    assert whoami(people.client(holder))["user_name"] == "new"


def test_a_suspended_user_is_locked_out_and_let_in_again(people):
    alice, admin = people.alice, people.admin
    admin.client.patch_json("/api/users/alice", {"suspended": True}, status=200)
    refused(alice.client, "/api/whoami", 403, "account-suspended")
    refused(alice.client, "/nowhere", 403, "account-suspended")
    admin.client.patch_json("/api/users/alice", {"suspended": False}, status=200)
    assert whoami(alice.client)["user_name"] == "alice"


def test_a_certificate_taken_away_lets_nobody_in(people):
    url = whoami(people.alice.client)["certificates"][0]
    people.admin.client.delete(url, status=200)
    refused(people.alice.client, "/api/whoami", 403, "certificate-unknown")


# --- names


def test_headers_are_no_certificate(people):
    headers = {
        name: value for name, value in people.alice.holder.environ().items() if "SSL" in name
    }
    forged = {name.replace("_", "-"): value for name, value in headers.items() if "\n" not in value}
    forged |= {f"HTTP_{name}": value for name, value in forged.items()}
    body = people.anonymous.get("/api/whoami", headers=forged, status=401)
    assert body.headers["X-Repoman-Error"] == "certificate-required"
    answer = people.bob.client.get("/api/whoami", headers=forged)
    assert answer.json["user_name"] == answer.headers["X-Repoman-User"] == "bob"


def issue_odd(authority):
    """Issue a certificate for each odd subject that a certificate can have."""
    holders = {}
    for name, subject in ODD_SUBJECTS.items():
        try:
            holders[name] = authority.issue(subject)
        except ValueError:
            continue
    assert len(holders) > 40
    return holders


@pytest.mark.parametrize(
    "by",
    [
        "client_dn",
        # What was registered how is no matter to the web server.
        pytest.param("certificate", marks=pytest.mark.in_process),
        pytest.param("rfc4514", marks=pytest.mark.in_process),
    ],
)
def test_every_odd_name_is_its_own_user_and_nobody_elses(people, by):
    holders = issue_odd(people.authority)
    clients = {name: people.client(holder) for name, holder in holders.items()}
    for number, (name, client) in enumerate(clients.items()):
        shown = refused(client, "/api/whoami", 403, "certificate-unknown")["client_dn"]
        fields = {
            "client_dn": {"client_dn": shown},
            "certificate": {"certificate": holders[name].pem},
            "rfc4514": {"cert_dn": parse(shown).rfc4514},
        }[by]
        answer = people.admin.client.post_json(
            "/api/users", {"user_name": f"user{number}", **fields}, status=201
        )
        assert answer.json["client_dn"] == shown
    for number, (name, client) in enumerate(clients.items()):
        assert whoami(client)["user_name"] == f"user{number}", name


MOD_SSL_SPELLINGS = [
    ("CN=Zoë Lee\\, PhD,O=Grid,C=CA", "/C=CA/O=Grid/CN=Zoë Lee, PhD"),
    ("/C=CA/O=Grid/CN=Ann Lee, PhD", "/C=CA/O=Grid/CN=Ann Lee, PhD"),
]


@pytest.mark.parametrize(("spelling", "dn"), MOD_SSL_SPELLINGS)
def test_the_name_alone_serves_in_both_of_mod_ssls_spellings(strict, spelling, dn):
    fields = {"user_name": "ann", "client_dn": dn}
    strict.admin.client.post_json("/api/users", fields, status=201)
    environ = {
        "SSL_CLIENT_VERIFY": "SUCCESS",
        "SSL_CLIENT_S_DN": spelling.encode().decode("latin-1"),
    }
    shown = whoami(TestApp(strict.application, environ))
    assert shown["user_name"] == "ann"
    assert shown["certificate"]["dn"] == dn


@pytest.mark.in_process
@pytest.mark.parametrize(("spelling", "dn"), MOD_SSL_SPELLINGS)
def test_where_proxies_are_accepted_the_name_alone_is_refused(people, strict, spelling, dn):
    environ = {
        "SSL_CLIENT_VERIFY": "SUCCESS",
        "SSL_CLIENT_S_DN": spelling.encode().decode("latin-1"),
    }
    refused(TestApp(people.application, environ), "/api/whoami", 403, "certificate-invalid")
    environ["REPOMAN_PROXY_CERTS"] = "1"
    refused(TestApp(strict.application, environ), "/api/whoami", 403, "certificate-invalid")


def test_mod_ssls_legacy_spelling_is_refused_where_it_has_a_backslash(strict):
    environ = {"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_S_DN": r"/C=CA/CN=Zo\xC3\xAB"}
    refused(TestApp(strict.application, environ), "/api/whoami", 403, "certificate-invalid")


# --- proxies


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_proxy_of_any_depth_is_its_end_entity(people, depth):
    holder = people.alice.holder
    for _ in range(depth):
        holder = holder.proxy()
    shown = whoami(people.client(holder))
    assert shown["user_name"] == "alice"
    certificate = shown["certificate"]
    assert certificate["proxy_depth"] == depth
    assert certificate["end_entity_dn"] == "/C=CA/O=Grid/CN=Alice"
    assert certificate["dn"].startswith("/C=CA/O=Grid/CN=Alice/CN=")
    assert certificate["limited"] is False


def test_a_true_cn_of_digits_is_no_proxy(people):
    holder = people.authority.issue([("C", "CA"), ("O", "Grid"), ("CN", "Alice"), ("CN", "12345")])
    assert people.alice.name == "alice"
    body = refused(people.client(holder), "/api/whoami", 403, "certificate-unknown")
    assert body["client_dn"] == "/C=CA/O=Grid/CN=Alice/CN=12345"


def test_a_limited_proxy_may_upload_but_not_administer(people):
    limited = people.client(people.admin.holder.proxy(limited=True).proxy())
    assert whoami(limited)["certificate"]["limited"] is True
    limited.post_json("/api/images", {"name": "x"}, status=201)
    limited.put("/api/images/raw/x", b"bytes", status=201)
    limited.post(f"/api/images/x/share/user/{people.bob.name}", status=200)
    limited.delete("/api/images/x", status=200)
    url = whoami(people.bob.client)["certificates"][0]
    attempts = [
        ("POST", "/api/users", {"user_name": "new", "cert_dn": "/CN=New"}),
        ("PATCH", "/api/users/bob", {"full_name": "Bob"}),
        ("PATCH", "/api/users/admin", {"full_name": "Me"}),
        ("DELETE", "/api/users/bob", {}),
        ("POST", "/api/users/bob/certificates", {"client_dn": "/CN=Other"}),
        ("DELETE", url, {}),
        ("POST", "/api/groups", {"name": "lab"}),
        ("POST", "/api/groups/users/users", {"name": "bob"}),
        ("PUT", "/api/groups/admins/users/bob", {}),
        ("DELETE", "/api/groups/users/users/bob", {}),
        ("PATCH", "/api/groups/users", {"description": "x"}),
        ("DELETE", "/api/groups/users", {}),
        ("PUT", "/api/groups/users/admins/bob", {}),
        ("POST", "/api/groups/users/permissions", {"name": "image_modify"}),
        ("DELETE", "/api/groups/users/permissions/image_create", {}),
        ("DELETE", "/api/groups/users/users/admin", {}),
        ("DELETE", "/api/groups/admins/users/admin", {}),
    ]
    for method, path, fields in attempts:
        answer = limited.request(
            path,
            method=method,
            body=simplejson.dumps(fields).encode() if fields else b"",
            content_type="application/json",
            status=403,
        )
        assert answer.headers["X-Repoman-Error"] == "limited-proxy", (method, path)


@pytest.mark.parametrize(
    "options", [{"independent": True}, {"language": "1.2.3.4"}, {"policy": b"x"}], ids=str
)
def test_other_proxies_are_refused(people, options):
    client = people.client(people.alice.holder.proxy(**options))
    refused(client, "/api/whoami", 403, "certificate-invalid")


@pytest.mark.in_process
def test_a_proxy_without_its_chain_is_refused(people):
    proxy = people.alice.holder.proxy()
    client = TestApp(people.application, proxy.environ(chain=[]))
    refused(client, "/api/whoami", 403, "certificate-invalid")


def test_a_proxy_is_refused_where_none_are_accepted(strict):
    refused(strict.client(strict.alice.holder.proxy()), "/api/whoami", 403, "certificate-invalid")
    module = strict.alice.holder.proxy().environ() | {"REPOMAN_PROXY_CERTS": "1"}
    refused(TestApp(strict.application, module), "/api/whoami", 403, "certificate-invalid")


# --- several certificates, several authorities


def test_a_certificate_is_rolled_over_without_a_gap(people):
    new = people.authority.issue("/C=CA/O=Grid/CN=Alice (new)")
    old_url = whoami(people.alice.client)["certificates"][0]
    refused(people.client(new), "/api/whoami", 403, "certificate-unknown")

    added = people.admin.client.post_json(
        "/api/users/alice/certificates", {"client_dn": "/C=CA/O=Grid/CN=Alice (new)"}, status=201
    )
    assert added.headers["Location"] == added.json["url"]
    for client in (people.client(new), people.alice.client):
        assert whoami(client)["certificates"] == [old_url, added.json["url"]]

    people.admin.client.delete(old_url, status=200)
    assert whoami(people.client(new))["client_dn"] == "/C=CA/O=Grid/CN=Alice (new)"
    refused(people.alice.client, "/api/whoami", 403, "certificate-unknown")


@pytest.mark.in_process
def test_a_pinned_issuer_must_match_also_behind_a_proxy(people, other_authority):
    right = people.authority.issue("/CN=Ann")
    wrong = other_authority.issue("/CN=Ann")
    fields = {"user_name": "ann", "cert_dn": "/CN=Ann", "issuer_dn": "/C=CA/O=Test Grid/CN=Test CA"}
    people.admin.client.post_json("/api/users", fields, status=201)
    for holder in (right, right.proxy(), right.proxy().proxy()):
        assert whoami(people.client(holder))["user_name"] == "ann"
    for holder in (wrong, wrong.proxy()):
        body = refused(people.client(holder), "/api/whoami", 403, "certificate-unknown")
        assert body["issuer_dn"] == "/C=XX/O=Other Grid/CN=Other CA"


@pytest.mark.in_process
def test_without_issuer_any_verified_authority_will_do(people, other_authority):
    people.admin.client.post_json("/api/users", {"user_name": "ann", "cert_dn": "/CN=Ann"})
    for authority in (people.authority, other_authority):
        assert whoami(people.client(authority.issue("/CN=Ann")))["user_name"] == "ann"


@pytest.mark.in_process
def test_one_name_of_two_authorities_can_be_two_users(people, other_authority):
    for name, authority in (("ann", people.authority), ("other", other_authority)):
        pem = authority.issue("/CN=Ann").pem
        fields = {"user_name": name, "certificate": pem}
        people.admin.client.post_json("/api/users", fields, status=201)
    for name, authority in (("ann", people.authority), ("other", other_authority)):
        assert whoami(people.client(authority.issue("/CN=Ann")))["user_name"] == name


@pytest.mark.parametrize("first", [{}, {"issuer_dn": "/CN=CA"}], ids=str)
@pytest.mark.parametrize("second", [{}, {"issuer_dn": "/CN=CA"}, {"issuer_dn": "/CN=B"}], ids=str)
def test_a_name_without_issuer_excludes_any_other_registration_of_it(people, first, second):
    admin = people.admin.client
    admin.post_json("/api/users", {"user_name": "ann", "cert_dn": "/CN=Ann", **first}, status=201)
    apart = first and second and first != second
    fields = {"user_name": "other", "cert_dn": "/CN=Ann", **second}
    answer = admin.post_json("/api/users", fields, status=201 if apart else 409)
    added = admin.post_json(
        f"/api/users/{people.bob.name}/certificates",
        {"client_dn": "/CN=Ann", **second},
        status=409,
    )
    for one in (added,) if apart else (added, answer):
        assert one.headers["X-Repoman-Error"] == "certificate-in-use"
        assert "ann" in one.json["detail"] or apart


def test_require_issuer_makes_it_mandatory_and_ignores_registrations_without(
    ini, sessions, authority
):
    ini["repoman.require_issuer"] = "true"
    people = People(repoman.main({}, **ini), sessions, authority)
    refused(people.alice.client, "/api/whoami", 403, "certificate-unknown")

    root = authority.issue("/CN=Root")
    with sessions.changing.begin() as session:
        registration = certificates.Registration(
            from_x509(root.certificate.subject), from_x509(root.certificate.issuer)
        )
        user = users.create(session, "root", registration, {}, hypervisors=[])
        groups.add_member(session, groups.find(session, "admins"), user)
    client = people.client(root)
    answer = client.post_json("/api/users", {"user_name": "ann", "cert_dn": "/CN=Ann"}, status=400)
    assert (answer.json["code"], answer.json["field"]) == ("missing-parameter", "issuer_dn")
    fields = {"user_name": "ann", "cert_dn": "/CN=Ann", "issuer_dn": "/C=CA/O=Test Grid/CN=Test CA"}
    client.post_json("/api/users", fields, status=201)
    assert whoami(people.client(authority.issue("/CN=Ann")))["user_name"] == "ann"
    people.application.sessions.engine.dispose()


# --- what the caller is told


def test_whoami_is_the_callers_user_and_the_certificate_as_the_server_sees_it(people):
    answer = people.alice.client.get("/api/whoami/")
    shown = answer.json
    certificate = shown.pop("certificate")
    assert shown == people.alice.client.get("/api/users/alice").json
    assert shown["suspended"] is False
    assert shown["groups"] == [f"{API}/groups/users"]
    assert shown["permissions"] == ["user_modify_self", "image_create"]
    holder = people.alice.holder
    assert certificate == {
        "dn": "/C=CA/O=Grid/CN=Alice",
        "end_entity_dn": "/C=CA/O=Grid/CN=Alice",
        "issuer_dn": "/C=CA/O=Test Grid/CN=Test CA",
        "proxy_depth": 0,
        "limited": False,
        "not_after": f"{holder.certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
    }


@pytest.mark.in_process
def test_every_answer_says_whose_and_which_request_it_was(people):
    first, second = (people.alice.client.get("/api/whoami") for _ in range(2))
    assert first.headers["X-Repoman-User"] == "alice"
    assert first.headers["X-Repoman-Request-Id"] != second.headers["X-Repoman-Request-Id"]
    refusals = [("/api/images/x", 404), ("/nowhere", 404), ("/api/users?a=1", 400)]
    for url, status in refusals:
        answer = people.alice.client.get(url, status=status)
        assert answer.headers["X-Repoman-User"] == "alice"
        assert len(answer.headers["X-Repoman-Request-Id"]) == 32
    assert "X-Repoman-Request-Id" in people.anonymous.get("/nowhere", status=401).headers


@pytest.mark.in_process
def test_the_request_id_is_apaches_where_it_has_one(people):
    environ = {"UNIQUE_ID": "aXY3@Abc-1"}
    answer = people.alice.client.get("/api/whoami", extra_environ=environ)
    assert answer.headers["X-Repoman-Request-Id"] == "aXY3@Abc-1"

"""Users: making, showing, changing, suspending and deleting them."""

import re

import pytest

from repoman.identity import Permission
from repoman.models import Certificate, User
from repoman.settings import HYPERVISORS
from tests.factories import API

URL = "/api/users"


def refused(answer, code, field=None):
    assert answer.headers["X-Repoman-Error"] == answer.json["code"] == code
    assert answer.json.get("field") == field


def new(name="ann", **fields):
    return {"user_name": name, "cert_dn": f"/O=Grid/CN={name}", **fields}


def names(client):
    return [url.rsplit("/", 1)[1] for url in client.get(URL).json]


# --- making


def test_a_new_user_is_answered_whole_with_its_location(people, admin):
    fields = new(full_name="Ann Lee", email="ann@example.org")
    answer = admin.post(URL, fields, status=201)
    assert answer.headers["Location"] == f"{API}/users/ann"
    made = answer.json
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made.pop("created"))
    (certificate,) = made.pop("certificates")
    assert certificate.startswith(f"{API}/users/ann/certificates/")
    assert made == {
        "user_name": "ann",
        "full_name": "Ann Lee",
        "email": "ann@example.org",
        "client_dn": "/O=Grid/CN=ann",
        "permissions": ["user_modify_self", "image_create"],
        "groups": [f"{API}/groups/users"],
        "images": [],
        "url": f"{API}/users/ann",
        "suspended": False,
        "quota": None,
    }
    assert admin.get(f"{URL}/ann").json.items() >= made.items()
    assert "ann" in names(people.bob.client)


def test_it_takes_user_create_to_make_users(people):
    people.join("clerks", people.carl, permissions=[Permission.USER_CREATE])
    answer = people.bob.client.post_json(URL, new(), status=403)
    refused(answer, "permission-denied")
    assert answer.headers["X-Repoman-Permission"] == "user_create"
    people.carl.client.post_json(URL, new(), status=201)
    # Whom to put into groups, and so to give permissions, is not the clerk's to decide.
    answer = people.carl.client.post_json(URL, new("other", groups="clerks"), status=403)
    assert answer.headers["X-Repoman-Permission"] == "group_modify_membership"
    assert "other" not in names(people.bob.client)


def test_a_new_user_can_be_put_into_groups_and_be_suspended(people, admin):
    people.join("lab", people.bob)
    fields = new(groups=["lab", "users"], suspended=True)
    made = admin.post_json(URL, fields, status=201).json
    assert made["groups"] == [f"{API}/groups/lab", f"{API}/groups/users"]
    assert made["suspended"] is True
    refused(
        admin.post_json(URL, new("x", groups="nosuch"), status=400), "invalid-parameter", "groups"
    )
    assert "x" not in names(admin)


def test_a_user_name_that_no_url_could_hold_is_refused(admin, subtests):
    for name in [
        "",
        "-a",
        ".a",
        "_a",
        "a b",
        "a/b",
        "a\n",
        "ä",
        "\u212a",
        "😀",
        "a" * 101,
        "..",
        "a\0",
        "a%2fb",
        "raw",
        "RAW",
        "uuid",
        "share",
        *HYPERVISORS,
        "KVM",
    ]:
        with subtests.test(name=name):
            answer = admin.post_json(URL, new() | {"user_name": name}, status=400)
            refused(answer, "invalid-parameter" if name else "missing-parameter", "user_name")


@pytest.mark.parametrize("name", ["a", "0", "Ann.Lee_2-x", "a" * 100, "ab" * 16, "users", "admins"])
def test_upper_case_is_folded_in_user_names(admin, name):
    made = admin.post_json(URL, new() | {"user_name": name}, status=201).json
    assert made["user_name"] == name.lower()
    assert admin.get(f"{URL}/{name.upper()}").json == made


def test_conflicts_are_told_in_the_order_name_certificate_email(people, admin):
    admin.post_json(URL, new("ann", email="ann@example.org"), status=201)
    same = new("ann", email="ann@example.org")
    refused(admin.post_json(URL, same, status=409), "user-exists")
    same["user_name"] = "other"
    refused(admin.post_json(URL, same, status=409), "certificate-in-use")
    same["cert_dn"] = "/CN=Other"
    refused(admin.post_json(URL, same, status=409), "email-exists")
    same["email"] = "Ann@example.org"
    admin.post_json(URL, same, status=201)

    url = f"{URL}/{people.bob.name}"
    changes = {"user_name": "ANN", "cert_dn": "/CN=Other", "email": "ann@example.org"}
    refused(admin.patch_json(url, changes, status=409), "user-exists")
    refused(admin.patch_json(url, changes | {"user_name": "b"}, status=409), "certificate-in-use")
    changes |= {"user_name": "b", "cert_dn": "/CN=B"}
    refused(admin.patch_json(url, changes, status=409), "email-exists")
    assert people.bob.client.get("/api/whoami").json["user_name"] == "bob"


def test_a_user_needs_one_distinguished_name_or_certificate(admin, subtests):
    for fields, code, field in [
        ({}, "missing-parameter", "cert_dn"),
        ({"cert_dn": ""}, "missing-parameter", "cert_dn"),
        ({"issuer_dn": "/CN=CA"}, "missing-parameter", "cert_dn"),
        ({"cert_dn": "Ann Lee"}, "invalid-parameter", "cert_dn"),
        ({"cert_dn": "/"}, "invalid-parameter", "cert_dn"),
        ({"client_dn": "C = CA, O = Grid"}, "invalid-parameter", "cert_dn"),
        ({"cert_dn": "/CN=" + "ä" * 2000}, "invalid-parameter", "cert_dn"),
        ({"cert_dn": "/CN=A", "issuer_dn": "CA"}, "invalid-parameter", "issuer_dn"),
        ({"cert_dn": "/CN=A", "client_dn": "/CN=B"}, "invalid-parameter", "client_dn"),
        ({"certificate": "no certificate"}, "invalid-parameter", "certificate"),
        ({"certificate": "-----BEGIN CERTIFICATE-----"}, "invalid-parameter", "certificate"),
        ({"certificate": "\ud800"}, "invalid-parameter", "certificate"),
        ({"cert_dn": "/CN=A", "certificate": "x"}, "invalid-parameter", "certificate"),
    ]:
        with subtests.test(fields=fields, code=code, field=field):
            refused(admin.post_json(URL, {"user_name": "ann", **fields}, status=400), code, field)
            assert names(admin) == ["admin"]


def test_openssls_spaced_order_is_refused_with_a_hint(admin):
    answer = admin.post(URL, new(cert_dn="C = CA, O = Grid, CN = Ann"), status=400)
    assert "give the certificate" in answer.json["detail"]


def test_cert_dn_and_client_dn_are_one_field(admin):
    fields = {"user_name": "ann", "client_dn": "/CN=A", "cert_dn": "/CN=A"}
    assert admin.post_json(URL, fields, status=201).json["client_dn"] == "/CN=A"


def test_a_certificate_gives_name_and_issuer(people, admin):
    pem = people.holder("Ann").pem
    made = admin.post(URL, {"user_name": "ann", "certificate": pem}, status=201).json
    shown = admin.get(made["certificates"][0]).json
    assert shown["client_dn"] == made["client_dn"] == "/C=CA/O=Grid/CN=Ann"
    assert shown["issuer_dn"] == "/C=CA/O=Test Grid/CN=Test CA"


def test_an_email_address_must_look_like_one(admin, subtests):
    for email in ["ann", "@example.org", "ann@", "a@b@c", "a b@c", "a\n@b.c"]:
        with subtests.test(email=email):
            refused(
                admin.post_json(URL, new(email=email), status=400), "invalid-parameter", "email"
            )


# --- showing


def test_every_user_sees_users_and_their_certificates_but_not_who_is_suspended(people):
    people.join("clerks", people.carl, permissions=[Permission.USER_MODIFY])
    url = f"{URL}/{people.alice.name}"
    shown = people.bob.client.get(url).json
    assert shown["client_dn"] == "/C=CA/O=Grid/CN=Alice"
    assert "suspended" not in shown
    for person in (people.alice, people.carl, people.admin):
        assert person.client.get(url).json["suspended"] is False
    listed = people.bob.client.get(f"{url}/certificates").json
    assert listed == shown["certificates"]
    assert people.bob.client.get(listed[0]).json["user"] == shown["url"]


def test_a_users_images_are_those_that_the_caller_may_see(people):
    people.alice.create("mine")
    people.alice.create("shared")
    people.alice.client.post(f"/api/images/shared/share/user/{people.bob.name}")
    url = f"{URL}/alice"
    shared, mine = f"{API}/images/alice/shared", f"{API}/images/alice/mine"
    assert people.bob.client.get(url).json["images"] == [shared]
    assert people.carol.client.get(url).json["images"] == []
    assert people.alice.client.get(url).json["images"] == [mine, shared]


def test_users_are_listed_by_name(people):
    for person in (people.zoe, people.alice, people.mia):
        assert person.name
    assert people.mia.client.get(URL).json == [f"{API}/users/{n}" for n in ("alice", "mia", "zoe")]


def test_an_unknown_user_is_404(admin, subtests):
    for path in ["nosuch", "a%20b", "%00", "a%0A", "%F0%9F%98%80", "a" * 300]:
        for rest in ["", "/certificates"]:
            with subtests.test(path=path, rest=rest):
                refused(admin.get(f"{URL}/{path}{rest}", status=404), "user-not-found")


def test_an_unknown_certificate_is_404(people, admin, subtests):
    for number in ["0", "999", "x", "-1", "1.0", "%F0%9F%98%80", "9" * 400]:
        with subtests.test(number=number):
            url = f"{URL}/{people.bob.name}/certificates/{number}"
            refused(admin.get(url, status=404), "certificate-not-found")
            refused(admin.delete(url, status=404), "certificate-not-found")


def test_anothers_certificate_is_not_found_under_a_user(people, admin):
    mine = people.bob.client.get("/api/whoami").json["certificates"][0]
    other = mine.replace("/bob/", f"/{people.alice.name}/")
    refused(admin.delete(other, status=404), "certificate-not-found")
    people.bob.client.get("/api/whoami", status=200)


# --- changing


@pytest.mark.parametrize("method", ["post", "patch"])
def test_people_change_their_own_name_and_address(people, method):
    url = f"{URL}/{people.bob.name}"
    change = getattr(people.bob.client, method)
    answer = change(url, {"full_name": "Bob Ray", "email": "bob@example.org"}, status=200)
    assert (answer.json["full_name"], answer.json["email"]) == ("Bob Ray", "bob@example.org")
    assert people.bob.client.get(url).json == answer.json
    cleared = people.bob.client.post(url, {"email": "", "full_name": ""}).json
    assert (cleared["full_name"], cleared["email"]) == (None, None)


def test_people_change_nothing_else_of_themselves(people, subtests):
    for fields in [
        {"user_name": "rob"},
        {"cert_dn": "/CN=B"},
        {"suspended": "no"},
        {"certificate": "x"},
        {"full_name": "B", "suspended": ""},
    ]:
        with subtests.test(fields=fields):
            answer = people.bob.client.post(f"{URL}/{people.bob.name}", fields, status=403)
            refused(answer, "permission-denied")
            assert answer.headers["X-Repoman-Permission"] == "user_modify"
            assert people.bob.client.get("/api/whoami").json["full_name"] is None


def test_what_the_server_says_of_a_user_is_no_field(people, admin, subtests):
    shown = admin.get(f"{URL}/{people.bob.name}").json
    for field in ("created", "url", "images", "permissions", "groups", "certificates", "usage"):
        with subtests.test(field=field):
            answer = admin.patch_json(f"{URL}/bob", {field: "other"}, status=400)
            refused(answer, "unknown-parameter", field)
            if field in shown:
                admin.patch_json(f"{URL}/bob", {field: shown[field]}, status=200)
            if field != "groups":
                answer = admin.post_json(URL, new() | {field: shown.get(field)}, status=400)
                refused(answer, "unknown-parameter", field)


def test_people_change_nobody_else(people):
    url = f"{URL}/{people.alice.name}"
    people.bob.client.patch_json(url, {"full_name": "Bob"}, status=403)
    people.bob.client.delete(url, status=403)
    people.bob.client.post_json(f"{url}/certificates", {"client_dn": "/CN=Bob"}, status=403)
    certificate = people.alice.client.get("/api/whoami").json["certificates"][0]
    people.bob.client.delete(certificate, status=403)
    people.alice.client.delete(certificate, status=403)


def test_without_user_modify_self_not_even_themselves(people):
    bob = people.bob.client
    bob.delete("/api/groups/users/users/bob", status=200)
    bob.patch_json(f"{URL}/bob", {"full_name": "Bob"}, status=403)


def test_a_user_is_renamed_with_all_urls(people, admin):
    people.bob.create("x")
    answer = admin.patch_json(f"{URL}/bob", {"user_name": "Rob"}, status=200)
    assert answer.json["url"] == f"{API}/users/rob"
    assert people.bob.client.get("/api/images").json == [f"{API}/images/rob/x"]
    admin.get(f"{URL}/bob", status=404)
    for name, code in (("kvm", "invalid-parameter"), ("", "missing-parameter")):
        refused(admin.post(f"{URL}/rob", {"user_name": name}, status=400), code, "user_name")


def test_a_change_to_what_is_there_is_no_conflict(people, admin):
    url = f"{URL}/{people.bob.name}"
    same = {"user_name": "bob", "cert_dn": "/C=CA/O=Grid/CN=Bob", "email": "b@example.org"}
    for _ in range(2):
        admin.patch_json(url, same, status=200)
    people.bob.client.get("/api/whoami", status=200)


def test_cert_dn_replaces_the_only_certificate(people, admin):
    url = f"{URL}/{people.bob.name}"
    changed = admin.patch_json(url, {"client_dn": "/CN=New"}, status=200).json
    assert changed["client_dn"] == "/CN=New"
    assert len(changed["certificates"]) == 1
    people.bob.client.get("/api/whoami", status=403)
    renewed = people.client(people.authority.issue("/CN=New"))
    assert renewed.get("/api/whoami").json["user_name"] == "bob"

    admin.post_json(f"{url}/certificates", {"cert_dn": "/CN=Second"}, status=201)
    answer = admin.patch_json(url, {"client_dn": "/CN=Third"}, status=409)
    refused(answer, "several-certificates")
    assert "/certificates" in answer.json["detail"]


def test_a_certificate_cannot_be_cleared_by_an_empty_value(people, admin, subtests):
    for field in ["cert_dn", "client_dn", "issuer_dn", "certificate"]:
        with subtests.test(field=field):
            answer = admin.patch_json(f"{URL}/{people.bob.name}", {field: ""}, status=400)
            refused(answer, "missing-parameter", "cert_dn")
            people.bob.client.get("/api/whoami", status=200)


def test_a_certificate_is_registered_once(people, admin):
    url = f"{URL}/{people.bob.name}/certificates"
    dn = {"client_dn": "/C=CA/O=Grid/CN=Bob"}
    refused(admin.post_json(url, dn, status=409), "certificate-in-use")
    refused(admin.post_json(url, {}, status=400), "missing-parameter", "cert_dn")
    dn = {"client_dn": f"/C=CA/O=Grid/CN={people.alice.name.title()}"}
    refused(admin.post_json(url, dn, status=409), "certificate-in-use")
    refused(admin.patch_json(f"{URL}/bob", dn, status=409), "certificate-in-use")
    assert len(people.bob.client.get(url).json) == 1


# --- deleting, and the admins


def test_a_deleted_user_is_gone_with_certificates_memberships_and_shares(people, admin):
    people.join("lab", people.alice, people.bob)
    people.alice.create("x")
    people.alice.client.post("/api/images/x/share/user/bob")
    assert admin.delete(f"{URL}/bob", status=200).json == {"deleted": f"{API}/users/bob"}
    refused(admin.get(f"{URL}/bob", status=404), "user-not-found")
    refused(people.bob.client.get("/api/whoami", status=403), "certificate-unknown")
    assert admin.get("/api/groups/lab").json["users"] == [f"{API}/users/alice"]
    assert people.alice.client.get("/api/images/x").json["shared_with"]["users"] == []
    # The name and the certificate are free, and who takes them inherits nothing.
    admin.post_json(URL, new("bob", cert_dn="/C=CA/O=Grid/CN=Bob"), status=201)
    people.bob.client.get("/api/images/alice/x", status=404)


def test_a_user_who_owns_images_is_not_deleted(people, admin):
    people.bob.create("x")
    answer = admin.delete(f"{URL}/bob", status=409)
    refused(answer, "user-owns-images")
    assert answer.json["usage"] == 1
    people.bob.client.delete("/api/images/x?purge=true")
    admin.delete(f"{URL}/bob", status=200)


def test_it_takes_user_delete_to_delete(people):
    people.join("clerks", people.carl, permissions=[Permission.USER_DELETE])
    answer = people.carl.client.patch_json(
        f"{URL}/{people.bob.name}", {"full_name": "x"}, status=403
    )
    assert answer.headers["X-Repoman-Permission"] == "user_modify"
    people.carl.client.delete(f"{URL}/bob", status=200)


def test_only_an_admin_changes_an_admin(people):
    every = [Permission.USER_MODIFY, Permission.USER_DELETE, Permission.USER_CREATE]
    people.join("clerks", people.carl, permissions=every)
    url = f"{URL}/{people.admin.name}"
    clerk = people.carl.client
    certificate = people.admin.client.get("/api/whoami").json["certificates"][0]
    attempts = [
        lambda: clerk.patch_json(url, {"suspended": True}, status=403),
        lambda: clerk.patch_json(url, {"user_name": "x"}, status=403),
        lambda: clerk.patch_json(url, {"cert_dn": "/CN=Carl"}, status=403),
        lambda: clerk.post_json(f"{url}/certificates", {"cert_dn": "/CN=Carl"}, status=403),
        lambda: clerk.delete(certificate, status=403),
        lambda: clerk.delete(url, status=403),
    ]
    before = people.admin.client.get(url).json
    for attempt in attempts:
        answer = attempt()
        refused(answer, "permission-denied")
        assert answer.headers["X-Repoman-Permission"] == "admins"
    assert people.admin.client.get(url).json == before
    clerk.patch_json(f"{URL}/{people.bob.name}", {"suspended": True}, status=200)


def test_admins_always_have_one_who_can_come_in(people):
    admin, url = people.admin.client, f"{URL}/admin"
    certificate = admin.get("/api/whoami").json["certificates"][0]
    last = [
        lambda status: admin.patch_json(url, {"suspended": True}, status=status),
        lambda status: admin.delete(certificate, status=status),
        lambda status: admin.delete("/api/groups/admins/users/admin", status=status),
        lambda status: admin.delete(url, status=status),
    ]
    for attempt in last:
        refused(attempt(409), "last-admin")
    # One who is suspended, or has no certificate, does not count.
    for name, after in (("s", {"suspended": True}), ("c", None)):
        made = admin.post_json(URL, new(name, groups="admins"), status=201).json
        if after:
            admin.patch_json(made["url"], after, status=200)
        else:
            admin.delete(made["certificates"][0], status=200)
    for attempt in last:
        refused(attempt(409), "last-admin")
    assert admin.get("/api/whoami").json["groups"] == [
        f"{API}/groups/admins",
        f"{API}/groups/users",
    ]

    people.join("admins", people.bob)
    people.bob.client.patch_json(url, {"suspended": True}, status=200)
    admin.get("/api/whoami", status=403)


def test_where_there_is_no_admin_people_still_change_their_own_name(people):
    people.bob.client.patch_json(f"{URL}/bob", {"full_name": "Bob"}, status=200)
    people.bob.client.delete("/api/groups/users/users/bob", status=200)


def test_a_refused_change_leaves_nothing_behind(people, admin):
    """The name is set before the conflict of the certificate shows."""
    url = f"{URL}/{people.bob.name}"
    admin.post_json(URL, new(), status=201)
    before = admin.get(url).json
    admin.patch_json(url, {"user_name": "x", "cert_dn": "/O=Grid/CN=ann"}, status=409)
    assert admin.get(url).json == before
    with people.sessions.reading() as session:
        assert session.query(User).count() == session.query(Certificate).count() == 3


def test_a_name_that_is_sent_back_unchanged_keeps_its_issuer(people):
    """Registered anew without issuer, it would let in other authorities' certificates."""
    admin = people.admin.client
    fields = {"user_name": "zoe", "cert_dn": "/C=CA/CN=Zoe", "issuer_dn": "/C=CA/CN=One CA"}
    admin.post("/api/users", fields, status=201)
    shown = admin.get("/api/users/zoe").json
    sent = {name: shown[name] for name in ("user_name", "full_name", "email", "client_dn")}
    for body in (sent | {"full_name": "Zoe"}, shown, {"client_dn": "/C=CA/CN=Zoe"}):
        admin.patch_json("/api/users/zoe", body, status=200)
        (url,) = admin.get("/api/users/zoe/certificates").json
        assert admin.get(url).json["issuer_dn"] == "/C=CA/CN=One CA"
    admin.patch("/api/users/zoe", {"cert_dn": "/C=CA/CN=Zoe"}, status=200)
    assert admin.get(admin.get("/api/users/zoe").json["certificates"][0]).json["issuer_dn"] is None

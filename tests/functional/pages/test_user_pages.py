"""The pages of users: what they show to whom, registering, changing, suspending and deleting."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from webtest import Upload

from tests.pages import forms, holder, refuse, submit, visit

PAGE = "/users/alice"
DN = "/C=CA/O=Grid/CN=Zoe"


def rows(page):
    """Return the texts of each row of the list."""
    found = [" ".join(row.get_text(" ").split()) for row in page.html.select("tbody tr")]
    return [row.replace("\N{EN DASH}", "-") for row in found]


def file(holder, name="me.pem"):
    return Upload(name, holder.pem.encode(), "application/x-pem-file")


def test_everybody_sees_everybody_and_nobodys_use(people, alice):
    people.join("cms", people.bob)
    alice.post("/api/users/alice", {"full_name": "Alice Lee", "email": "a@example.org"})
    page = visit(alice, "/users")
    assert rows(page) == ["alice Alice Lee a@example.org users", "bob - cms , users"]
    assert forms(page) == set()
    assert rows(visit(alice, "/users?q=LEE")) == ["alice Alice Lee a@example.org users"]
    assert "Nobody has" in visit(alice, "/users?q=zzz")


def test_who_may_sees_use_quota_and_suspension(people, admin):
    people.alice.create()
    people.alice.upload()
    admin.post("/api/users/alice", {"quota": "5G", "suspended": "yes"})
    found = rows(visit(admin, "/users"))
    assert found == [
        "admin - admins , users 0 GiB -",
        "alice suspended - users < 0.001 GiB 5.00 GiB",
    ]
    registrar = holder(people, "carol", "user_create")
    assert "suspended" not in visit(registrar, "/users?q=alice")


def test_a_list_of_users_goes_on_page_by_page(people, alice):
    people.bob, people.carol  # noqa: B018 - registers them
    first = visit(alice, "/users?limit=2")
    assert [row.split()[0] for row in rows(first)] == ["alice", "bob"]
    assert [row.split()[0] for row in rows(first.click("Next page"))] == ["carol"]


def test_a_certificate_file_registers_somebody_who_then_gets_in(people, admin):
    zoe = people.holder("Zoe")
    people.join("cms", people.alice)
    page = submit(
        visit(admin, "/users"),
        "register",
        user_name="Zoe",
        full_name="Zoe Ö.",
        email="zoe@example.org",
        groups="cms",
        quota="2T",
        certificate=file(zoe),
    )
    assert page.request.path == "/users/zoe"
    assert "Registered." in page
    shown = people.client(zoe).get("/api/whoami").json
    assert (shown["user_name"], shown["full_name"], shown["quota"]) == ("zoe", "Zoe Ö.", 2 << 40)
    assert [url.rpartition("/")[2] for url in shown["groups"]] == ["cms", "users"]
    (certificate,) = admin.get("/api/users/zoe/certificates?expand=true").json
    assert certificate["issuer_dn"]
    assert certificate["not_after"]


def test_a_distinguished_name_registers_somebody_without_a_file(people):
    registrar = holder(people, "carol", "user_create")
    page = visit(registrar, "/users")
    assert {"groups", "quota"}.isdisjoint(page.forms["register"].fields)
    page = submit(page, "register", user_name="zoe", cert_dn=DN, issuer_dn="")
    shown = registrar.get("/api/users/zoe").json
    assert (shown["client_dn"], shown["full_name"]) == (DN, None)
    assert "any that this server trusts" in page
    assert "not known before the first visit" in page


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"user_name": "kvm"}, 400, "user_name"),
        ({"user_name": "no blanks"}, 400, "user_name"),
        ({"user_name": "alice"}, 409, "user_name"),
        ({"cert_dn": "nonsense"}, 400, "cert_dn"),
        ({"cert_dn": "C = CA, O = Grid"}, 400, "cert_dn"),
        ({"cert_dn": ""}, 400, "cert_dn"),
        ({"email": "nonsense"}, 400, "email"),
        ({"groups": "nosuch"}, 400, "groups"),
        ({"quota": "-1"}, 400, "quota"),
    ],
)
def test_a_refused_registration_keeps_what_was_typed(people, alice, admin, fields, status, field):
    typed = {"user_name": "zoe", "full_name": "Zoe <b>", "cert_dn": DN} | fields
    page = refuse(visit(admin, "/users"), "register", status, **typed)
    assert page.html.select_one("#register .refusal")["role"] == "alert"
    assert {name: page.forms["register"][name].value for name in typed} == typed
    wrong = [one["name"] for one in page.html.select("#register [aria-invalid]")]
    assert wrong == ([field] if field else [])
    admin.get("/api/users/zoe", status=404)


def test_a_certificate_file_is_kept_where_another_field_is_wrong(people, alice, admin):
    zoe = people.holder("Zoe")
    page = refuse(visit(admin, "/users"), "register", 409, user_name="alice", certificate=file(zoe))
    assert page.forms["register"]["certificate"].value.strip() == zoe.pem.strip()
    submit(page, "register", user_name="zoe")
    assert people.client(zoe).get("/api/whoami").json["user_name"] == "zoe"


def test_a_file_and_a_name_are_one_too_many(people, admin):
    page = visit(admin, "/users")
    zoe = file(people.holder("Zoe"))
    page = refuse(page, "register", 400, user_name="zoe", cert_dn=DN, certificate=zoe)
    assert "not both" in page.html.select_one("#register .refusal").get_text()
    assert page.html.select_one("#register-certificate")["type"] == "file"


def test_a_file_that_is_no_pem_is_told_how_to_become_one(people, admin):
    zoe = people.holder("Zoe")
    der = Upload("zoe.cer", zoe.certificate.public_bytes(Encoding.DER))
    page = refuse(visit(admin, "/users"), "register", 400, user_name="zoe", certificate=der)
    assert "openssl x509 -inform DER" in page.html.select_one("#register .refusal").get_text()
    assert page.forms["register"]["user_name"].value == "zoe"
    field = page.html.select_one("#register-certificate")
    assert (field["type"], field["aria-invalid"]) == ("file", "true")
    with_key = Upload("zoe.pem", (zoe.pem + zoe.key_pem).encode())
    for name in ("no blanks", "zoe"):
        page = refuse(page, "register", 400, user_name=name, certificate=with_key)
        assert "BEGIN" not in page
    assert "private key" in page.html.select_one("#register .refusal").get_text()


def test_a_users_page_shows_everybody_the_record_and_nothing_to_change(people, alice):
    people.alice.create(group_access="read", group="users")
    page = visit(people.bob.client, PAGE)
    assert forms(page) == set()
    assert "/C=CA/O=Grid/CN=Alice" in page
    assert page.html.select_one("#use") is None
    assert "1 image that you may see" in page
    assert "alice/" in page.click("what is shared with you")


def test_people_change_their_own_name_and_address_alone(people, alice):
    page = visit(alice, PAGE)
    assert forms(page) == {"edit", "leave-users"}
    assert "user_name" not in page.forms["edit"].fields
    page = submit(page, "edit", full_name="Alice Lee", email="a@example.org")
    assert page.html.h1.get_text() == "Alice Lee"
    page = refuse(page, "edit", 400, email="nonsense")
    assert page.forms["edit"]["full_name"].value == "Alice Lee"
    assert page.html.select_one("#edit-email")["aria-invalid"] == "true"


def test_who_modifies_users_renames_suspends_and_lets_in_again(people, alice):
    changer = holder(people, "carol", "user_modify", "user_modify_self", "image_create")
    page = visit(changer, PAGE)
    assert forms(page) >= {"edit", "suspend", "certificate"}
    assert {"quota", "delete", "leave-users"}.isdisjoint(forms(page))
    page = submit(page, "edit", user_name="alicia")
    assert page.request.path == "/users/alicia"
    page = submit(page, "suspend")
    assert "The account is suspended." in page
    alice.get("/api/whoami", status=403)
    submit(page, "suspend")
    alice.get("/api/whoami")
    # Nobody but an admin changes an admin.
    assert forms(visit(changer, "/users/admin")) == set()


def test_an_admin_sets_a_quota(people, alice, admin):
    page = submit(visit(admin, PAGE), "quota", quota="1536M")
    assert admin.get("/api/users/alice").json["quota"] == 1536 << 20
    assert page.forms["quota"]["quota"].value == "1536M"
    submit(page, "quota", quota="")
    assert admin.get("/api/users/alice").json["quota"] is None
    assert visit(alice, PAGE).html.select_one("#use") is not None


def test_certificates_are_added_and_removed(people, alice, admin):
    second = people.holder("Alice at home")
    page = submit(visit(admin, PAGE), "certificate", certificate=file(second))
    assert page.request.path == PAGE
    assert people.client(second).get("/api/whoami").json["user_name"] == "alice"
    page = submit(page, "certificate", cert_dn=DN)
    assert len(page.html.select("article")) == 3
    page = refuse(page, "certificate", 409, cert_dn=DN)
    assert page.headers["X-Repoman-Error"] == "certificate-in-use"
    assert page.forms["certificate"]["cert_dn"].value == DN
    first = min(name for name in forms(page) if name.startswith("remove-certificate-"))
    submit(page, first)
    alice.get("/api/whoami", status=403)


@pytest.mark.parametrize(
    ("days", "badge"), [(-1, "expired"), (5, "ends soon"), (31, None), (None, None)]
)
def test_an_end_that_is_near_or_past_has_a_badge(people, alice, admin, authority, days, badge):
    end = None if days is None else datetime.now(UTC) + timedelta(days=days, hours=1)
    if end:
        other = authority.issue("/O=Grid/CN=Other", not_after=end)
        admin.post("/api/users/alice/certificates", {"certificate": other.pem})
    else:
        admin.post("/api/users/alice/certificates", {"cert_dn": "/O=Grid/CN=Other"})
    article = visit(alice, PAGE).html.select("article")[-1]
    found = article.select_one(".badge")
    assert (found and found.get_text()) == badge


def test_an_admin_removes_somebody_from_a_group(people, alice, admin):
    people.join("cms", people.alice)
    page = submit(visit(admin, PAGE), "leave-cms")
    assert page.request.path == PAGE
    assert [a.get_text() for a in page.html.select(".names a")] == ["users"]


def test_the_last_admin_is_neither_suspended_nor_deleted(people, admin):
    page = visit(admin, "/users/admin")
    for form in ("suspend", "delete", "leave-admins"):
        page = refuse(page, form, 409)
        assert page.headers["X-Repoman-Error"] == "last-admin"
        assert page.html.select_one(f"#{form} .refusal")
    admin.get("/api/whoami")


def test_a_user_with_images_is_deleted_with_them_or_after_giving_them(people, alice, admin):
    people.alice.create()
    people.carol.create()
    people.bob  # noqa: B018 - registers him
    page = refuse(visit(admin, PAGE), "delete", 409)
    assert "owns 1 images" in page.html.select_one("#delete .refusal").get_text()
    page = refuse(page, "delete-giving", 400, images="nobody")
    assert page.forms["delete-giving"]["images"].value == "nobody"
    page = submit(page, "delete-giving", images="bob")
    assert (page.request.path, "alice is deleted" in page) == ("/users", True)
    assert admin.get("/api/images/bob/debian12").json["owner_user_name"] == "bob"
    page = visit(admin, "/users/carol")
    page.forms["delete"]["images"] = "delete"
    submit(page, "delete")
    visit(admin, "/users/carol", 404)


def test_who_deletes_users_alone_is_not_offered_their_images(people, alice):
    remover = holder(people, "carol", "user_delete")
    page = visit(remover, PAGE)
    assert forms(page) == {"delete"}
    assert "images" not in page.forms["delete"].fields
    submit(page, "delete")
    visit(remover, PAGE, 404)


def test_what_somebody_else_changed_of_a_user_is_not_undone(people, alice, admin):
    page = visit(admin, PAGE)
    alice.post("/api/users/alice", {"full_name": "Alice"})
    page = refuse(page, "edit", 412, email="b@example.org")
    assert page.forms["edit"]["email"].value == "b@example.org"


def test_whatever_people_write_about_themselves_is_text(people, alice, admin):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    alice.post("/api/users/alice", {"full_name": evil, "email": '"><b>@x'})
    for path in (PAGE, "/users", "/users?q=<script>"):
        page = visit(admin, path)
        assert not re.search(r"<script>|<img src=x|<b>", page.text)
        assert "alert(1)" in page


def test_an_address_is_no_letter(people):
    """What follows a ``?`` would be headers and text that somebody else has one send."""
    alice = people.alice.client
    alice.patch_json("/api/users/alice", {"email": "a?bcc=x+y@example.org"})
    page = visit(people.bob.client, "/users/alice")
    (link,) = page.html.select("a[href^=mailto]")
    assert link["href"] == "mailto:a%3Fbcc%3Dx%2By@example.org"

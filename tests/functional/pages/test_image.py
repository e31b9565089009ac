"""The page of an image: what it shows to whom, and its forms."""

import gzip
import re

import pytest
from sqlalchemy import update

from repoman.models import Blob
from tests.factories import FILE
from tests.pages import click, forms, notice, refuse, submit, visit

PAGE = "/images/alice/debian12"


@pytest.fixture
def alice(people):
    people.alice.create(description="A small one", os_type="linux", hypervisor="kvm,xen")
    people.alice.upload()
    return people.alice.client


def test_an_owner_edits_in_place(alice):
    page = submit(
        visit(alice, PAGE),
        "edit",
        name="bookworm",
        description="Now\r\nlonger",
        hypervisor=["kvm", "lxc"],
        group_access="read",
        read_only=True,
    )
    assert page.request.path == "/images/alice/bookworm"
    assert notice(page) == "The image is changed."
    shown = alice.get("/api/images/bookworm").json
    assert shown["description"] == "Now\nlonger"
    assert shown["hypervisor"] == ["kvm", "lxc"]
    assert (shown["group_access"], shown["read_only"]) == ("read", True)
    assert shown["os_type"] == "linux"
    page = submit(page, "edit", read_only=False, description="")
    shown = alice.get("/api/images/bookworm").json
    assert (shown["description"], shown["read_only"]) == (None, False)


def test_what_was_done_is_told_once(alice):
    page = submit(visit(alice, PAGE), "edit", os_arch="x86_64")
    assert notice(page) == "The image is changed."
    assert notice(visit(alice, PAGE)) is None


def test_a_refused_form_keeps_what_was_typed_and_says_why(people, alice):
    people.alice.create("other")
    page = refuse(visit(alice, PAGE), "edit", 409, name="other", description="kept <b>text</b>")
    assert page.headers["X-Repoman-Error"] == "image-exists"
    assert page.forms["edit"]["name"].value == "other"
    assert page.forms["edit"]["description"].value == "kept <b>text</b>"
    assert page.html.select_one("#edit .refusal")["role"] == "alert"
    assert page.html.select_one("#edit-name")["aria-invalid"] == "true"
    assert page.html.select_one("#edit-name")["aria-describedby"] == "edit-reason"
    page = refuse(page, "edit", 400, name="no blanks")
    assert page.html.select_one("#edit-name")["aria-invalid"] == "true"
    assert alice.get("/api/images/debian12").json["description"] == "A small one"
    # From there it goes on as from the page itself.
    submit(page, "edit", name="better")
    assert alice.get("/api/images/better").json["description"] == "kept <b>text</b>"


def test_what_somebody_else_changed_meanwhile_is_not_undone(alice):
    page = visit(alice, PAGE)
    alice.post("/api/images/debian12", {"os_type": "bsd"})
    page = refuse(page, "edit", 412, description="mine")
    assert "Somebody has changed this" in page.html.select_one("#edit .refusal").get_text()
    assert page.forms["edit"]["description"].value == "mine"
    assert alice.get("/api/images/debian12").json["description"] == "A small one"


def test_sharing_by_name(people, alice):
    bob = people.bob.client
    visit(bob, PAGE, 404)
    page = submit(visit(alice, PAGE), "share-user", _last="bob")
    assert notice(page) == "The image is shared."
    seen = visit(bob, PAGE)
    assert forms(seen) == {"copy"}
    page = refuse(page, "share-user", 404, _last="nobody")
    assert page.forms["share-user"]["_last"].value == "nobody"
    submit(page, "unshare-user-bob")
    visit(bob, PAGE, 404)
    submit(visit(alice, PAGE), "share-group", _last="users")
    visit(bob, PAGE)


@pytest.mark.parametrize("name", ["../../users/bob", "bob/../../x", "<script>", "ü", "a b", "?x"])
def test_a_name_that_is_none_is_refused_as_one(people, alice, name):
    page = refuse(visit(alice, PAGE), "share-user", 404, _last=name)
    assert "<script>" not in page
    assert page.forms["share-user"]["_last"].value == name


def test_a_copy_is_the_callers_own(people, alice):
    bob = people.bob.client
    submit(visit(alice, PAGE), "share-user", _last="bob")
    page = submit(visit(bob, PAGE), "copy", name="mine")
    assert page.request.path == "/images/bob/mine"
    assert notice(page) == "This is your copy."
    assert bob.get("/api/images/raw/mine").body == FILE


def test_an_image_goes_to_the_trash_and_comes_back(alice):
    page = submit(visit(alice, PAGE), "delete")
    assert "In the trash" in page
    assert forms(page) == {"restore", "purge"}
    assert "debian12" in visit(alice, "/images?view=mine&state=deleted")
    assert "debian12" not in visit(alice, "/images")
    page = submit(page, "restore", name="back")
    assert page.request.path == "/images/alice/back"
    page = submit(submit(page, "delete"), "purge")
    assert page.request.path == "/images"
    assert notice(page) == "The image is gone."
    assert alice.get("/api/images?state=deleted").json == []


def test_versions_go_back_and_away(people, alice):
    people.alice.upload(data=b"newer" * 10)
    page = visit(alice, PAGE)
    assert {"version-1", "delete-version-1"} <= forms(page)
    page = submit(page, "version-1")
    assert notice(page) == "Version 1 is the current file again."
    assert alice.get("/api/images/raw/debian12").body == FILE
    page = submit(page, "delete-version-2")
    assert "2" not in alice.get("/api/images/debian12").json["versions"]


def test_a_file_goes_to_the_trash(alice):
    page = submit(visit(alice, PAGE), "delete-file-kvm")
    assert "No file has been uploaded yet." in page
    assert alice.get("/api/images/debian12").json["state"] == "empty"


def test_the_commands_work_as_they_stand(alice):
    page = visit(alice, PAGE)
    fetch, replace, upload = (one.get_text() for one in page.html.select("figure.command code"))
    url = "https://localhost:80/api/images/raw/alice/kvm/debian12"
    assert fetch == f"curl --cert me.pem --cacert ca.pem -C - -o debian12.raw {url}"
    assert replace == f"curl --cert me.pem --cacert ca.pem -T debian12.raw {url}"
    assert upload.endswith("/xen/debian12")


def test_the_commands_fetch_several_files_under_several_names(people, alice):
    # Else the second would go on at the end of the first.
    xen = "/api/images/raw/alice/xen/debian12"
    people.alice.upload(path=xen, data=gzip.compress(b"another" * 1000))
    page = visit(alice, PAGE)
    fetch = [one.get_text() for one in page.html.select("figure.command code") if "-o " in str(one)]
    assert [one.split(" -o ")[1].split()[0] for one in fetch] == [
        "debian12-kvm.raw",
        "debian12-xen.raw.gz",
    ]


def test_a_read_only_image_offers_neither_upload_nor_deletion(alice):
    alice.post("/api/images/debian12", {"read_only": "true"})
    page = visit(alice, PAGE)
    assert forms(page) == {"edit", "share-user", "share-group", "copy"}
    assert "curl" in page
    assert " -T " not in page


def test_whom_an_image_is_shared_with_is_not_offered_what_is_not_theirs(people, alice):
    bob = people.bob.client
    submit(visit(alice, PAGE), "share-user", _last="bob")
    alice.post("/api/images", {"name": "bare"})
    alice.post("/api/images/bare/share/user/bob")
    page = visit(bob, PAGE)
    assert "shared with you" in [one.get_text() for one in page.html.select(".badge")]
    assert not page.html.find("summary", string="Give away")
    assert "With curl" in page
    assert "With curl" not in visit(bob, "/images/alice/bare")


def test_the_trash_says_until_when_an_image_is_kept(alice):
    page = submit(visit(alice, PAGE), "delete")
    kept = page.html.select_one("#trashed").parent.select_one("time.age")
    assert kept.get_text() == "in 6 days"
    page = visit(alice, "/images?state=deleted")
    assert "debian12" in page
    assert "debian12" not in click(page, "Leave the trash")
    submit(visit(alice, page.html.select_one("table.list tbody th a")["href"]), "purge")
    assert "Your trash is empty." in visit(alice, "/images?state=deleted")


def test_a_quarantined_file_is_explained(sessions, alice):
    with sessions.changing.begin() as session:
        session.execute(update(Blob).values(dangers="backing-file"))
    refusal = visit(alice, PAGE).html.select_one(".file .refusal").get_text()
    assert "read from another file" in refusal
    assert "qemu-img convert" in refusal


def test_members_who_may_write_edit_and_no_more(people, alice):
    people.join("cms", people.alice, people.bob)
    alice.post("/api/images/debian12", {"group": "cms", "group_access": "write"})
    page = visit(people.bob.client, PAGE)
    assert "share-user" not in forms(page)
    assert "delete" not in forms(page)
    assert "name" not in page.forms["edit"].fields
    page = submit(page, "edit", description="by Bob")
    assert alice.get("/api/images/debian12").json["description"] == "by Bob"


def test_an_admin_gives_an_image_to_somebody_else(people, alice):
    assert "give" not in forms(visit(alice, PAGE))
    page = submit(visit(people.admin.client, PAGE), "give", owner=people.bob.name)
    assert page.request.path == "/images/bob/debian12"


def test_whatever_people_write_is_text(people, alice):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    alice.post(
        "/api/images/debian12", {"description": evil, "os_type": evil, "os_variant": '"><b>'}
    )
    for path in (PAGE, "/images", "/images?q=script"):
        page = visit(alice, path)
        assert not re.search(r"<script>|<img src=x|<b>", page.text)
        assert "alert(1)" in page


def test_who_may_not_see_an_image_is_told_it_is_not_there(people, alice):
    page = visit(people.bob.client, PAGE, 404)
    assert page.headers["X-Repoman-Error"] == "image-not-found"
    assert "A small one" not in page


def test_ones_own_unfinished_upload_is_shown_and_can_be_discarded(people, alice):
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "5000"}
    made = alice.post("/api/images/raw/alice/xen/debian12", headers=tus, status=201)
    key = made.headers["Location"].rpartition("/")[2]
    people.alice.create("other", hypervisor="kvm")
    assert f"end-{key}" not in forms(visit(alice, "/images/alice/other"))
    assert f"end-{key}" not in forms(visit(people.admin.client, PAGE))
    page = submit(visit(alice, PAGE), f"end-{key}")
    assert notice(page) == "The upload is ended."
    assert alice.get("/api/uploads").json == []

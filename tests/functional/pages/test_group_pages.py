"""The pages of groups: what they show to whom, and what their forms do."""

import re

import pytest

from tests.pages import forms, holder, refuse, submit, visit

GROUP = "/groups/cms"


@pytest.fixture
def cms(people):
    """A group of which alice is the admin and bob a member."""
    people.join("cms", people.alice, admin=True, description="Detectors")
    people.join("cms", people.bob)


def members(admin, group="cms"):
    return [one.rpartition("/")[2] for one in admin.get(f"/api/groups/{group}").json["users"]]


def rows(page):
    """Return the texts of each row of the list."""
    found = [" ".join(row.get_text(" ").split()) for row in page.html.select("tbody tr")]
    return [row.replace("\N{EN DASH}", "-") for row in found]


def test_a_list_shows_groups_with_their_size_and_what_one_is_there(people, cms):
    assert rows(visit(people.alice.client, "/groups")) == [
        "cms Detectors 2 its admin",
        "users protected 2 a member",
    ]
    assert rows(visit(people.carol.client, "/groups?view=all")) == [
        "admins protected 0 -",
        "cms Detectors 2 -",
        "users protected 3 a member",
    ]


def test_a_list_is_searched_and_an_empty_field_asks_for_nothing(people, cms):
    alice = people.alice.client
    assert rows(visit(alice, "/groups?view=all&q=DETECT")) == ["cms Detectors 2 its admin"]
    assert len(rows(visit(alice, "/groups?view=mine&q="))) == 2
    assert "No group of these has" in visit(alice, "/groups?q=zzz")


def test_a_list_goes_on_page_by_page(people):
    people.join("cms", people.alice)
    people.join("atlas", people.alice)
    first = visit(people.alice.client, "/groups?limit=2")
    assert [row.split()[0] for row in rows(first)] == ["atlas", "cms"]
    second = first.click("Next page")
    assert [row.split()[0] for row in rows(second)] == ["users"]
    assert rows(second.click("First page"))[0].startswith("atlas")


def test_a_group_is_made_by_who_may_with_what_they_may_grant(people):
    assert "new" not in forms(visit(people.alice.client, "/groups"))
    maker = holder(people, "carol", "group_create", "group_modify_permissions")
    page = visit(maker, "/groups")
    offered = [one["value"] for one in page.html.select("#new [type=checkbox]")]
    assert offered == [
        *("user_modify_self", "group_create", "group_modify_permissions", "image_create")
    ]
    assert "quota" not in page.forms["new"].fields
    page = submit(page, "new", name="LHCb", description="Beauty", permissions=["image_create"])
    assert page.request.path == "/groups/lhcb"
    assert "The group is made, and you are its admin." in page
    shown = maker.get("/api/groups/lhcb").json
    assert (shown["description"], shown["permissions"]) == ("Beauty", ["image_create"])
    page = refuse(visit(maker, "/groups"), "new", 409, name="lhcb", permissions=["group_create"])
    assert page.headers["X-Repoman-Error"] == "group-exists"
    assert page.forms["new"]["name"].value == "lhcb"
    assert [one["value"] for one in page.html.select("#new [checked]")] == ["group_create"]


def test_a_member_sees_the_group_and_may_leave_it(people, cms, admin):
    page = visit(people.bob.client, GROUP)
    assert forms(page) == {"leave"}
    assert "Detectors" in page
    assert page.html.select_one("#use") is None
    page = submit(page, "leave")
    assert (page.request.path, "no longer in the group cms" in page) == ("/groups", True)
    assert members(admin) == ["alice"]
    assert forms(visit(people.bob.client, GROUP)) == set()


def test_a_groups_admin_changes_its_members_and_description(people, cms, admin):
    people.carol  # noqa: B018 - registers her
    alice = people.alice.client
    page = visit(alice, GROUP)
    assert forms(page) == {*("edit", "add", "leave", "dismiss-alice", "appoint-bob", "remove-bob")}
    assert "name" not in page.forms["edit"].fields
    assert page.html.select_one("#use") is not None
    page = submit(page, "edit", description="Detectors\r\nand more")
    page = submit(page, "add", name="Carol")
    assert page.request.path == GROUP
    page = submit(page, "appoint-carol")
    page = submit(page, "remove-bob")
    shown = alice.get("/api/groups/cms").json
    assert shown["description"] == "Detectors\nand more"
    assert [one.rpartition("/")[2] for one in shown["admins"]] == ["alice", "carol"]
    assert members(admin) == ["alice", "carol"]
    submit(page, "dismiss-alice")
    assert forms(visit(alice, GROUP)) == {"leave"}


def test_a_name_that_nobody_has_is_kept_and_explained(people, cms):
    page = refuse(visit(people.alice.client, GROUP), "add", 400, name="nobody")
    assert page.forms["add"]["name"].value == "nobody"
    assert "There is no user" in page.html.select_one("#add .refusal").get_text()


def test_a_description_that_somebody_else_changed_is_not_undone(people, cms, admin):
    page = visit(people.alice.client, GROUP)
    admin.post(GROUP.replace("/groups", "/api/groups"), {"description": "other"})
    page = refuse(page, "edit", 412, description="mine")
    assert page.forms["edit"]["description"].value == "mine"


def test_who_changes_memberships_of_all_groups_changes_no_admins_group(people, cms, admin):
    mover = holder(people, "carol", "group_modify_membership")
    assert {"add", "remove-bob"} <= forms(visit(mover, GROUP))
    # To make admins of groups takes more: it opens their images.
    assert "appoint-bob" not in forms(visit(mover, GROUP))
    assert forms(visit(mover, "/groups/admins")) == set()


def test_permissions_are_ticked_as_far_as_one_may(people, cms, admin):
    granter = holder(people, "carol", "group_modify_permissions", "image_create")
    admin.post("/api/groups/cms/permissions/user_delete")
    page = visit(granter, GROUP)
    boxes = {one["value"]: one for one in page.html.select("#permissions [type=checkbox]")}
    assert len(boxes) == 14
    closed = {name for name, box in boxes.items() if box.has_attr("disabled")}
    assert closed == boxes.keys() - {
        *("user_modify_self", "group_modify_permissions", "image_create", "user_delete")
    }
    page = submit(page, "permissions", permissions=["image_create", "user_modify_self"])
    held = admin.get("/api/groups/cms/permissions").json
    assert held == ["user_modify_self", "image_create"]
    assert "permissions" not in forms(visit(people.alice.client, GROUP))
    explained = visit(people.alice.client, GROUP).html.select(".permissions li")
    assert [one.code.get_text() for one in explained] == held
    submit(page, "permissions", permissions=[])
    assert admin.get("/api/groups/cms/permissions").json == []


def test_a_permission_that_one_lacks_is_refused_though_its_box_is_closed(people, cms):
    granter = holder(people, "carol", "group_modify_permissions")
    page = visit(granter, GROUP)
    page = refuse(page, "permissions", 403, permissions=["user_create"])
    assert "the permission user_create" in page.html.select_one("#permissions .refusal").get_text()


def test_an_admin_renames_sets_a_quota_and_deletes(people, cms, admin):
    page = submit(visit(admin, GROUP), "edit", name="lhc")
    assert page.request.path == "/groups/lhc"
    page = submit(page, "quota", quota="500G")
    assert admin.get("/api/groups/lhc").json["quota"] == 500 << 30
    assert page.forms["quota"]["quota"].value == "500G"
    page = refuse(page, "quota", 400, quota="lots")
    assert page.forms["quota"]["quota"].value == "lots"
    assert page.html.select_one("#quota-quota")["aria-invalid"] == "true"
    page = submit(page, "quota", quota="")
    assert admin.get("/api/groups/lhc").json["quota"] is None
    page = submit(page, "delete")
    assert (page.request.path, "The group lhc is gone." in page) == ("/groups", True)
    visit(admin, "/groups/lhc", 404)


def test_a_protected_group_says_so_and_offers_no_end(admin):
    page = visit(admin, "/groups/users")
    assert "delete" not in forms(page)
    assert "name" not in page.forms["edit"].fields
    assert "neither deleted nor renamed" in page


def test_the_last_admin_stays(people, admin):
    page = visit(admin, "/groups/admins")
    assert "they may do everything" in page
    page = refuse(page, "leave", 409)
    assert page.headers["X-Repoman-Error"] == "last-admin"
    assert "make another admin first" in page.html.select_one("#leave .refusal").get_text()
    assert members(admin, "admins") == ["admin"]


def test_members_are_searched_and_in_pages(people, cms):
    people.join("cms", people.carol, people.dave)
    bob = people.bob.client
    names = lambda page: [a.get_text() for a in page.html.select(".names li a")]  # noqa: E731
    page = visit(bob, f"{GROUP}?limit=3")
    assert names(page) == ["alice", "bob", "carol"]
    assert names(page.click("Next page")) == ["dave"]
    assert names(visit(bob, f"{GROUP}?role=admin")) == ["alice"]
    assert names(visit(bob, f"{GROUP}?q=DAV&role=")) == ["dave"]
    assert "Nobody of these has" in visit(bob, f"{GROUP}?q=zzz")
    visit(bob, f"{GROUP}?role=other", 400)


def test_a_member_is_removed_from_the_page_of_the_list_that_one_is_on(people, cms, admin):
    people.join("cms", people.carol)
    page = visit(admin, f"{GROUP}?q=carol")
    page = submit(page, "remove-carol")
    assert page.request.path_qs == f"{GROUP}?q=carol"
    assert "Nobody of these has" in page


def test_a_name_in_any_case_leads_to_the_group_and_none_to_not_found(people, cms):
    assert visit(people.bob.client, "/groups/CMS").html.h1.get_text() == "cms"
    page = visit(people.bob.client, "/groups/nosuch", 404)
    assert page.headers["X-Repoman-Error"] == "group-not-found"


def test_whatever_people_write_about_a_group_is_text(people, cms, admin):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    admin.post("/api/groups/cms", {"description": evil})
    admin.post("/api/users/bob", {"full_name": evil})
    for path in (GROUP, "/groups?view=all", "/groups?view=all&q=<script>", f"{GROUP}?q=<img"):
        page = visit(admin, path)
        assert not re.search(r"<script>|<img src=x", page.text)
        assert "alert(1)" in page

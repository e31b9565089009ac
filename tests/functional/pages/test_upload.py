"""The page of uploads without JavaScript: it makes an image, and shows what was begun."""

import pytest
from sqlalchemy import delete

from repoman.models import Membership
from tests.factories import FILE
from tests.pages import BROWSER, OWN, notice, refuse, submit, visit
from tests.tus import create, metadata
from tests.wsgi import FORM

EVIL = "<script>alert(1)</script>.img"
FIELD = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}'


def test_form_makes_an_image_and_leads_to_where_its_file_goes(alice):
    page = submit(visit(alice, "/upload"), "create", name="disk", hypervisor="xen", os_type="linux")
    assert page.request.path == "/images/alice/disk"
    assert notice(page) == "The image is made. Now give it its file."
    shown = alice.get("/api/images/disk").json
    assert (shown["hypervisor"], shown["os_type"]) == (["xen"], "linux")
    # As the API has it where no group is named.
    assert shown["group"].endswith("/groups/users")
    form = page.forms["file-xen"]
    form["file"] = ("disk.img", FILE)
    page = form.submit(headers=OWN, status=303).follow(headers=BROWSER)
    assert notice(page) == "The file is here."
    assert alice.get("/api/images/raw/disk").body == FILE


def test_field_after_the_file_is_refused_and_the_image_keeps_its_file(people, alice):
    people.alice.create()
    people.alice.upload()
    form = visit(alice, "/images/alice/debian12").forms["file-kvm"]
    parts = [("_token", form["_token"].value), ("file", "other"), ("_token", "again")]
    body = "".join(f"--limit\r\n{FIELD.format(*part)}\r\n" for part in parts) + "--limit--\r\n"
    answer = alice.post(form.action, body.encode(), headers=OWN | FORM, status=400)
    assert answer.headers["X-Repoman-Error"] == "unknown-parameter"
    assert alice.get("/api/images/raw/debian12").body == FILE


def test_refused_form_says_why_and_keeps_what_was_typed(people, alice):
    people.alice.create("taken")
    page = refuse(
        visit(alice, "/upload"), "create", 409, name="taken", description=EVIL, hypervisor="lxc"
    )
    assert page.html.select_one("#create .refusal").get_text().startswith("alice has an image")
    form = page.forms["create"]
    assert (form["description"].value, form["hypervisor"].value) == (EVIL, "lxc")
    assert EVIL not in page.text


def test_group_is_one_of_ones_own_and_none_is_one_too(people, alice):
    people.join("biology", people.alice)
    people.join("physics", people.bob)
    page = visit(alice, "/upload")
    options = [value for value, _, _ in page.forms["create"]["group"].options]
    assert options == ["", "biology", "users"]
    assert page.forms["create"]["group"].value == "users"
    submit(page, "create", name="none", group="")
    assert alice.get("/api/images/none").json["group"] is None


def test_who_may_make_no_image_is_offered_none(people, sessions, alice):
    with sessions.changing.begin() as session:
        session.execute(delete(Membership))
    page = visit(alice, "/upload")
    assert "create" not in page.forms
    assert 'value="own"' in page.text
    assert 'value="new"' not in page.text


def test_unfinished_uploads_are_listed_by_image_and_file_and_can_be_discarded(people, alice):
    people.alice.create()
    create(alice, headers={"Upload-Metadata": metadata(image="debian12", filename=EVIL)})
    page = visit(alice, "/upload")
    (row,) = page.html.select("[id^=upload-]")
    assert row.a["href"] == "/images/alice/debian12"
    assert EVIL in row.get_text()
    assert EVIL not in page.text
    assert "upload-" not in visit(people.bob.client, "/upload").text
    page = submit(page, row.form["id"])
    assert notice(page) == "The upload is ended."
    assert alice.get("/api/uploads").json == []


@pytest.mark.parametrize("name", ["upload.js", "tus.js"])
def test_scripts_that_name_one_another_are_looked_up_each_time(alice, name):
    """An upgrade must not leave a browser with modules of two versions."""
    page = visit(alice, "/upload")
    served = alice.get(f"/static/{name}")
    assert served.headers["Cache-Control"] == "no-cache"
    assert served.content_type == "text/javascript"
    alice.get(f"/static/{name}", headers={"If-None-Match": served.headers["ETag"]}, status=304)
    if name in page.text:
        (script,) = page.html.select(f"script[src*='{name}']")
        assert alice.get(script["src"]).headers["Cache-Control"] == "public, max-age=86400"

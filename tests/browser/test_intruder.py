"""What an intruder tries in a browser that holds somebody's certificate."""

from tests.browser.watching import visit

EVIL = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


def test_a_form_on_another_site_changes_nothing(browse, site, make_site):
    """The certificate goes with every form, whoever's page sends it."""
    victim = site.register()
    victim.create("debian12")
    other = make_site()
    page = browse(victim)
    page.watch.expect("foreign request")
    page.watch.expect("status of 403")
    # A page of another origin, which may hold any form: its own policy is taken off.
    page.route(
        f"{other.origin}/**",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f"""<form id=evil method=post action="{site.origin}/forms/images/debian12">
            <input name=_method value=DELETE><input name=_token value=guessed></form>
            <form id=api method=post action="{site.origin}/api/images/debian12">
            <input name=read_only value=true></form>""",
        ),
    )
    for form in ("evil", "api"):
        page.goto(f"{other.origin}/")
        with page.expect_navigation() as navigation:
            page.evaluate(f"document.getElementById('{form}').submit()")
        assert navigation.value.status == 403
        assert navigation.value.headers["x-repoman-error"] == "foreign-origin"
    shown = victim.ask("GET", "/api/images/debian12").json()
    assert (shown["state"], shown["read_only"]) == ("empty", False)


def test_a_page_cannot_be_framed(browse, site, make_site):
    victim, other = site.register(), make_site()
    page = browse(victim)
    page.watch.expect("foreign request")
    page.watch.expect("ERR_BLOCKED_BY_RESPONSE")
    page.watch.expect("frame-ancestors")
    page.route(
        f"{other.origin}/**",
        lambda route: route.fulfill(
            content_type="text/html", body=f'<iframe src="{site.origin}/me"></iframe>'
        ),
    )
    page.goto(f"{other.origin}/")
    page.wait_for_timeout(500)
    framed = [frame for frame in page.frames if frame != page.main_frame]
    assert all("Certificate" not in frame.content() for frame in framed)


def test_a_script_in_what_people_write_is_text(browse, site):
    evil, reader = site.register(), site.register()
    fields = dict.fromkeys(("description", "os_type", "os_variant", "os_arch"), EVIL)
    evil.create("debian12", **fields)
    evil.ask("PATCH", f"/api/users/{evil.name}", full_name=EVIL)
    evil.ask("PUT", f"/api/images/debian12/share/user/{reader.name}")
    page = browse(reader)
    for path in (
        "/images?view=shared",
        f"/images/{evil.name}/debian12",
        f"/users/{evil.name}",
        f"/users?q={evil.name}",
    ):
        visit(page, path)
        assert page.title() != "owned"
        assert page.locator("main script, main img").count() == 0
        assert "<script>" in page.locator("main").inner_text()


def test_what_is_not_shared_is_not_there_nor_by_a_form_made_by_hand(browse, site):
    owner, intruder = site.register(), site.register()
    uuid = owner.create("secret")["uuid"]
    page = browse(intruder)
    for path in (f"/images/{owner.name}/secret", f"/images/{uuid}"):
        visit(page, path, 404)
    visit(page, "/me")
    page.watch.expect("status of 404")
    with page.expect_navigation() as navigation:
        page.evaluate(
            """(uuid) => { const form = document.getElementById("self");
            form.action = `/forms/images/${uuid}`;
            form.querySelector("[name=full_name]").name = "description";
            form.querySelector("[name=email]").remove(); form.submit(); }""",
            uuid,
        )
    assert navigation.value.status == 404
    assert owner.ask("GET", "/api/images/secret").json()["description"] is None


def test_without_a_certificate_there_is_nothing_but_the_way_in(browse, site):
    page = browse()
    visit(page, "/")
    assert page.get_by_text("How to show a certificate with a browser").is_visible()
    for path in ("/images", "/users", "/upload", "/storage", "/me"):
        visit(page, path, 401)

"""Pages as a browser without JavaScript uses them: it opens them, fills forms in and follows."""

from webtest import TestApp, TestResponse

from tests.factories import People

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
OWN = {"Origin": "https://localhost:80", "Sec-Fetch-Site": "same-origin"} | BROWSER
"""What a browser sends with a form of a page of this server."""


def visit(client: TestApp, path: str, status: int = 200) -> TestResponse:
    """Open a page."""
    page = client.get(path, headers=BROWSER, status=status)
    assert page.content_type == ("text/html")
    return page


def fill(page: TestResponse, form: str, /, **fields: object):
    """Fill in a form, by its id; a box is ticked by True, several boxes by a list."""
    found = page.forms[form]
    for field, value in fields.items():
        inputs = found.fields[field]
        if len(inputs) == 1:
            inputs[0].value = value
            continue
        for box in inputs[1:]:
            box.checked = value is True or (value is not False and box._value in value)
    return found


def submit(page: TestResponse, form: str, /, **fields: object) -> TestResponse:
    """Send a form that is taken, and return the page that the browser is sent on to."""
    return fill(page, form, **fields).submit(headers=OWN, status=303).follow(headers=BROWSER)


def refuse(page: TestResponse, form: str, status: int, /, **fields: object) -> TestResponse:
    """Send a form that is refused, and return the page that says why."""
    return fill(page, form, **fields).submit(headers=OWN, status=status)


def notice(page: TestResponse) -> str | None:
    """Return what a page tells of the form before it."""
    found = page.html.select_one(".notice")
    return found and found.get_text()


def click(page: TestResponse, text: str) -> TestResponse:
    """Follow the link of that text."""
    (link,) = (one for one in page.html.find_all("a") if one.get_text().strip() == text)
    return page.goto(link["href"], headers=BROWSER, status=200)


def forms(page: TestResponse) -> set[str]:
    """List the forms of a page, by their ids."""
    return {name for name in page.forms if isinstance(name, str)}


def holder(people: People, name: str, *permissions: str) -> TestApp:
    """Make somebody who holds these permissions, and return a client."""
    person = getattr(people, name)
    people.admin.client.post(
        "/api/groups", {"name": f"of-{name}", "permissions": ",".join(permissions)}
    )
    people.join(f"of-{name}", person)
    return person.client

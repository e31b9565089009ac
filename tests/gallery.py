"""Two dozen images of two owners that differ in all that lists filter and sort by."""

import base64
import json
from datetime import timedelta
from itertools import cycle

from sqlalchemy import update

from repoman.models import Image, Protocol, Upload, now
from repoman.names import new_uuid
from repoman.services import images, users

# Of one name twice, and where collations of people's languages differ from code points.
NAMES = ["alpha", "Alpha", "a_b", "a-b", "a.b", "ab", "Zeta", "zeta", "x10", "x9", "X", "0"]
DESCRIPTIONS = [
    None, "100% Debian", "100 percent debian", r"C:\disk", "C:/disk", "under_score", "underscore",
    "ÄRGER", "ärger", "İstanbul", "line\nbreak", "K\u212aK",
]  # fmt: skip
SYSTEMS = ["linux", "Linux", None]
HYPERVISORS = [["kvm"], ["xen", "kvm"], ["lxc"]]
GROUPS = ["users", None, "lab"]


class Gallery:
    """Makes the images; ``shown`` holds each as GET of its URL shows it to an admin, by age."""

    def __init__(self, people) -> None:
        self.admin = people.admin.client
        people.join("lab", people.alice, people.bob)
        described = zip(NAMES, cycle(SYSTEMS), cycle(HYPERVISORS), cycle(GROUPS), strict=False)
        urls = []
        for number, (name, system, hypervisors, group) in enumerate(
            one for one in described for _ in range(2)
        ):
            owner = (people.alice, people.bob)[number % 2]
            made = owner.create(
                name,
                description=DESCRIPTIONS[number // 2],
                os_type=system,
                os_arch=f"a{number}",
                hypervisor=hypervisors,
                group=group,
                format=[None, "qcow2", None, None, "raw", None][number % 6],
            )
            urls.append(made["uuid_url"])
            if number % 3 == 0:
                owner.upload(data=b"x" * (number % 5 + 1), path=f"/api/images/raw/{made['uuid']}")
            if number % 4 == 1:
                self._begin_upload(people, owner.name, made["uuid"])
            self._date(people, made["uuid"], number)
        self.shown = [self.admin.get(url).json for url in urls]

    def _begin_upload(self, people, name, uuid) -> None:
        with people.sessions.changing.begin() as session:
            image = images.find(session, None, uuid)
            user = users.find(session, name)
            session.add(
                Upload(
                    uuid=new_uuid(),
                    image_id=image.id,
                    user_id=user.id,
                    hypervisor="kvm",
                    protocol=Protocol.PUT,
                    expires=now() + timedelta(hours=1),
                )
            )

    def _date(self, people, uuid, number) -> None:
        """Spread the images over a few moments, several at each."""
        moment = now() - timedelta(days=number * 7 % 5)
        with people.sessions.changing.begin() as session:
            session.execute(update(Image).where(Image.uuid == uuid).values(modified=moment))


def by(sort: str):
    """Return a function that sorts objects as ``?sort=`` should: ties by age, all reversed by -."""
    key = sort.removeprefix("-")

    def value(image):
        return -1 if image[key] is None else image[key]

    def arranged(found):
        ordered = sorted(found, key=value)
        return ordered[::-1] if sort.startswith("-") else ordered

    return arranged


def walk(client, url):
    """Follow Link from page to page; return the pages' JSON."""
    found = []
    while url:
        answer = client.get(url, status=200)
        found.append(answer.json)
        url = following(answer)
    return found


def following(answer) -> str | None:
    """Return the URL of the next page, as RFC 8288 writes it, or None."""
    link = answer.headers.get("Link")
    if link is None:
        return None
    assert link.startswith("<https://localhost:80/api/")
    assert link.endswith('>; rel="next"')
    return link[1 : link.index(">")]


def cursor(value) -> str:
    """Write a cursor of these values as the server would."""
    text = json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

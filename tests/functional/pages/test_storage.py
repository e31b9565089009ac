"""The page of the store, for administrators."""

from datetime import timedelta

from repoman.models import StorageSample, now
from repoman.pages.plots import plot, shares
from tests.factories import FILE
from tests.pages import visit


def test_it_is_for_administrators(people):
    assert "Storage" not in visit(people.alice.client, "/me").html.header.get_text()
    page = visit(people.alice.client, "/storage", 403)
    assert page.headers["X-Repoman-Permission"] == "admins"


def test_it_shows_what_takes_room(people, sessions):
    people.alice.create("big", hypervisor="kvm")
    people.alice.upload("big")
    admin = people.admin.client
    page = visit(admin, "/storage")
    assert "two are needed for a plot" in page
    for key in ("by-user", "by-group", "by-format", "largest", "oldest"):
        table = page.html.find(id=key).find_parent("section").table
        assert f"{len(FILE):,} bytes" in str(table), key
    with sessions.changing.begin() as session:
        for days in range(3):
            taken = now() - timedelta(days=days)
            session.add(StorageSample(taken=taken, files=days, free=10 - days, size=100))
    page = visit(admin, "/storage")
    drawn = [one["aria-label"].split(":")[0] for one in page.html.select("figure.plot svg")]
    assert drawn == ["Stored files", "Free"]
    assert len(page.html.select("details table tbody tr")) == 3


def test_unfinished_uploads_of_everybody_are_listed(people):
    people.alice.create("big", hypervisor="kvm")
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(FILE))}
    people.alice.client.post("/api/images/raw/big", headers=headers, status=201)
    page = visit(people.admin.client, "/storage")
    row = page.html.find(id="uploads").find_parent("section").tbody.tr
    assert row.th.a.get_text() == "alice/big"
    assert row.select_one("[data-label=From]").get_text() == "alice"


def test_a_plot_reaches_from_edge_to_edge():
    begin = now()
    times = [begin, begin + timedelta(hours=1), begin + timedelta(hours=4)]
    drawn = plot(times, [0, 5, 10])
    assert drawn.line == "M0.0 1000.0 L250.0 500.0 L1000.0 0.0"
    assert drawn.area == drawn.line + " V1000 H0 Z"
    assert drawn.top == 10
    assert plot(times[:1], [1]) is None
    assert plot([begin, begin], [1, 2]) is None
    assert plot(times, [0, 0, 0]).line == "M0.0 1000.0 L250.0 1000.0 L1000.0 1000.0"
    assert shares([5, 10, 0]) == [50, 100, 0]
    assert shares([0]) == [0]
    assert shares([]) == []

"""Backup and restore while people upload, overwrite, rename, copy and delete, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from repoman.services.collector import collect
from repoman.storage.filesystem import FilesystemStore
from tests.backups import Site, assert_whole
from tests.factories import FILE
from tests.wsgi import wait_for

NAMES = ("ann", "ben", "cat")


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request) -> str:
    """Both: here the kind of database counts."""
    return request.param


@contextmanager
def running(*workers):
    """Run each in a thread, again and again, until the block is left; raise what they raise."""
    stop = threading.Event()

    def run(work):
        turn = 0
        while not stop.is_set():
            work(turn)
            turn += 1
        return turn

    with ThreadPoolExecutor(len(workers)) as pool:
        futures = [pool.submit(run, work) for work in workers]
        try:
            yield
        finally:
            stop.set()
        for future in futures:
            assert future.result(60) > 0


def busy(person):
    """Return a turn of somebody who does all that changes files."""
    client = person.client

    def work(turn):
        name, data = f"image-{turn}", f"{person.name} {turn}".encode() * 2000
        client.post_json("/api/images", {"name": name}, status=201)
        client.put(f"/api/images/raw/{name}", data, status=201)
        client.put(f"/api/images/raw/{name}", data[::-1], status=200)
        client.post_json(f"/api/images/{name}", {"name": f"renamed-{turn}"}, status=200)
        copy = {"name": f"copy-{turn}", "copy_of": f"renamed-{turn}"}
        client.post_json("/api/images", copy, status=201)
        client.put(f"/api/images/raw/copy-{turn}", data, status=200)
        client.delete(f"/api/images/renamed-{turn}", status=200)
        if turn >= 3:
            client.delete(f"/api/images/raw/copy-{turn - 3}", status=200)

    return work


def test_backups_taken_under_load_restore_to_sites_without_a_gap(
    here, people, sessions, folder, tmp_path
):
    workers = [busy(getattr(people, name)) for name in NAMES]

    def collect_garbage(turn):
        list(collect(sessions, FilesystemStore(here.store), 0, trash_ttl=0, force=True))

    sites = []
    with running(*workers, collect_garbage):
        for number in range(3):
            wait_for(lambda: here.rows()["image_file"])
            here.run("backup", folder)
            sites.append(Site.make(tmp_path / f"site-{number}", here.ini, None))
            sites[-1].run("restore", folder)
    for site in sites:
        assert_whole(site)
        assert len(site.rows()["user"]) == 3
    assert len({str(site.rows()) for site in sites}) == 3
    assert_whole(here)


class Creator:
    """Makes images with files, and notes in their order those that were acknowledged."""

    def __init__(self, person) -> None:
        self.person, self.client = person, person.client
        self.made: list[str] = []
        self.filled: set[str] = set()

    def work(self, turn):
        name = f"new-{turn}"
        if (
            self.client.post_json("/api/images", {"name": name}, status=[201, 503]).status_int
            == 503
        ):
            return
        self.made.append(name)
        # The restore may come in between: then the image has gone, or the upload has.
        answer = self.client.put(
            f"/api/images/raw/{name}", self.data(name), status=[201, 404, 412, 503]
        )
        if answer.status_int == 201:
            self.filled.add(name)

    def data(self, name) -> bytes:
        return f"{self.person.name} {name}".encode() * 1000

    def check(self) -> None:
        """All that is there was in the backup, or was acknowledged after one moment."""
        found = {one.rsplit("/", 1)[1] for one in self.images()}
        assert "kept" in found
        found -= {"kept", "overwritten"}
        assert found == set(self.made[-len(found) :])
        assert 0 < len(found) < len(self.made)
        for name in found:
            shown = self.client.get(f"/api/images/{name}").json
            if name in self.filled:
                assert self.client.get(f"/api/images/raw/{name}").body == self.data(name)
            else:
                assert not any(shown["files"].values())

    def images(self) -> list[str]:
        return self.client.get("/api/images").json


def test_a_restore_into_a_running_server_is_one_moment_for_everybody(
    here, people, folder, settings
):
    creators = [Creator(getattr(people, name)) for name in NAMES]
    for creator in creators:
        creator.person.create("kept")
        creator.person.upload("kept", status=201)
    overwritten = [b""]
    people.ann.create("overwritten")
    people.ann.upload("overwritten", status=201)
    here.run("backup", folder)
    backed_up = here.rows()

    def overwrite(turn):
        data = b"%d" % turn * 1000
        answer = people.ann.client.put("/api/images/raw/overwritten", data, status=[200, 412, 503])
        if answer.status_int == 200:
            overwritten.append(data)

    def read(turn):
        client = people.ben.client
        assert client.get("/api/images/raw/kept", status=200).body == FILE
        assert client.get("/api/images/kept", status=200).json["size"] == len(FILE)
        assert "kept" in client.get("/api/images", status=200).text

    def made_more():
        goals = [len(creator.made) + 3 for creator in creators] + [len(overwritten) + 3]
        wait_for(
            lambda: all(
                len(one) >= goal
                for one, goal in zip(
                    [*(creator.made for creator in creators), overwritten], goals, strict=True
                )
            ),
            30,
        )

    with running(*(creator.work for creator in creators), overwrite, read):
        made_more()
        here.run("restore", folder, "--force")
        made_more()
    for creator in creators:
        creator.check()
    assert people.ann.client.get("/api/images/raw/overwritten").body == overwritten[-1]
    assert_whole(here)
    after = here.rows()
    for table in ("user", "group", "certificate", "membership", "group_permission"):
        assert after[table] == backed_up[table]

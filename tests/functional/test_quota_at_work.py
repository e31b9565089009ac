"""Eight threads at random work, with failures: use stays within quotas, and is what is there.

The figures of the API are held against the rows, counted here anew, and the rows against the bytes
in the store.
"""

import random
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from repoman.models import Blob, Group, Image, ImageFile, Upload, User
from repoman.services.collector import collect
from repoman.storage.filesystem import FilesystemStore
from tests.functional.test_usage import set_quota, usage
from tests.wsgi import FORM, Source, multipart, send

THREADS, TURNS, SEED = 8, 25, 6
USERS, NAMES = ("alice", "bob", "carol", "dave"), ("one", "two", "three")
QUOTA, LARGEST = 40_000, 20_000
EXPECTED = {200, 201, 400, 403, 404, 409, 412, 413}


class Worker:
    """Does what comes to mind, as one of `USERS`; ``answers`` are of the kind of act and status."""

    def __init__(self, people, number: int) -> None:
        self.random, self.number = random.Random(SEED * 100 + number), number
        self.name = USERS[number % len(USERS)]
        self.client, self.admin = getattr(people, self.name).client, people.admin.client
        self.answers: Counter = Counter()

    def work(self) -> None:
        """Take one turn after the other; two thirds are uploads."""
        others = [self.create, self.copy, self.delete, self.delete_file, self.give, self.put_in_lab]
        uploads = [self.put, self.chunked, self.form, self.broken, self.wrong, self.too_much]
        for turn in range(TURNS):
            act = self.random.choice(self.random.choice([others, uploads, uploads]))
            answer = act()
            self.answers[act.__name__, answer.status_int] += 1
            assert answer.status_int in EXPECTED, (act, answer.text)
            if turn % 2:
                whose = self.random.choice([f"users/{self.name}", "groups/lab"])
                shown = usage(self.admin, whose)
                assert shown["usage"] <= shown["quota"], shown

    def image(self, owner: str | None = None) -> str:
        return f"{owner or self.name}/{self.random.choice(NAMES)}"

    def target(self) -> str:
        """Choose where to upload to: the own images, or sometimes anybody's."""
        owner = self.random.choice([self.name, self.name, *USERS])
        return f"/api/images/raw/{self.image(owner)}"

    def data(self, size: int | None = None) -> bytes:
        return self.random.randbytes(size or self.random.randrange(1, LARGEST))

    def create(self):
        fields = {"name": self.random.choice(NAMES), "group": "lab", "group_access": "write"}
        return self.client.post_json("/api/images", fields, status="*")

    def copy(self):
        fields = {"name": self.random.choice(NAMES), "group": "lab", "group_access": "write"}
        fields["copy_of"] = self.image(self.random.choice(USERS))
        return self.client.post_json("/api/images", fields, status="*")

    def delete(self):
        return self.client.delete(f"/api/images/{self.image()}", status="*")

    def delete_file(self):
        return self.client.delete(f"/api/images/raw/{self.image()}", status="*")

    def give(self):
        fields = {"owner": self.random.choice(USERS)}
        return self.admin.patch_json(f"/api/images/{self.image()}", fields, status="*")

    def put_in_lab(self):
        fields = {"group": "lab", "group_access": "write"}
        return self.client.patch_json(f"/api/images/{self.image()}", fields, status="*")

    def put(self):
        return self.client.put(self.target(), self.data(), status="*")

    def chunked(self):
        return send(self.client, self.target(), Source(self.data()), status="*")

    def form(self):
        return self.client.post(self.target(), multipart(self.data()), headers=FORM, status="*")

    def broken(self):
        data = self.data()
        source = Source(data[: len(data) // 2], ending=OSError("the client has gone"))
        length = self.random.choice([len(data), None])
        return send(self.client, self.target(), source, length=length, status="*")

    def wrong(self):
        headers = {"X-Repoman-Checksum": "sha256=" + "0" * 64}
        return self.client.put(self.target(), self.data(), headers=headers, status="*")

    def too_much(self):
        data = self.data(QUOTA + 1)
        length = self.random.choice([len(data), None])
        return send(self.client, self.target(), Source(data), length=length, status="*")


@pytest.fixture
def answers(people):
    """What came of the work of all."""
    people.join("lab", *(getattr(people, name) for name in USERS))
    for name in USERS:
        set_quota(people, f"users/{name}", QUOTA)
        for image in NAMES[:2]:
            fields = {"group": "lab", "group_access": "write"}
            getattr(people, name).create(image, **fields)
    set_quota(people, "groups/lab", 3 * QUOTA)
    workers, ready = [Worker(people, number) for number in range(THREADS)], Barrier(THREADS)

    def run(worker):
        ready.wait(20)
        worker.work()
        return worker.answers

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(run, workers), Counter())


def count(sessions) -> dict[str, int]:
    """Return each account's use by its part of the URL, from the bare rows."""
    with sessions.reading() as session:
        users, groups = (
            {key: f"{kind}/{name}" for key, name in session.execute(select(model.id, model.name))}
            for kind, model in (("users", User), ("groups", Group))
        )
        images = {
            key: (users[owner], groups.get(group))
            for key, owner, group in session.execute(
                select(Image.id, Image.owner_id, Image.group_id)
            )
        }
        sizes = dict(session.execute(select(Blob.id, Blob.size)).all())
        named = defaultdict(set)
        for image, blob in session.execute(select(ImageFile.image_id, ImageFile.blob_id)):
            for account in images[image]:
                named[account].add(blob)
        found = {whose: sum(sizes[blob] for blob in blobs) for whose, blobs in named.items()}
        for user, reserved in session.execute(select(Upload.user_id, Upload.reserved)):
            found[users[user]] = found.get(users[user], 0) + reserved
    return found


def check_store(sessions, folder, *, collected: bool) -> None:
    """Compare the rows of blobs and of uploads with the files, in bytes and in blocks of a disk."""
    with sessions.reading() as session:
        blobs = dict(session.execute(select(Blob.uuid, Blob.size)).all())
        uploads = dict(session.execute(select(Upload.uuid, Upload.reserved)).all())
    committed = [path for path in (folder / "blobs").rglob("*") if path.is_file()]
    partial = list((folder / "partial").iterdir())
    assert {path.name: path.stat().st_size for path in committed} == blobs
    sizes = {path.name: path.stat().st_size for path in partial}
    # What an image's deletion left of its uploads is the collector's.
    assert sizes == uploads if collected else sizes.items() >= uploads.items()
    for path in (*committed, *partial):
        # No holes: what counts is on the disk, a last part of a block as a whole one.
        assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_use_is_what_the_rows_say_and_the_rows_what_is_on_the_disk(
    people, answers, sessions, settings
):
    statuses = Counter(status for _, status in answers.elements())
    assert answers.total() == THREADS * TURNS
    # Of everything there was some.
    assert min(statuses[status] for status in (200, 201, 400, 413)) > 3, answers
    counted = count(sessions)
    for name in USERS:
        assert usage(people.admin.client, f"users/{name}")["usage"] == counted.get(
            f"users/{name}", 0
        )
    assert usage(people.admin.client, "groups/lab")["usage"] == counted.get("groups/lab", 0)
    check_store(sessions, settings.store, collected=False)
    list(collect(sessions, FilesystemStore(settings.store), 0))
    check_store(sessions, settings.store, collected=True)
    assert count(sessions) == counted

"""Many at once: real threads against the application, over one real database file and one store."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.factories import FILE
from tests.wsgi import MIB, post_form

RAW = "/api/images/raw/debian12"
NEW = b"another virtual machine image" * 1000


class Steps:
    """Lets a test decide when each of several uploads gets its last bytes."""

    def __init__(self) -> None:
        self.reading, self.go = threading.Event(), threading.Event()

    def wait(self) -> None:
        """Be called in the middle of a body."""
        self.reading.set()
        assert self.go.wait(20)


@pytest.fixture
def pool():
    """Threads; one that fails raises in the test."""
    with ThreadPoolExecutor(10) as made:
        yield made


def start(pool, client, data, path=RAW, **options):
    """Begin an upload in a thread of its own; it stops in the middle of its body."""
    steps = Steps()
    running = pool.submit(post_form, client, path, data, steps.wait, status="*", **options)
    assert steps.reading.wait(20)
    return running, steps


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_uploads_at_once_both_are_whole_and_the_later_to_finish_wins(
    people, pool, remains, order
):
    people.alice.create()
    people.join("crew", people.alice, people.bob)
    people.alice.client.post_json(
        "/api/images/debian12", {"group": "crew", "group_access": "write"}
    )
    bodies = [FILE, NEW]
    running = [
        start(pool, people.alice.client, FILE),
        start(pool, people.bob.client, NEW, "/api/images/raw/alice/debian12"),
    ]
    assert len(remains.partials()) == len(remains.uploads()) == 2
    for version, which in enumerate(order, start=1):
        future, steps = running[which]
        steps.go.set()
        response = future.result(20)
        assert response.status_int == (201 if version == 1 else 200)
        assert response.json["version"] == version
        assert people.alice.client.get(RAW).body == bodies[which]
    assert remains.blobs() == remains.files()
    assert len(remains.blobs()) == 2
    assert not remains.partials() | remains.uploads()


def test_of_two_if_match_writers_at_once_one_gets_200_and_the_other_412(people, pool, remains):
    people.alice.create()
    people.alice.upload()
    seen = {"If-Match": people.alice.client.head(RAW).headers["ETag"]}
    running = [start(pool, people.alice.client, data, headers=seen) for data in (NEW, NEW[::-1])]
    for _, steps in running:
        steps.go.set()
    answers = [future.result(20) for future, _ in running]
    assert sorted(answer.status_int for answer in answers) == [200, 412]
    winner = NEW if answers[0].status_int == 200 else NEW[::-1]
    assert people.alice.client.get(RAW).body == winner
    assert len(remains.blobs()) == len(remains.files()) == 2


def test_eight_uploads_at_once_get_eight_versions_and_the_last_is_there(people, pool, remains):
    people.alice.create(hypervisor="kvm,xen")
    bodies = {number: b"%d" % number * 100_000 for number in range(8)}
    paths = ["/api/images/raw/kvm/debian12", "/api/images/raw/xen/debian12"]
    futures = {
        number: pool.submit(post_form, people.alice.client, paths[number % 2], data, status="20*")
        for number, data in bodies.items()
    }
    answers = {number: future.result(30) for number, future in futures.items()}
    versions = {number: answer.json["files"] for number, answer in answers.items()}
    assert sorted(answer.status_int for answer in answers.values()) == [200] * 6 + [201] * 2
    assert people.alice.upload(data=NEW).json["version"] == 9
    for number, path in enumerate(paths):
        name = ("kvm", "xen")[number]
        rivals = [one for one in bodies if one % 2 == number]
        last = max(rivals, key=lambda one: versions[one][name]["version"])
        expected = NEW if name == "kvm" else bodies[last]
        assert people.alice.client.get(path).body == expected
    assert not remains.partials() | remains.uploads()


def test_overwrites_leave_downloads_under_way_wholly_old_or_wholly_new(people, pool):
    people.alice.create()
    versions = [bytes([number]) * (2 * MIB + number) for number in range(1, 7)]
    digests = {hashlib.sha256(data).hexdigest() for data in versions}
    people.alice.upload(data=versions[0])
    stop = threading.Event()

    def download():
        seen = set()
        while not stop.is_set():
            response = people.alice.client.get(RAW, status=200)
            assert len(response.body) == int(response.headers["Content-Length"])
            seen.add(hashlib.sha256(response.body).hexdigest())
        return seen

    futures = [pool.submit(download) for _ in range(3)]
    for data in versions[1:]:
        people.alice.upload(data=data, status=200)
    stop.set()
    found = set().union(*(future.result(30) for future in futures))
    assert found <= digests
    assert people.alice.client.get(RAW).body == versions[-1]


@pytest.mark.parametrize("clients", [2, 8])
def test_of_creations_of_one_name_at_once_one_gets_201_and_the_others_409(people, pool, clients):
    client = people.alice.client
    ready = threading.Barrier(clients)

    def create():
        ready.wait(20)
        return client.post_json("/api/images", {"name": "debian12"}, status="*")

    answers = [future.result(30) for future in [pool.submit(create) for _ in range(clients)]]
    assert sorted(one.status_int for one in answers) == [201] + [409] * (clients - 1)
    codes = {one.headers.get("X-Repoman-Error") for one in answers}
    assert codes == {None, "image-exists"}
    assert len(client.get("/api/images").json) == 1


def test_eight_threads_at_work_never_see_a_locked_database_nor_any_5xx(people, pool, remains):
    people.join("crew", people.alice, people.bob)
    bob, admin = people.bob, people.admin

    def work(number):
        client, answers = people.alice.client, []
        for turn in range(3):
            name = f"image-{number}-{turn}"
            answers += [
                client.post_json("/api/images", {"name": name, "group": "crew"}, status="*"),
                client.put(f"/api/images/raw/{name}", FILE, status="*"),
                client.post(f"/api/images/{name}/share/user/bob", status="*"),
                client.post_json(f"/api/images/{name}", {"group_access": "read"}, status="*"),
                bob.client.get(f"/api/images/raw/alice/{name}", status="*"),
                bob.client.post_json(
                    "/api/images", {"name": name, "copy_of": f"alice/{name}"}, status="*"
                ),
                admin.client.get("/api/images", status="*"),
                client.delete(f"/api/images/{name}", status="*"),
                bob.client.get(f"/api/images/raw/{name}", status="*"),
            ]
        return [(answer.status_int, answer.headers.get("X-Repoman-Error")) for answer in answers]

    expected = [(201, None), (201, None), *[(200, None)] * 3, (201, None), *[(200, None)] * 3] * 3
    for future in [pool.submit(work, number) for number in range(8)]:
        assert future.result(60) == expected
    assert len(bob.client.get("/api/images").json) == 24
    assert not remains.partials() | remains.uploads()


def test_twenty_stalled_uploads_keep_nobody_from_the_database(people, settings):
    people.alice.create()
    started, release = threading.Semaphore(0), threading.Event()
    clients = 20  # more than the pool of connections holds

    def stall():
        started.release()
        assert release.wait(30)

    def upload():
        return post_form(people.alice.client, RAW, FILE, stall, status="20*")

    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(upload) for _ in range(clients)]
        for _ in range(clients):
            assert started.acquire(timeout=20)
        assert people.alice.client.get("/api/images/debian12").json["state"] == "uploading"
        people.alice.create("other")
        release.set()
        versions = {future.result(30).json["version"] for future in futures}
    assert versions == set(range(1, clients + 1))

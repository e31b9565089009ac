"""The collector removes what nobody needs any more, and nothing else, beside a running server."""

import json
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from repoman.models import Blob, Image, ImageFile, Protocol, Upload, now
from repoman.scripts.admin import main as repoman_admin
from repoman.services.collector import Collected, _stray_files, collect
from repoman.services.emptying import Trash, remove_images
from repoman.storage.filesystem import FilesystemStore
from tests.factories import FILE
from tests.rights import all_rows
from tests.wsgi import Source, plain_environ, send

RAW = "/api/images/raw/debian12"
NEW = b"another virtual machine image" * 1000


@pytest.fixture(autouse=True)
def _no_time_in_the_trash(ini):
    """What is deleted or overwritten goes at the next gc, but where a test says otherwise."""
    ini |= {"repoman.keep_versions": "0", "repoman.trash_ttl": "0"}


@pytest.fixture
def gc(ini, tmp_path):
    """Run ``repoman-admin gc``; return its lines, the last of which is the sum."""
    config = tmp_path / "repoman.ini"
    lines = [f"{key} = {value}" for key, value in ini.items()]
    config.write_text("[app:main]\nuse = egg:repoman\n" + "\n".join(lines))

    def run(*options, status=0):
        arguments = ["--config", str(config), "gc", *options]
        result = CliRunner().invoke(repoman_admin, arguments)
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        return result.output.splitlines()

    return run


def ago(seconds):
    return now() - timedelta(seconds=seconds)


def age(sessions, seconds):
    """Let the marks of the collector become older."""
    with sessions.changing.begin() as session:
        for blob in session.scalars(select(Blob).where(Blob.unreferenced.is_not(None))):
            blob.unreferenced -= timedelta(seconds=seconds)


# Blobs without image


def test_an_overwritten_file_is_reported_first_and_removed_after_its_grace(
    people, gc, remains, sessions
):
    uuid = people.alice.create()["uuid"]
    people.alice.upload()
    (old,) = remains.blobs()
    people.alice.upload(data=NEW)
    waiting = f"blob {old} ({len(FILE)} bytes): to be removed by a gc 3600 s from now"
    version = f"deleted version {uuid}/kvm/1 (0 bytes): removed"
    assert gc() == [version, waiting, "0 bytes removed."]
    age(sessions, 3500)
    assert gc() == [waiting, "0 bytes removed."]
    age(sessions, 100)
    removed = f"blob {old} ({len(FILE)} bytes): removed"
    assert gc() == [removed, f"{len(FILE)} bytes removed."]
    assert gc() == ["0 bytes removed."]
    assert len(remains.blobs()) == len(remains.files()) == 1
    assert people.alice.client.get(RAW).body == NEW


@pytest.mark.parametrize("what", ["the file", "the image", "the hypervisor"])
def test_a_deleted_file_is_removed(people, gc, remains, what):
    people.alice.create(hypervisor="kvm,xen")
    people.alice.upload()
    if what == "the hypervisor":
        people.alice.client.post_json("/api/images/debian12", {"hypervisor": "xen"})
    else:
        people.alice.client.delete(RAW if what == "the file" else "/api/images/debian12")
    assert len(remains.files()) == 1
    assert gc("--grace", "0")[-1] == f"{len(FILE)} bytes removed."
    assert remains.all() == (set(), set(), set(), set())


def test_the_grace_of_the_setting_is_used_without_the_option(ini, people, gc, remains):
    people.alice.create()
    people.alice.upload()
    people.alice.client.delete(RAW)
    assert "3600 s" in gc()[1]
    assert "7 s" in gc("--grace", "7")[0]
    assert len(remains.files()) == 1


def test_a_file_that_a_copy_shares_stays_until_the_last_image_goes(people, gc, remains):
    alice, bob = people.alice, people.bob
    alice.create()
    alice.upload()
    alice.client.post("/api/images/debian12/share/user/bob")
    bob.create("mine", copy_of="alice/debian12")
    alice.client.delete("/api/images/debian12")
    assert gc("--grace", "0")[1:] == ["0 bytes removed."]
    assert bob.client.get("/api/images/raw/mine").body == FILE
    bob.upload("mine", data=NEW, status=200)
    assert gc("--grace", "0")[-1] == f"{len(FILE)} bytes removed."
    assert bob.client.get("/api/images/raw/mine").body == NEW
    bob.client.delete("/api/images/mine")
    gc("--grace", "0")
    assert remains.all() == (set(), set(), set(), set())


def test_a_mark_on_a_file_that_an_image_names_is_taken_off(people, gc, sessions):
    people.alice.create()
    people.alice.upload()
    with sessions.changing.begin() as session:
        session.execute(update(Blob).values(unreferenced=now() - timedelta(days=9)))
    assert gc() == ["0 bytes removed."]
    with sessions.reading() as session:
        assert session.scalars(select(Blob.unreferenced)).all() == [None]
    assert people.alice.client.get(RAW).body == FILE


def test_a_blob_whose_file_is_gone_is_forgotten(people, gc, remains, settings):
    people.alice.create()
    people.alice.upload()
    people.alice.client.delete(RAW)
    for path in (settings.store / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    assert "removed" in gc("--grace", "0")[1]
    assert not remains.blobs()


# The trash


@pytest.fixture
def trash(people, sessions):
    """An image of three versions that was deleted, and one whose first version was."""
    uuids = [people.alice.create(name)["uuid"] for name in ("gone", "debian12")]
    for data in (FILE, NEW):
        people.alice.upload(data=data)
        people.alice.upload("gone", data[::-1])
    people.alice.upload("gone", b"third")
    people.alice.client.delete("/api/images/gone", status=200)
    return uuids


def test_the_trash_is_emptied_of_what_has_been_in_it_long_enough(gc, trash, remains, sessions):
    gone, stays = trash
    before = len(remains.blobs())
    assert gc("--trash-ttl", "3600", "--grace", "0") == ["0 bytes removed."]
    with sessions.changing.begin() as session:
        session.execute(update(Image).where(Image.uuid == gone).values(deleted=ago(3601)))
    lines = gc("--trash-ttl", "3600", "--grace", "0")
    assert lines[0] == f"deleted image {gone} (0 bytes): removed"
    assert lines[-1] == f"{len(FILE) + len(NEW) + 5} bytes removed."
    assert len(remains.blobs()) == len(remains.files()) == before - 3
    with sessions.changing.begin() as session:
        session.execute(update(ImageFile).values(trashed=ago(3601)).where(~ImageFile.current))
    lines = gc("--trash-ttl", "3600", "--grace", "0")
    assert lines[0] == f"deleted version {stays}/kvm/1 (0 bytes): removed"
    assert lines[-1] == f"{len(FILE)} bytes removed."
    assert len(remains.blobs()) == len(remains.files()) == 1


@pytest.mark.parametrize("grace", ["0", "60"])
def test_a_dry_run_says_what_gc_does_then_and_changes_nothing(
    gc, trash, remains, sessions, settings, grace
):
    (settings.store / "partial" / ("a" * 32)).write_bytes(b"left by a killed upload")
    before = all_rows(sessions), remains.all()
    foreseen = gc("--dry-run", "--grace", grace)
    assert (all_rows(sessions), remains.all()) == before
    assert foreseen[0] == f"deleted image {trash[0]} (0 bytes): would be removed"
    done = gc("--grace", grace)
    assert sorted(line.replace("would be removed", "removed") for line in foreseen) == sorted(done)
    assert len(done) == 8
    assert (all_rows(sessions), remains.all()) != before


def test_a_dry_run_reads_the_marks_of_earlier_runs(people, gc, trash, sessions):
    assert gc()[-1] == "0 bytes removed."
    age(sessions, 3600)
    foreseen = gc("--dry-run")
    assert foreseen[-1] == f"{2 * len(FILE) + len(NEW) + 5} bytes would be removed."
    assert len(foreseen) == 5


def test_what_comes_out_of_the_trash_while_it_is_emptied_stays(people, trash, sessions, settings):
    gone, _ = trash

    class Sessions:
        """Lets the image be restored after the collector has seen that it is in the trash."""

        reading = sessions.reading

        @property
        def changing(self):
            people.alice.client.post(f"/api/images/{gone}/restore", status=200)
            return sessions.changing

    assert not list(remove_images(Sessions(), Trash.older_than(0), dry_run=False))
    assert people.alice.client.get("/api/images/raw/gone").body == b"third"


# Files without row


def test_files_that_no_row_names_are_removed_and_others_are_not_touched(
    people, gc, remains, settings
):
    people.alice.create()
    people.alice.upload()
    stray, partial = uuid.uuid4().hex, uuid.uuid4().hex
    shard = settings.store / "blobs" / stray[:2]
    shard.mkdir(exist_ok=True)
    (shard / stray).write_bytes(b"x" * 10)
    (shard / "notes.txt").write_bytes(b"of the administrator")
    (settings.store / "blobs" / "README").write_bytes(b"too")
    (settings.store / "partial" / partial).write_bytes(b"x" * 7)
    (settings.store / "partial" / ".nfs01").write_bytes(b"of the filesystem")
    assert gc() == [
        f"partial file {partial} (7 bytes): removed",
        f"stray file {stray} (10 bytes): to be removed by a gc 3600 s from now",
        "7 bytes removed.",
    ]
    assert gc("--grace", "0") == [
        f"stray file {stray} (10 bytes): removed",
        "10 bytes removed.",
    ]
    assert (shard / "notes.txt").exists()
    assert remains.partials() == {".nfs01"}
    assert people.alice.client.get(RAW).body == FILE


# Uploads under way


def test_a_running_upload_is_left_alone_from_its_first_byte_to_its_answer(people, gc, remains):
    people.alice.create()
    seen = []

    class Watched(Source):
        def read(self, size):
            seen.append(gc("--grace", "0"))
            return super().read(size)

    send(people.alice.client, RAW, Watched(FILE), length=len(FILE), status=201)
    assert seen == [["0 bytes removed."]] * 4
    assert people.alice.client.get(RAW).body == FILE


UPLOADER = """
import json, sys
import repoman
from tests.wsgi import Source, send
from webtest import TestApp

ini, environ = json.loads(sys.argv[1]), json.loads(sys.argv[2])
client = TestApp(repoman.main({}, **ini), extra_environ=environ)


def wait():
    print("half", flush=True)
    sys.stdin.readline()


data = sys.argv[3].encode() * 1000
response = send(client, "/api/images/raw/debian12", Source(data, wait), length=len(data))
print(response.status, flush=True)
"""


@pytest.fixture
def uploader(people, ini):
    """Begin an upload in another process, which waits in the middle of its body."""
    people.alice.create()
    people.alice.upload()
    arguments = [json.dumps(ini), json.dumps(plain_environ(people.alice.client)), "half a file"]
    process = subprocess.Popen(
        [sys.executable, "-c", UPLOADER, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "half\n"
    yield process
    process.kill()
    process.wait(10)
    process.stdin.close()
    process.stdout.close()


def test_an_upload_of_another_process_is_left_alone(people, gc, remains, uploader):
    assert len(remains.uploads()) == len(remains.partials()) == 1
    assert gc("--grace", "0") == ["0 bytes removed."]
    uploader.stdin.write("go on\n")
    uploader.stdin.flush()
    assert uploader.stdout.readline() == "200 OK\n"
    assert people.alice.client.get(RAW).body == b"half a file" * 1000
    assert not remains.uploads() | remains.partials()


def test_what_a_killed_upload_left_is_kept_until_it_expires(
    people, gc, remains, uploader, sessions
):
    (key,) = remains.partials()
    assert remains.uploads() == {key}
    expire_uploads(sessions)
    assert gc() == ["0 bytes removed."]  # it is running
    uploader.kill()
    uploader.wait(10)
    expire_uploads(sessions, minutes=-1)
    assert gc() == ["0 bytes removed."]
    assert remains.uploads() == remains.partials() == {key}
    expire_uploads(sessions)
    lines = gc()
    assert lines[0] == f"stale upload {key} (0 bytes): removed"
    assert lines[1].startswith(f"partial file {key} (")
    assert len(lines) == 3
    assert not remains.uploads() | remains.partials()
    assert people.alice.client.get(RAW).body == FILE
    people.alice.upload(data=NEW, status=200)


def expire_uploads(sessions, minutes=1) -> None:
    """Have all uploads expire so many minutes ago."""
    with sessions.changing.begin() as session:
        session.execute(update(Upload).values(expires=now() - timedelta(minutes=minutes)))


def test_a_form_that_was_killed_is_freed_at_once(people, gc, remains, uploader, sessions):
    (key,) = remains.partials()
    uploader.kill()
    uploader.wait(10)
    with sessions.changing.begin() as session:
        session.execute(update(Upload).values(protocol=Protocol.FORM))
    lines = gc()
    assert lines[0] == f"stale upload {key} (0 bytes): removed"
    assert lines[1].startswith(f"partial file {key} (")
    assert not remains.uploads() | remains.partials()


@pytest.mark.parametrize("moment", ["is_held", "delete"])
def test_an_upload_that_ends_while_the_collector_looks_at_its_file_keeps_it(
    people, sessions, settings, remains, moment
):
    people.alice.create()
    reading, go = threading.Event(), threading.Event()

    def wait():
        reading.set()
        assert go.wait(20)

    class Store(FilesystemStore):
        """Lets the upload end just before one of the collector's questions is answered."""

        def end(self, method):
            if method == moment and not go.is_set():
                go.set()
                assert upload.result(20).status_int == 201

        def is_held(self, key):
            self.end("is_held")
            return super().is_held(key)

        def delete(self, key):
            self.end("delete")
            return super().delete(key)

    store = Store(settings.store)
    with ThreadPoolExecutor(1) as pool:
        source = Source(FILE, wait)
        upload = pool.submit(send, people.alice.client, RAW, source, length=len(FILE), status="*")
        assert reading.wait(20)
        found = list(_stray_files(sessions, store, 0))
        go.set()
        assert upload.result(20).status_int == 201
    assert found == []
    assert people.alice.client.get(RAW).body == FILE


# Beside a running server


def test_uploads_copies_and_deletions_go_on_while_it_runs(people, sessions, settings, remains):
    people.alice.create("source")
    people.alice.upload("source")
    client, stop = people.alice.client, threading.Event()
    collected: list[Collected] = []

    def collect_all_the_time():
        while not stop.is_set():
            collected.extend(collect(sessions, FilesystemStore(settings.store), 0, trash_ttl=0))

    def work(number):
        for turn in range(4):
            name = f"image-{number}"
            client.post_json("/api/images", {"name": name}, status=201)
            client.put(f"/api/images/raw/{name}", b"%d" % turn * 1000, status=201)
            client.put(f"/api/images/raw/{name}", NEW, status=200)
            copy = {"name": f"copy-{number}-{turn}", "copy_of": name}
            client.post_json("/api/images", copy, status=201)
            client.delete(f"/api/images/{name}", status=200)

    with ThreadPoolExecutor(5) as pool:
        collectors = [pool.submit(collect_all_the_time) for _ in range(2)]
        for future in [pool.submit(work, number) for number in range(3)]:
            future.result(60)
        stop.set()
        for future in collectors:
            future.result(60)
    for number in range(3):
        for turn in range(4):
            assert client.get(f"/api/images/raw/copy-{number}-{turn}").body == NEW
    list(collect(sessions, FilesystemStore(settings.store), 0, trash_ttl=0))
    assert remains.files() == remains.blobs()
    # The files of all copies have the same bytes, and were merged.
    assert len(remains.blobs()) == 2
    # Two collectors may meet over one file, and find a partial file before its lock: no harm done.
    assert "blob" in {one.what for one in collected}
    assert "stale upload" not in {one.what for one in collected}


# Outages


def test_it_says_in_one_sentence_what_keeps_it_from_working(people, gc, settings, database):
    with database.gone():
        assert gc(status=1)[0].startswith("Error: The database does not answer as it should")
    settings.store.rename(settings.store.with_name("moved"))
    settings.store.write_text("no folder")
    assert gc(status=1)[0].startswith("Error: The image store failed")

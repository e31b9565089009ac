"""The store in a folder: the contract of all stores, and what is the filesystem's own."""

import errno
import fcntl
import os
import resource
import stat
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from repoman.errors import StoreFull, StoreUnavailable
from repoman.storage import partials
from repoman.storage.filesystem import FilesystemStore
from tests.mounts import filled, small_disk
from tests.storage_contract import DATA, StoreContract, new_key


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where the store is."""
    return tmp_path / "store"


@pytest.fixture
def store(folder) -> FilesystemStore:
    """An empty store."""
    made = FilesystemStore(folder)
    made.prepare()
    return made


class TestContract(StoreContract):
    """The contract."""

    @pytest.fixture
    def store(self, store):
        return store

    def let_stand(self, store, key):
        minute_ago = time.time() - 60
        os.utime(store.partial / key, (minute_ago, minute_ago))

    @contextmanager
    def slow_commit(self):
        fsync = os.fsync

        def slow(descriptor):
            time.sleep(0.05)
            fsync(descriptor)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", slow)
            yield

    @pytest.fixture
    def source(self, folder):
        return (
            "from pathlib import Path\n"
            "from repoman.storage.filesystem import FilesystemStore\n"
            f"store = FilesystemStore(Path({str(folder)!r}))"
        )


def commit(store, data=DATA) -> str:
    key = new_key()
    partial = store.create(key)
    partial.write(data)
    partial.commit()
    partial.release()
    return key


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_blobs_lie_in_folders_of_two_digits_readable_by_nobody_else(store, folder):
    key = new_key()
    partial = store.create(key)
    assert mode(folder / "partial" / key) == "0o600"
    partial.commit()
    partial.release()
    assert mode(folder / "blobs" / key[:2] / key) == "0o440"
    assert mode(folder / "blobs") == mode(folder / "partial") == "0o700"


def test_preparing_twice_keeps_what_is_there(store):
    key = commit(store)
    store.prepare()
    assert dict(store.keys()) == {key: len(DATA)}


def test_a_store_that_is_a_file_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        FilesystemStore(tmp_path / "file").prepare()


@pytest.fixture
def calls(monkeypatch):
    """Note the system calls that make a file durable, in their order; they do take place."""
    noted = []

    def note(name):
        real = getattr(os, name)

        def noting(*arguments, **options):
            first = arguments[0]
            where = os.readlink(f"/proc/self/fd/{first}") if isinstance(first, int) else str(first)
            noted.append((name, Path(where).name))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, noting)

    for name in ("write", "fsync", "rename", "fchmod", "mkdir"):
        note(name)
    return noted


def test_bytes_are_synced_before_the_name_and_the_name_before_the_answer(store, calls):
    key = new_key()
    partial = store.create(key)
    partial.write(DATA)
    partial.commit()
    shard = key[:2]
    assert calls == [
        ("write", key),
        ("fsync", key),
        ("fchmod", key),
        ("mkdir", shard),
        ("fsync", "blobs"),
        ("rename", key),
        ("fsync", shard),
    ]
    calls.clear()
    other = shard + new_key()[2:]
    partial.release()
    partial = store.create(other)
    partial.write(DATA)
    partial.commit()
    assert [name for name, _ in calls] == ["write", "fsync", "fchmod", "rename", "fsync"]
    partial.release()


def test_a_file_is_never_committed_where_syncing_fails(store, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    partial = store.create(key := new_key())
    partial.write(DATA)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreUnavailable):
        partial.commit()
    assert dict(store.keys()) == {}
    partial.discard()
    assert not list(store.partials())
    assert not store.is_held(key)


def test_a_file_whose_name_was_not_synced_can_still_be_discarded(store, monkeypatch):
    partial = store.create(new_key())
    partial.write(DATA)
    real, seen = os.fsync, []

    def fail_after_the_rename(descriptor):
        seen.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        if len(seen) == 3:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail_after_the_rename)
    with pytest.raises(StoreUnavailable):
        partial.commit()
    assert len(list(store.keys())) == 1
    partial.discard()
    assert not [*store.keys(), *store.partials()]


def test_a_new_file_that_the_collector_took_before_its_lock_is_made_again(store, monkeypatch):
    real, taken = fcntl.flock, []

    def flock(descriptor, operation):
        if not taken:
            taken.append(os.readlink(f"/proc/self/fd/{descriptor}"))
            os.unlink(taken[0])
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    partial = store.create(key := new_key())
    partial.write(DATA)
    partial.commit()
    partial.release()
    assert taken
    with store.open(key) as file:
        assert file.read() == DATA


def test_what_is_not_the_store_s_own_is_passed_over(store, folder):
    key = commit(store)
    (folder / "blobs" / "README").write_text("not a folder")
    (folder / "blobs" / "lost+found").mkdir()
    (folder / "blobs" / "lost+found" / new_key()).write_text("not in its place")
    (folder / "blobs" / key[:2] / f"{key}.bak").write_text("no key")
    (folder / "blobs" / key[:2] / key.upper()).write_text("no key")
    (folder / "partial" / ".nfs0001").write_text("no key")
    (folder / "partial" / new_key()).mkdir()
    assert dict(store.keys()) == {key: len(DATA)}
    assert dict(store.partials()) == {}


def test_a_full_disk_is_said_to_be_full_and_keeps_what_it_has(tmp_path):
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        store = FilesystemStore(disk)
        store.prepare()
        key = commit(store)
        assert 0 < store.free() < 1 << 20
        partial = store.create(other := new_key())
        with pytest.raises(StoreFull, match="no room"):
            partial.write(DATA * 10)
        partial.discard()
        with filled(disk):
            assert store.free() == 0
        assert dict(store.keys()) == {key: len(DATA)}
        assert not store.is_held(other)
        with store.open(key) as file:
            assert file.read() == DATA


@contextmanager
def largest_file(size: int):
    """Let the kernel refuse larger files (EFBIG), as a filesystem may."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_what_the_medium_refuses_for_another_reason_is_unavailable(store):
    partial = store.create(key := new_key())
    with largest_file(100_000), pytest.raises(StoreUnavailable):
        partial.write(DATA)
    # The kernel first wrote what was allowed, and refused when asked to go on.
    assert dict(store.partials()) == {key: 100_000}
    partial.discard()


@pytest.mark.parametrize("name", ["partial", "blobs"])
def test_a_check_fails_where_either_folder_takes_no_file(store, folder, name):
    store.check()
    (folder / name).rmdir()
    (folder / name).write_text("a file")
    with pytest.raises(StoreUnavailable):
        store.check()


def test_a_check_syncs_what_it_writes(store, calls):
    store.check()
    assert [name for name, _ in calls] == ["fsync", "fsync"]


def test_a_device_without_room_is_full(tmp_path):
    path = tmp_path / "a"
    path.symlink_to("/dev/full")
    partial = partials.take(path, tmp_path / "b", 0o600)
    with pytest.raises(StoreFull):
        partial.write(DATA)
    partial.discard()


@pytest.mark.parametrize("method", ["create", "open", "check", "free", "size", "keys", "partials"])
def test_a_store_that_has_gone_is_unavailable(tmp_path, method):
    store = FilesystemStore(tmp_path / "nowhere")
    arguments = [new_key()] if method in {"create", "open"} else []
    with pytest.raises(StoreUnavailable):
        list(getattr(store, method)(*arguments))


def test_a_store_that_has_gone_is_neither_kept_nor_collected(tmp_path):
    store = FilesystemStore(tmp_path / "nowhere")
    with pytest.raises(StoreUnavailable), store.keeping(lambda: None):
        pass
    with pytest.raises(StoreUnavailable), store.collecting():
        pass

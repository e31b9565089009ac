"""What every store must do (`repoman.storage`): inherit `StoreContract` and give it a store."""

import itertools
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from repoman.errors import StoreUnavailable, UploadInProgress, UploadTakenOver

DATA = bytes(range(256)) * 1000

CHILD = """
import sys
exec(sys.argv[1])
partial = store.create(sys.argv[2])
partial.write(b"from another process")
if sys.argv[3] == "committed":
    partial.commit()
print("held", flush=True)
sys.stdin.read()
"""

KEEPER = """
import sys
exec(sys.argv[1])
with store.keeping(lambda: print("waiting", flush=True)):
    print("keeping", flush=True)
    sys.stdin.read()
"""


def new_key() -> str:
    """Make a key as uploads do."""
    return uuid.uuid4().hex


class StoreContract:
    """The suite. A subclass has the fixtures ``store`` and ``source``.

    ``source`` is Python that binds ``store`` to the same store, run in another process.
    """

    def let_stand(self, store, key: str) -> None:
        """Have the file of an upload not be written for a minute."""
        raise NotImplementedError

    def slow_commit(self):
        """Have commits take 0.1 s during a block."""
        raise NotImplementedError

    @pytest.fixture
    def key(self) -> str:
        return new_key()

    @pytest.fixture
    def put(self, store):
        """Commit and release a file; return its key."""

        def put(data: bytes = DATA) -> str:
            key = new_key()
            partial = store.create(key)
            partial.write(data)
            partial.commit()
            partial.release()
            return key

        return put

    @pytest.fixture
    def holder(self, source, key):
        """Start a process that holds ``key``, committed or not."""
        started = []

        def start(state: str) -> subprocess.Popen:
            command = [sys.executable, "-c", CHILD, source, key, state]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            process = subprocess.Popen(command, text=True, **pipes)
            started.append(process)
            assert process.stdout.readline() == "held\n"
            return process

        yield start
        for process in started:
            process.kill()
            process.wait(10)
            process.stdin.close()
            process.stdout.close()

    def test_a_file_is_visible_only_after_its_commit(self, store, key):
        partial = store.create(key)
        assert dict(store.partials()) == {key: 0}
        partial.write(DATA)
        assert dict(store.partials()) == {key: len(DATA)}
        assert dict(store.keys()) == {}
        with pytest.raises(StoreUnavailable):
            store.open(key)
        partial.commit()
        assert dict(store.partials()) == {}
        assert dict(store.keys()) == {key: len(DATA)}
        with store.open(key) as file:
            assert file.read() == DATA
        partial.release()

    def test_what_was_written_is_read_in_its_order(self, store, key):
        pieces = [bytes([number]) * size for number, size in enumerate((1, 100_000, 0, 7, 1 << 20))]
        partial = store.create(key)
        for piece in pieces:
            partial.write(piece)
        partial.commit()
        partial.release()
        assert dict(store.keys()) == {key: sum(map(len, pieces))}
        with store.open(key) as file:
            assert file.read() == b"".join(pieces)

    def test_a_file_is_read_from_any_position_by_any_number_of_readers(self, store, put):
        key = put()
        with store.open(key) as one, store.open(key) as other:
            one.seek(1000)
            assert one.read(10) == DATA[1000:1010]
            assert other.read(10) == DATA[:10]
            other.seek(len(DATA) - 3)
            assert other.read(10) == DATA[-3:]
            assert other.read(10) == b""

    def test_other_programs_find_a_committed_file_where_its_path_says(self, store, put):
        key = put()
        path = store.path(key)
        assert path is None or path.read_bytes() == DATA

    def test_a_discarded_file_is_gone(self, store, key):
        partial = store.create(key)
        partial.write(DATA)
        partial.discard()
        partial.discard()
        assert not [*store.partials(), *store.keys()]
        assert not store.is_held(key)

    def test_a_committed_file_can_be_discarded_while_it_is_held(self, store, key):
        partial = store.create(key)
        partial.write(DATA)
        partial.commit()
        partial.discard()
        partial.discard()
        assert not [*store.partials(), *store.keys()]
        with pytest.raises(StoreUnavailable):
            store.open(key)

    def test_a_discard_after_the_release_leaves_the_file(self, store, put):
        key = new_key()
        partial = store.create(key)
        partial.commit()
        partial.release()
        partial.discard()
        assert dict(store.keys()) == {key: 0}

    def test_a_running_upload_holds_its_file_until_its_release(self, store, key):
        partial = store.create(key)
        assert store.is_held(key)
        assert not store.delete(key)
        partial.write(DATA)
        partial.commit()
        assert store.is_held(key)
        assert not store.delete(key)
        partial.release()
        assert not store.is_held(key)
        assert store.delete(key)

    def test_asking_for_the_lock_does_not_take_it(self, store, put, key):
        partial = store.create(key)
        committed = put()
        for _ in range(2):
            assert store.is_held(key)
            assert not store.is_held(committed)
        partial.discard()
        assert store.delete(committed)

    def test_a_file_is_taken_over_from_who_stands_still_and_not_from_who_moves(self, store, key):
        first = store.create(key)
        first.write(DATA)
        with pytest.raises(UploadInProgress):
            store.take(key)
        self.let_stand(store, key)
        # To read what is there, for its digest, is to move.
        assert b"".join(first.read()) == DATA
        with pytest.raises(UploadInProgress):
            store.take(key)
        self.let_stand(store, key)
        second = store.take(key)
        with pytest.raises(UploadTakenOver):
            first.write(b"late")
        with pytest.raises(UploadTakenOver):
            first.commit()
        with pytest.raises(UploadTakenOver):
            first.keep(1)
        assert first.discard() is False
        second.write(b"more")
        assert (second.size, store.arrived(key)) == (len(DATA) + 4, len(DATA) + 4)
        second.commit()
        second.release()
        with store.open(key) as file:
            assert file.read() == DATA + b"more"

    def test_what_is_kept_can_be_taken_by_anybody(self, store, key):
        partial = store.create(key)
        partial.write(DATA)
        partial.keep(1000)
        partial.release()
        assert (store.arrived(key), store.is_held(key)) == (1000, False)
        partial = store.take(key)
        partial.write(b"more")
        partial.commit()
        # Undone, as where the database did not take its row.
        partial.keep(1001)
        partial.release()
        assert dict(store.partials()) == {key: 1001}
        assert not list(store.keys())
        store.take(key).discard()
        assert store.take(key) is None
        assert store.arrived(key) is None

    def test_a_file_that_is_committed_while_another_waits_for_it_is_not_taken(self, store, key):
        partial = store.create(key)
        partial.write(DATA)
        with self.slow_commit(), ThreadPoolExecutor(1) as pool:
            committing = pool.submit(partial.commit)
            time.sleep(0.02)
            with pytest.raises(UploadInProgress):
                store.take(key)
            committing.result()
        with pytest.raises(UploadInProgress):
            store.take(key)
        partial.release()
        assert dict(store.keys()) == {key: len(DATA)}

    def test_a_commit_that_nobody_recorded_is_taken_back(self, store, put):
        key = put()
        assert store.arrived(key) == len(DATA)
        partial = store.take(key)
        assert dict(store.partials()) == {key: len(DATA)}
        assert not list(store.keys())
        partial.commit()
        with pytest.raises(UploadInProgress):
            store.take(key)
        partial.release()
        assert dict(store.keys()) == {key: len(DATA)}

    def test_a_deleted_file_is_gone_and_cannot_be_deleted_again(self, store, put):
        key, other = put(), put()
        assert store.delete(key) is True
        assert store.delete(key) is False
        assert set(dict(store.keys())) == {other}
        with pytest.raises(StoreUnavailable):
            store.open(key)

    def test_an_open_file_stays_readable_to_its_end_when_it_is_deleted(self, store, put):
        key = put()
        with store.open(key) as file:
            assert file.read(10) == DATA[:10]
            assert store.delete(key)
            assert file.read() == DATA[10:]

    def test_a_key_that_is_not_there_is_neither_held_nor_deleted(self, store, key):
        assert not store.is_held(key)
        assert store.delete(key) is False
        with pytest.raises(StoreUnavailable):
            store.open(key)

    def test_files_may_be_deleted_while_they_are_listed(self, store, put):
        keys = {put(b"x") for _ in range(50)}
        deleted = {key for key, size in store.keys() if store.delete(key)}  # noqa: SIM118 - no dict
        assert deleted == keys
        assert not list(store.keys())

    def test_free_room_is_a_number_of_bytes(self, store):
        assert isinstance(store.free(), int)
        assert store.free() > 0

    def test_size_is_a_number_of_bytes_and_more_than_is_free(self, store):
        assert isinstance(store.size(), int)
        assert store.size() > store.free()

    def test_a_check_leaves_nothing(self, store, put):
        key = put()
        for _ in range(3):
            store.check()
        assert dict(store.keys()) == {key: len(DATA)}
        assert not list(store.partials())

    def test_many_threads_commit_at_once(self, store, put):
        with ThreadPoolExecutor(8) as pool:
            keys = list(pool.map(put, itertools.repeat(DATA, 64)))
        assert dict(store.keys()) == dict.fromkeys(keys, len(DATA))
        assert not list(store.partials())

    @pytest.mark.parametrize("state", ["partial", "committed"])
    def test_another_process_that_holds_a_file_keeps_it(self, store, key, holder, state):
        process = holder(state)
        assert store.is_held(key)
        assert not store.delete(key)
        found = dict(store.partials() if state == "partial" else store.keys())
        assert found == {key: len(b"from another process")}
        process.stdin.close()
        assert process.wait(10) == 0
        assert not store.is_held(key)

    @pytest.mark.parametrize("state", ["partial", "committed"])
    def test_a_killed_process_holds_nothing_from_that_moment(self, store, key, holder, state):
        process = holder(state)
        assert store.is_held(key)
        process.kill()
        process.wait(10)
        assert not store.is_held(key)
        if state == "committed":
            with store.open(key) as file:
                assert file.read() == b"from another process"
        else:
            with pytest.raises(StoreUnavailable):
                store.open(key)
        assert store.delete(key)
        assert not [*store.partials(), *store.keys()]

    @pytest.fixture
    def keeper(self, source):
        """Start processes that keep the store; each tells when it waits and when it keeps."""
        started = []

        def start() -> subprocess.Popen:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            process = subprocess.Popen([sys.executable, "-c", KEEPER, source], text=True, **pipes)
            started.append(process)
            return process

        yield start
        for process in started:
            process.kill()
            process.wait(10)
            process.stdin.close()
            process.stdout.close()

    def test_collectors_collect_together_while_nobody_keeps_the_store(self, store):
        with store.collecting() as one, store.collecting() as other:
            assert (one, other) == (True, True)

    def test_nobody_may_collect_while_another_process_keeps_the_store(self, store, put, keeper):
        process = keeper()
        assert process.stdout.readline() == "keeping\n"
        with store.collecting() as allowed:
            assert not allowed
        # Uploads and downloads notice nothing.
        with store.open(put()) as file:
            assert file.read() == DATA
        process.stdin.close()
        assert process.wait(10) == 0
        with store.collecting() as allowed:
            assert allowed

    def test_whoever_wants_to_keep_the_store_waits_for_a_collector(self, store, keeper):
        with store.collecting() as allowed:
            assert allowed
            process = keeper()
            assert process.stdout.readline() == "waiting\n"
        assert process.stdout.readline() == "keeping\n"

    def test_whoever_wants_to_keep_the_store_waits_for_another_even_when_that_is_killed(
        self, store, keeper
    ):
        first = keeper()
        assert first.stdout.readline() == "keeping\n"
        second = keeper()
        assert second.stdout.readline() == "waiting\n"
        first.kill()
        assert second.stdout.readline() == "keeping\n"
        with store.collecting() as allowed:
            assert not allowed

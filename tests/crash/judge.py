"""The judge of a store and its database: compares rows and files both ways, by itself.

It knows the tables and where files lie, and uses nothing else of Repoman's: what is wrong in the
product is not wrong here in the same way.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text


@dataclass(frozen=True)
class Judge:
    """Looks at what is on disk and in the tables."""

    engine: Engine
    store: Path

    def _rows(self, statement: str) -> list:
        with self.engine.connect() as connection:
            return list(connection.execute(text(statement)))

    def _files(self) -> dict[str, Path]:
        return {path.name: path for path in (self.store / "blobs").glob("*/*")}

    def check_files(self) -> None:
        """Fail where a version of an image, in the trash too, or a blob has not its file, whole."""
        files = self._files()
        for uuid, size, sha256 in self._rows("SELECT uuid, size, sha256 FROM blob"):
            assert uuid in files, f"the blob {uuid} has no file"
            data = files[uuid].read_bytes()
            assert len(data) == size
            assert hashlib.sha256(data).hexdigest() == sha256
            assert files[uuid].parent.name == uuid[:2]
        dangling = "SELECT * FROM image_file WHERE blob_id NOT IN (SELECT id FROM blob)"
        assert self._rows(dangling) == []

    def check_nothing_left(self) -> None:
        """Fail where there is anything that no image names: a row or a file, or a part of one."""
        self.check_files()
        named = {
            uuid
            for (uuid,) in self._rows(
                "SELECT uuid FROM blob WHERE id IN (SELECT blob_id FROM image_file)"
            )
        }
        assert {uuid for (uuid,) in self._rows("SELECT uuid FROM blob")} == named
        assert self._files().keys() == named
        assert list((self.store / "partial").iterdir()) == []
        assert self._rows("SELECT * FROM upload") == []

    def check_use(self, shown: dict) -> None:
        """Fail where a user's use is not what the rows say; here everything is one user's."""
        blobs = "SELECT size FROM blob WHERE id IN (SELECT blob_id FROM image_file)"
        files = sum(size for (size,) in self._rows(blobs))
        reserved = sum(size for (size,) in self._rows("SELECT reserved FROM upload"))
        assert (shown["files"], shown["uploads"]) == (files, reserved)
        assert shown["usage"] == files + reserved

    def expire(self) -> None:
        """Let the time of all uploads pass, and of all blobs that the collector has marked."""
        long_ago = "'2000-01-01 00:00:00'"
        with self.engine.begin() as connection:
            connection.execute(text(f"UPDATE upload SET expires = {long_ago}"))
            connection.execute(
                text(f"UPDATE blob SET unreferenced = {long_ago} WHERE unreferenced IS NOT NULL")
            )

    def mark_damaged(self) -> None:
        """Have all that is stored be said to be damaged."""
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE blob SET damaged = '2000-01-01 00:00:00'"))

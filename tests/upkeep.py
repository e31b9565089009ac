"""``repoman-admin`` and the store's files, for the tests of upkeep."""

import os
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import select, update

from repoman.models import Blob, Image, ImageFile, Sessions
from repoman.scripts.admin import main as repoman_admin


class Admin:
    """Runs ``repoman-admin``; returns the lines that it prints."""

    def __init__(self, ini: dict[str, str], folder: Path) -> None:
        self._config = folder / "repoman.ini"
        lines = [f"{key} = {value}" for key, value in ini.items()]
        self._config.write_text("[app:main]\nuse = egg:repoman\n" + "\n".join(lines))

    def __call__(self, *arguments, status=0) -> list[str]:
        result = CliRunner().invoke(repoman_admin, ["--config", str(self._config), *arguments])
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        return result.output.splitlines()


class Blobs:
    """The blobs behind images, and their files, which a test may spoil."""

    def __init__(self, sessions: Sessions, store: Path) -> None:
        self._sessions, self._store = sessions, store

    def of(self, image: str, version: int | None = None) -> Blob:
        """Return the blob of an image's current file, or of a version."""
        which = ImageFile.current if version is None else ImageFile.version == version
        with self._sessions.reading() as session:
            return session.scalars(
                select(Blob).join(ImageFile).join(Image).where(Image.name == image, which)
            ).one()

    def change(self, blob: Blob, **values) -> None:
        """Set columns of a row."""
        with self._sessions.changing.begin() as session:
            session.execute(update(Blob).where(Blob.id == blob.id).values(**values))

    def path(self, blob: Blob) -> Path:
        """Say where its file is."""
        return self._store / "blobs" / blob.uuid[:2] / blob.uuid

    def spoil(self, blob: Blob, data: bytes | None) -> None:
        """Have the file hold something else, or with None not be there."""
        path = self.path(blob)
        os.chmod(path, 0o600)
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)

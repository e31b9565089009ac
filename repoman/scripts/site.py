"""The installation that ``repoman-admin`` works on, and how its commands fail."""

import configparser
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import plaster
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from repoman.errors import RepomanError
from repoman.models import Sessions, make_engine
from repoman.names import new_uuid
from repoman.scripts.deployment import USER
from repoman.scripts.postgresql import creation, is_another_user
from repoman.services import audit
from repoman.services.backup.folders import BackupError
from repoman.services.ownership import StrangeStore
from repoman.settings import InvalidSetting, Settings, read_settings
from repoman.storage.filesystem import FilesystemStore


@dataclass(frozen=True)
class Site:
    """The installation that an ini file describes."""

    config: Path

    @cached_property
    def loader(self) -> Any:
        """Read the ini file as PasteDeploy does."""
        if not self.config.is_file():
            raise click.ClickException(
                f"There is no {self.config}; name the ini file with --config, before the command."
            )
        loader = plaster.get_loader(str(self.config), protocols=["wsgi"])
        try:
            loader.get_sections()
        except UnicodeDecodeError:
            raise click.ClickException(f"{self.config} is not a text in UTF-8.") from None
        return loader

    @cached_property
    def settings(self) -> Settings:
        """Read ``[app:main]``."""
        return read_settings(self.loader.get_settings("app:main"))

    @cached_property
    def sessions(self) -> Sessions:
        """Connect to its database."""
        return Sessions(make_engine(self.settings))

    @property
    def store(self) -> FilesystemStore:
        """Open its store."""
        store = FilesystemStore(self.settings.store)
        store.prepare()
        return store

    def close(self) -> None:
        """Give up the connections, if any were made."""
        if "sessions" in self.__dict__:
            self.sessions.engine.dispose()

    @contextmanager
    def change(self) -> Iterator[Session]:
        """Begin one transaction."""
        with self.sessions.changing.begin() as session:
            yield session


def record(session: Session, thing: audit.Thing, **detail: Any) -> None:
    """Put what the running command changes into the audit trail, in its transaction."""
    command = click.get_current_context().command_path.split(" ", 1)[-1]
    audit.record(
        session,
        None,
        "repoman-admin",
        thing,
        request=f"repoman-admin {command}",
        request_id=new_uuid(),
        detail={"uid": os.getuid()} | detail,
    )


class Commands(click.Group):
    """Shows the errors that people can mend as one sentence, never as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; exit with 1 and the sentence where it is refused."""
        try:
            return super().invoke(ctx)
        except RepomanError as error:
            # What an administrator is to be told of: the error beneath.
            reason = f" {error.__cause__}" if isinstance(error.__cause__, OSError) else ""
            raise click.ClickException(error.detail + reason) from error
        except (InvalidSetting, StrangeStore, BackupError, configparser.Error) as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except SQLAlchemyError as error:
            # PostgreSQL's message goes on with the statement, in lines of its own.
            cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise click.ClickException(
                f"The database does not answer as it should: {cause.rstrip('.')}. "
                + _hint(cause, ctx.params["config"])
            ) from error


def _hint(cause: str, config: Path) -> str:
    """Say what may mend what the database said."""
    made_by = creation(cause, USER)
    if is_another_user(cause):
        program = Path(sys.prefix, "bin", "repoman-admin")
        command = shlex.join(
            ["runuser", "-u", USER, "--", str(program), "--config", str(config.absolute())]
        )
        hint = f"Run it as the user that the server runs as, such as: {command} …"
        return f"{hint}; where that is the one: {made_by}" if made_by else hint
    if made_by:
        return f"As root: {made_by}; then `repoman-admin init` as the server's user"
    return "Has `repoman-admin init` been run?"

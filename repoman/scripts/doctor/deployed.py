"""The deployment that is looked at: its settings, its server, whom it runs as. Found out once."""

import configparser
import os
import pwd
import shlex
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click
from sqlalchemy.orm import Session

from repoman.models import Sessions
from repoman.scripts.deployment import USER
from repoman.scripts.doctor import front
from repoman.scripts.doctor.acting import acting_as, is_root, own_name
from repoman.scripts.doctor.findings import NotChecked
from repoman.scripts.doctor.front import Front, Incomplete
from repoman.scripts.doctor.httpd import Apache
from repoman.scripts.doctor.wire import Answer, Server, Unreachable
from repoman.scripts.site import Site
from repoman.server.settings import read_server_settings
from repoman.settings import InvalidSetting, Settings
from repoman.storage.filesystem import FilesystemStore

UNREADABLE = (click.ClickException, configparser.Error, LookupError, ValueError, OSError)
"""What reading an ini file may raise."""


@dataclass(frozen=True)
class Options:
    """What the command was called with; ``connect`` is address and port."""

    apache: str
    connect: tuple[str, int] | None
    user: str | None
    certificate: Path | None
    offline: bool


@dataclass(frozen=True)
class Deployed:
    """What checks ask. Whatever cannot be found out raises `NotChecked` there."""

    site: Site
    options: Options

    @property
    def ini(self) -> Path:
        """Say where the settings are."""
        return self.site.config

    @property
    def conf(self) -> Path:
        """Say where our virtual host's configuration is, if there is one."""
        return self.ini.parent / "repoman.conf"

    def section(self, name: str) -> dict[str, str]:
        """Read a section of the ini file, as it stands there."""
        try:
            return dict(self.site.loader.get_settings(name))
        except UNREADABLE:
            raise NotChecked(f"{self.ini} cannot be read") from None

    @cached_property
    def settings(self) -> Settings:
        """Read ``[app:main]``."""
        try:
            return self.site.settings
        except (InvalidSetting, *UNREADABLE):
            raise NotChecked("the settings cannot be used") from None

    @cached_property
    def front(self) -> Front:
        """Read the server's configuration. Raises OSError, `Incomplete`, `InvalidSetting`."""
        if self.conf.exists():
            return front.of_apache(self.conf)
        section = self.section("server:main")
        if not front.is_ours(section):
            raise Incomplete(
                f"there is neither {self.conf} nor a [server:main] with "
                f"use = egg:repoman#https in {self.ini}"
            )
        section.pop("use")
        try:
            settings = self.settings
        except NotChecked:
            settings = None
        source = f"[server:main] of {self.ini}"
        return front.of_embedded(source, read_server_settings(section), settings)

    @cached_property
    def apache(self) -> Apache:
        """Ask Apache itself, by its command."""
        return Apache(shlex.split(self.options.apache))

    @cached_property
    def user(self) -> pwd.struct_passwd | None:
        """Find whom the server runs as, where we are root and can become that; None is ourselves.

        Named by ``--user``, or by Apache's own configuration.
        """
        if not is_root():
            return None
        name = self.options.user
        if name is None and self.conf.exists():
            name = self.apache.user or USER
        try:
            return pwd.getpwnam(name) if name else None
        except KeyError:
            raise NotChecked(f"there is no user {name} here") from None

    @property
    def user_name(self) -> str:
        """Say whom the server runs as, as far as we know."""
        return self.user.pw_name if self.user else own_name()

    def as_server(self) -> AbstractContextManager[None]:
        """Act as the user that the server runs as."""
        return acting_as(self.user)

    def as_reader(self) -> AbstractContextManager[None]:
        """Act as whoever reads certificates and keys: Apache does while it is still root."""
        return acting_as(None if self.front.is_apache else self.user)

    @cached_property
    def sessions(self) -> Sessions:
        """Make the way to the database."""
        try:
            return self.site.sessions
        except (InvalidSetting, *UNREADABLE):
            raise NotChecked("the settings cannot be used") from None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Begin to read from the database, as the server's user."""
        sessions = self.sessions
        with self.as_server(), sessions.reading() as session:
            yield session

    @property
    def store(self) -> FilesystemStore:
        """Name the store, without making its folders."""
        return FilesystemStore(self.settings.store)

    @cached_property
    def server(self) -> Server:
        """Say where the running server is."""
        host, address = self.front.host, (self.front.address, self.front.port)
        return Server(*(self.options.connect or address), host or "localhost", self.front.port)

    @cached_property
    def entrance(self) -> Answer:
        """Ask the server for ``/api``. Raises `NotChecked`."""
        try:
            return self.server.ask("/api")
        except Unreachable:
            raise NotChecked("the server does not answer") from None

    def command(self, *arguments: str, as_root: bool = False) -> str:
        """Write a command of repoman-admin's as it is to be typed here, for the server's user."""
        program = Path(sys.prefix, "bin", "repoman-admin")
        words = [str(program), "--config", str(self.ini.absolute()), *arguments]
        if self.user and self.user.pw_uid != os.getuid() and not as_root:
            words = ["runuser", "-u", self.user.pw_name, "--", *words]
        return shlex.join(words)

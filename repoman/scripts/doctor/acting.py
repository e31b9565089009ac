"""Doing for a moment as another user, to see what that one can read, write and connect to."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def acting_as(user: pwd.struct_passwd | None) -> Iterator[None]:
    """Give up root's rights for those of a user; None, or where we are not root, changes nothing.

    By effective ids, which are what files and PostgreSQL's peer authentication go by.
    """
    if user is None or os.geteuid() != 0 or user.pw_uid == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.initgroups(user.pw_name, user.pw_gid)
    os.setegid(user.pw_gid)
    os.seteuid(user.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def is_root() -> bool:
    """Whether we were started as root, whomever we act as at this moment."""
    return os.getuid() == 0


def own_name() -> str:
    """Say who we are."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"

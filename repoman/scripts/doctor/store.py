"""The store: it is there, takes files, has room, and belongs to the database."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from repoman.errors import RepomanError
from repoman.models import Blob
from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, NotChecked, failed, ok, warning

MOUNTS = Path("/proc/self/mounts")
GIB = 1 << 30
LITTLE = 10 * GIB
PART = 0.05
NETWORK = re.compile(r"(nfs|cifs|smb|fuse\.(sshfs|glusterfs|s3fs|rclone)|ceph|9p|afs|lustre)")


@dataclass(frozen=True)
class Mount:
    """A mounted filesystem."""

    device: str
    point: Path
    kind: str


def find_mount(path: Path, mounts: str) -> Mount | None:
    """Find in the text of ``/proc/self/mounts`` (fstab(5)) where a path is; the last one counts."""
    best: Mount | None = None
    for line in mounts.splitlines():
        device, point, kind = [_unescaped(part) for part in line.split(" ")[:3]]
        if path.is_relative_to(point) and (
            best is None or len(Path(point).parts) >= len(best.point.parts)
        ):
            best = Mount(device, Path(point), kind)
    return best


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def check_folder(deployed: Deployed) -> Finding:
    """The folder is there and has a store's folders in it."""
    folder, store = deployed.settings.store, deployed.store
    init = deployed.command("init")
    with deployed.as_server():
        try:
            found = {path.name for path in folder.iterdir()}
        except FileNotFoundError:
            return failed(f"there is no {folder}", f"Is its disk mounted? mount -a; or: {init}")
        except OSError as error:
            return failed(
                f"{deployed.user_name} cannot read {folder} ({error.strerror})", _own(deployed)
            )
    if not {store.blobs.name, store.partial.name} <= found:
        return failed(
            f"{folder} is no store: {store.blobs.name} and {store.partial.name} are not in it",
            f"Is its disk mounted? mount -a; a new one is made by: {init}",
        )
    return ok(str(folder))


def _own(deployed: Deployed) -> str:
    user, folder = deployed.user_name, deployed.settings.store
    return f"As root: chown -R {user}: {folder} && chmod -R u+rwX {folder}"


def check_writable(deployed: Deployed) -> Finding:
    """A file can be written, synced and removed by the server's user."""
    try:
        with deployed.as_server():
            deployed.store.check()
    except RepomanError as error:
        cause = getattr(error.__cause__, "strerror", None) or error.detail
        return failed(
            f"{deployed.user_name} cannot write to {deployed.settings.store} ({cause})",
            _own(deployed),
        )
    return ok(f"{deployed.user_name} has written, synced and removed a file")


def check_room(deployed: Deployed) -> Finding:
    """The filesystem is a local one, and has room."""
    folder = deployed.settings.store.resolve()
    mount = find_mount(folder, MOUNTS.read_text())
    if mount is None:
        raise NotChecked(f"{MOUNTS} does not have it")
    room = os.statvfs(folder)
    size, free = room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize
    inodes = f", {room.f_favail} inodes" if room.f_files else ""
    seen = (
        f"{mount.kind} of {mount.device} at {mount.point}: {free / GIB:.1f} of {size / GIB:.1f} "
        f"GiB free{inodes}"
    )
    few_inodes = room.f_files and room.f_favail < PART * room.f_files
    if free < max(LITTLE, PART * size) or few_inodes:
        return warning(f"{seen}, which is little", f"Enlarge it, or: {deployed.command('gc')}")
    if NETWORK.match(mount.kind):
        return warning(
            f"{seen}; over a network, rename and fsync may not be safe when the server fails",
            "Have the store on a local disk, or make sure that the export is mounted hard and sync",
        )
    return ok(seen)


def check_contents(deployed: Deployed) -> Finding:
    """The store is not empty where the database knows files."""
    try:
        with deployed.reading() as session:
            known = session.scalar(select(Blob.id).limit(1)) is not None
    except SQLAlchemyError:
        raise NotChecked("the database does not answer") from None
    with deployed.as_server():
        there = next(deployed.store.keys(), None) is not None
    if known and not there:
        return failed(
            f"the database knows files, and {deployed.settings.store} has none",
            f"Is its disk mounted? mount -a; or: {deployed.command('restore', 'DIR')}",
        )
    return ok("files in both" if known else "the database knows no files yet")

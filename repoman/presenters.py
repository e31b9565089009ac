"""Models to the JSON objects of REST.markdown, "Objects"."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from repoman import times
from repoman.identity import ADMINS, Identity, Permission
from repoman.models import (
    Blob,
    Certificate,
    Group,
    Image,
    ImageFile,
    Membership,
    Upload,
    User,
)
from repoman.security import Action, may
from repoman.services import groups, image_lists, labels, pages, quotas, states
from repoman.settings import Settings
from repoman.urls import Urls

Json = dict[str, Any]


class Presenter:
    """Makes objects for one caller: what they contain depends on what the caller may see.

    Several are made with as many queries as one.
    """

    def __init__(self, session: Session, caller: Identity, urls: Urls, settings: Settings) -> None:
        self.session, self.caller, self.urls, self.settings = session, caller, urls, settings

    def user(self, user: User) -> Json:
        """Show a user."""
        return self.users([user])[0]

    def users(self, found: Sequence[User]) -> list[Json]:
        """Show users."""
        keys = [user.id for user in found]
        member_of = groups.of_users(self.session, keys)
        names = pages.first_names(
            self.session,
            image_lists.names_of_owners(self.caller, keys),
            self.settings.list_max,
        )
        return [self._user(user, member_of[user.id], names[user.id]) for user in found]

    def user_heads(self, found: Sequence[User]) -> list[Json]:
        """Show users without their images, which may be many, where many users are shown."""
        member_of = groups.of_users(self.session, [user.id for user in found])
        return [without(self._user(user, member_of[user.id], ()), "images") for user in found]

    def _user(self, user: User, member_of: Sequence[Group], image_names: Sequence[str]) -> Json:
        """``client_dn`` is the first certificate's; the images are those visible."""
        first = user.certificates[0] if user.certificates else None
        shown: Json = {
            "user_name": user.name,
            "full_name": user.full_name,
            "email": user.email,
            "client_dn": first and first.shown_dn,
            "certificates": [self.urls.certificate(one, user) for one in user.certificates],
            "permissions": permissions_by(member_of),
            "groups": [self.urls.group(group) for group in member_of],
            "images": [self.urls.image_named(user.name, name) for name in image_names],
            "created": self.time(user.created),
            "url": self.urls.user(user),
        }
        if may(self.caller, Action.READ_USER_USAGE, user):
            shown |= {"suspended": user.suspended, "quota": user.quota}
        return shown

    def certificate(self, certificate: Certificate) -> Json:
        """Show one of a user's certificates; ``issuer_dn`` is null where any issuer will do.

        ``not_after`` is null until the server has seen the certificate itself.
        """
        return {
            "id": certificate.id,
            "user": self.urls.user(certificate.user),
            "client_dn": certificate.shown_dn,
            "issuer_dn": certificate.shown_issuer,
            "not_after": self.time(certificate.not_after),
            "created": self.time(certificate.created),
            "url": self.urls.certificate(certificate, certificate.user),
        }

    def group(self, group: Group) -> Json:
        """Show a group with its members."""
        return self.groups([group])[0]

    def groups(self, found: Sequence[Group]) -> list[Json]:
        """Show groups."""
        keys, most = [group.id for group in found], self.settings.list_max
        users = pages.first_names(self.session, groups.names_of_members(keys), most)
        admins = pages.first_names(
            self.session, groups.names_of_members(keys).where(Membership.is_admin), most
        )
        return [self._group(group, users[group.id], admins[group.id]) for group in found]

    def group_heads(self, found: Sequence[Group]) -> list[Json]:
        """Show groups without who is in them."""
        return [without(self._group(group, (), ()), "users", "admins") for group in found]

    def _group(self, group: Group, users: Sequence[str], admins: Sequence[str]) -> Json:
        shown: Json = {
            "name": group.name,
            "description": group.description,
            "permissions": permissions_of([group]),
            "users": [self.urls.user_named(name) for name in users],
            "admins": [self.urls.user_named(name) for name in admins],
            "protected": groups.is_protected(group, self.settings),
            "created": self.time(group.created),
            "url": self.urls.group(group),
        }
        if may(self.caller, Action.READ_GROUP_USAGE, group):
            shown["quota"] = group.quota
        return shown

    def user_usage(self, user: User) -> Json:
        """Show what counts for a user."""
        use = quotas.measure(self.session, user, self.settings)
        return {"user": self.urls.user(user), **_use(use), "uploads": use.uploads}

    def group_usage(self, group: Group) -> Json:
        """Show what counts for a group, for which uploads do not count before their end."""
        use = quotas.measure(self.session, group, self.settings)
        return {"group": self.urls.group(group), **_use(use)}

    def time(self, moment: datetime | None) -> str | None:
        """Show a time in the form that ``repoman.time_format`` says."""
        return times.show(moment, self.settings.time_format)

    def image(self, image: Image) -> Json:
        """Show an image; shares only to those who may share it, versions to those who may edit."""
        files = {name: image.current_file(name) for name in image.hypervisor_names}
        shown: Json = {
            "uuid": image.uuid,
            "name": image.name,
            "url": self.urls.image(image),
            "uuid_url": self.urls.image_by_uuid(image),
            "owner": self.urls.user(image.owner),
            "owner_user_name": image.owner.name,
            "group": image.group and self.urls.group(image.group),
            "group_access": image.group_access,
            "description": image.description,
            "os_type": image.os_type,
            "os_variant": image.os_variant,
            "os_arch": image.os_arch,
            "hypervisor": image.hypervisor_names,
            "state": states.of(image),
            **self._first(image, files[image.hypervisor_names[0]]),
            "files": {name: self._file(file) for name, file in files.items() if file},
            "read_only": image.read_only,
            "unauthenticated_access": image.unauthenticated_access,
            "expires": self.time(image.expires),
            "expired": image.expired,
            "created": self.time(image.created),
            "modified": self.time(image.modified),
            "file_url": self.urls.any_file(image),
            "http_file_url": self._url_without_certificate(image),
            "copy_of": self._source(image),
        }
        if may(self.caller, Action.MANAGE_IMAGE, image):
            shown["shared_with"] = self._shared_with(image)
        if may(self.caller, Action.EDIT_IMAGE, image):
            shown["versions"] = {
                str(one.version): self._version(image, one) for one in image.versions
            }
        return shown

    def _first(self, image: Image, file: ImageFile | None) -> Json:
        """Show the file of the first hypervisor; without it, the format that it is to have."""
        return {
            "raw_file_uploaded": file is not None,
            "size": file and file.blob.size,
            "checksum": file and checksum(file),
            **label(file.blob if file else None),
            "format": labels.format_of(image),
            "version": file and file.version,
            "uploaded": file and self.time(file.uploaded),
        }

    def uploads(self, found: Iterable[tuple[Upload, int]]) -> list[Json]:
        """Show unfinished uploads, each with the bytes of it that have arrived."""
        return [self.upload(upload, arrived) for upload, arrived in found]

    def upload(self, upload: Upload, arrived: int) -> Json:
        """Show an unfinished upload; the image to those who may still see it."""
        is_seen = may(self.caller, Action.READ_IMAGE, upload.image)
        return {
            "id": upload.uuid,
            "url": self.urls.upload(upload.uuid),
            "image": self.urls.image(upload.image) if is_seen else None,
            "hypervisor": upload.hypervisor,
            "protocol": upload.protocol,
            "offset": arrived,
            "length": upload.file_length,
            "metadata": upload.tus_metadata,
            "created": self.time(upload.created),
            "expires": self.time(upload.expires),
        }

    def _file(self, file: ImageFile) -> Json:
        return {
            "size": file.blob.size,
            "checksum": checksum(file),
            **label(file.blob),
            "uploaded": self.time(file.uploaded),
            "version": file.version,
        }

    def _version(self, image: Image, file: ImageFile) -> Json:
        return {
            "hypervisor": file.hypervisor,
            "size": file.blob.size,
            "checksum": checksum(file),
            "uploaded": self.time(file.uploaded),
            "url": self.urls.version(image, file),
        }

    def _shared_with(self, image: Image) -> Json:
        shares = image.shares
        return {
            "users": [self.urls.user(share.user) for share in shares if share.user],
            "groups": [self.urls.group(share.group) for share in shares if share.group],
        }

    def _url_without_certificate(self, image: Image) -> str | None:
        allowed = image.unauthenticated_access and self.settings.allow_unauthenticated
        if not allowed or image.deleted is not None or labels.is_quarantined(image):
            return None
        http_url = self.settings.http_url
        return (Urls(http_url) if http_url else self.urls).any_file(image)

    def _source(self, image: Image) -> str | None:
        """Give the source's URL to those who may see the source."""
        source = image.copy_of
        if source is None or source.deleted is not None:
            return None
        if not may(self.caller, Action.READ_IMAGE, source):
            return None
        return self.urls.image(source)


def without(shown: Json, *names: str) -> Json:
    """Leave fields out of an object."""
    return {name: value for name, value in shown.items() if name not in names}


def _use(use: quotas.Use) -> Json:
    """Show figures, in bytes; without quota, ``quota`` and ``free`` are null."""
    free = None if use.quota is None else max(use.quota - use.total, 0)
    return {"quota": use.quota, "usage": use.total, "free": free, "files": use.files}


def permissions_of(held_by: Iterable[Group]) -> list[str]:
    """List, in the order of `Permission`, what these groups confer together."""
    held = {row.permission for group in held_by for row in group.permissions}
    return [str(permission) for permission in Permission if permission in held]


def permissions_by(member_of: Iterable[Group]) -> list[str]:
    """List what a user has by being in these groups: in `ADMINS`, all there is."""
    found = list(member_of)
    if any(group.name == ADMINS for group in found):
        return [str(permission) for permission in Permission]
    return permissions_of(found)


def label(blob: Blob | None) -> Json:
    """Show what a file was found to be; nulls where nobody has looked, or there is none."""
    return {
        "format": blob and blob.format,
        "virtual_size": blob and blob.virtual_size,
        "compression": blob and blob.compression,
        "dangers": blob and labels.dangers(blob),
    }


def checksum(file: ImageFile) -> Json:
    """Show a file's SHA-256."""
    return {"type": "sha256", "value": file.blob.sha256}

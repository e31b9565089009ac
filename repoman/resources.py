"""Context factories: find the row that a URL names, or raise the 404.

They never decide permission. Each context has ``thing``, what the policy judges.
"""

from collections.abc import Sequence
from typing import Protocol

from pyramid.request import Request

from repoman.conferral import Account, Grant, Place
from repoman.errors import FileNotUploaded, MissingParameter, NotFound
from repoman.identity import Permission
from repoman.models import Group, Image, ImageFile, User
from repoman.names import fold_hypervisor
from repoman.services import (
    certificates,
    groups,
    hypervisors,
    images,
    own_uploads,
    permissions,
    users,
)
from repoman.tus import headers as tus


class Root:
    """A URL that names no row."""

    def __init__(self, request: Request) -> None:
        self.thing: object = None


class UserContext:
    """``{user}``. Raises `UserNotFound`."""

    def __init__(self, request: Request) -> None:
        self.user: User = users.find(request.db, request.matchdict["user"], lock=request.changes)
        self.also: Sequence[object] = ()  # what else was changed, for the audit trail
        self.thing: object = self.user


class CertificatesContext(UserContext):
    """``{user}``, whose certificates it is about. Raises `UserNotFound`."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        if request.changes:
            self.thing = Account(self.user, request.settings.default_group)


class CertificateContext(UserContext):
    """``{user}`` and ``{id}``. Raises `UserNotFound`, `CertificateNotFound`."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.certificate = certificates.find(self.user, request.matchdict["id"])


class GroupContext:
    """``{group}``. Raises `GroupNotFound`."""

    def __init__(self, request: Request) -> None:
        self.group: Group = groups.find(
            request.db, request.matchdict["group"], lock=request.changes
        )
        self.thing: object = self.group


class PlaceContext(GroupContext):
    """``{group}`` and perhaps ``{user}``. Raises `GroupNotFound`, `UserNotFound`."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        name = request.matchdict.get("user")
        self.user = None if name is None else users.find(request.db, name, lock=request.changes)
        self.thing = Place(self.group, self.user)


class PermissionContext(GroupContext):
    """``{group}`` and ``{permission}``. Raises `GroupNotFound`, `PermissionNotFound`."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.permission: Permission = permissions.find(request.matchdict["permission"])
        self.thing = Grant(self.group, self.permission)


class ImageContext:
    """``{image}``, or ``{owner}/{image}``. Raises `ImageNotFound`.

    Whom a share names is not looked up here: whether that user exists must not show before it is
    settled that the caller may see the image. One in the trash is not there but to the methods
    ``of_trash``.
    """

    of_trash: frozenset[str] = frozenset()

    def __init__(self, request: Request) -> None:
        match = request.matchdict
        self.image = images.find(
            request.db,
            request.identity,
            match["image"],
            owner_name=match.get("owner"),
            lock=request.changes,
            in_trash=request.method in self.of_trash,
        )
        self.thing = self.image


class WholeImageContext(ImageContext):
    """The image as such: in the trash it can be looked at, and purged."""

    of_trash = frozenset({"GET", "HEAD", "DELETE"})


class RestorationContext(ImageContext):
    """The image that is to come out of the trash."""

    of_trash = frozenset({"POST"})


class Target(Protocol):
    """Where a file goes: the image, and which of its hypervisors it is for."""

    image: Image
    hypervisor: str
    thing: object


class FileContext:
    """A raw URL: the image, and the hypervisor named or the image's first.

    In ``{first}/{image}`` the first part is a hypervisor when it is a hypervisor's name.
    """

    def __init__(self, request: Request) -> None:
        match, known = request.matchdict, request.settings.hypervisors
        owner, hypervisor = match.get("owner"), match.get("hypervisor")
        first = match.get("first")
        if first is not None and fold_hypervisor(first) in known:
            hypervisor = first
        elif first is not None:
            owner = first
        if hypervisor is not None and fold_hypervisor(hypervisor) not in known:
            raise NotFound(
                f"This server knows no hypervisor of that name; it knows {', '.join(known)}."
            )
        self.image = images.find(
            request.db,
            request.identity,
            match["image"],
            owner_name=owner,
            lock=request.changes,
        )
        self.thing: object = self.image
        self.hypervisor: str = fold_hypervisor(hypervisor or self.image.hypervisor_names[0])

    @property
    def file(self) -> ImageFile:
        """The current file. Raises `FileNotUploaded`."""
        found = self.image.current_file(self.hypervisor)
        if found is None:
            raise FileNotUploaded(
                f"No file has been uploaded for {self.hypervisor} yet; PUT it to this URL."
            )
        return found


class UploadsContext:
    """The caller's uploads; of a new one, the image and hypervisor that Upload-Metadata names.

    Raises `MissingParameter`, `InvalidParameter`, `ImageNotFound`.
    """

    image: Image
    hypervisor: str

    def __init__(self, request: Request) -> None:
        self.thing: object = None
        if request.method != "POST":
            return
        named = tus.parse_metadata(request.headers.get(tus.METADATA))
        if not named.get("image"):
            raise MissingParameter(
                f"Name the image in {tus.METADATA}: image, a blank, and its name in base64.",
                field=tus.METADATA,
            )
        what = f"image in {tus.METADATA}"
        owner, name = request.urls.read_image(named["image"], what, tus.METADATA)
        wanted = named.get("hypervisor")
        # Before the image: whether that is there is not for everybody to know.
        listed = hypervisors.known([wanted], request.settings) if wanted else None
        self.image = images.find(
            request.db, request.identity, name, owner_name=owner, lock=request.changes
        )
        self.thing = self.image
        (self.hypervisor,) = listed or self.image.hypervisor_names[:1]


class UploadContext:
    """``{id}`` of an upload of the caller's. Raises `UploadNotFound`."""

    def __init__(self, request: Request) -> None:
        self.upload = own_uploads.find(
            request.db, request.identity, request.matchdict["id"], lock=request.changes
        )
        self.image, self.hypervisor = self.upload.image, self.upload.hypervisor
        # To send more takes the right to the image, to end it none.
        self.thing: object = self.image if request.method == "PATCH" else self.upload

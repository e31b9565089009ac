"""The absolute URLs that answers contain, and reading an image's URL back."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from repoman.errors import InvalidParameter
from repoman.models import Certificate, Group, Image, ImageFile, User

SEVERAL = "__hypervisor__"
"""Stands in ``file_url`` for the hypervisor, where an image has several."""


@dataclass(frozen=True)
class Urls:
    """URLs under ``base``, such as ``https://images.example.org``.

    Names need no quoting: `repoman.names` lets only unreserved characters (RFC 3986) through.
    """

    base: str

    def __call__(self, path: str) -> str:
        """Make ``path`` absolute."""
        return self.base + path

    def user(self, user: User) -> str:
        """``/api/users/{user}``."""
        return self.user_named(user.name)

    def user_named(self, name: str) -> str:
        """Like `user`, where only the name is known."""
        return self(f"/api/users/{name}")

    def certificate(self, certificate: Certificate, user: User) -> str:
        """``/api/users/{user}/certificates/{id}``."""
        return f"{self.user(user)}/certificates/{certificate.id}"

    def group(self, group: Group) -> str:
        """``/api/groups/{group}``."""
        return self.group_named(group.name)

    def group_named(self, name: str) -> str:
        """Like `group`, where only the name is known."""
        return self(f"/api/groups/{name}")

    def image(self, image: Image) -> str:
        """``/api/images/{owner}/{name}``; in the trash, where the name is free, `image_by_uuid`."""
        if image.deleted is not None:
            return self.image_by_uuid(image)
        return self.image_named(image.owner.name, image.name)

    def image_named(self, owner: str, name: str) -> str:
        """Like `image`, where only the names are known."""
        return self(f"/api/images/{owner}/{name}")

    def image_by_uuid(self, image: Image) -> str:
        """``/api/images/{uuid}``: the one to keep."""
        return self.image_of_uuid(image.uuid)

    def image_of_uuid(self, uuid: str) -> str:
        """Like `image_by_uuid`, where only the UUID is known."""
        return self(f"/api/images/{uuid}")

    def file(self, image: Image, hypervisor: str) -> str:
        """``/api/images/raw/{owner}/{hypervisor}/{name}``; in the trash, with the UUID."""
        name = image.name if image.deleted is None else image.uuid
        return self(f"/api/images/raw/{image.owner.name}/{hypervisor}/{name}")

    def version(self, image: Image, file: ImageFile) -> str:
        """Like `file`, of one version."""
        return f"{self.file(image, file.hypervisor)}?version={file.version}"

    def any_file(self, image: Image) -> str:
        """Like `file`, with `SEVERAL` for the hypervisor where there are several."""
        hypervisors = image.hypervisor_names
        return self.file(image, hypervisors[0] if len(hypervisors) == 1 else SEVERAL)

    def upload(self, uuid: str) -> str:
        """``/api/uploads/{id}``."""
        return self(f"/api/uploads/{uuid}")

    def read_image(self, reference: str, what: str, field: str) -> tuple[str | None, str]:
        """Read ``{image}``, ``{owner}/{image}`` or an image's URL here as owner and image.

        ``what`` it stands in, and the ``field``, are for the refusal. Raises `InvalidParameter`.
        """
        parts = self._parse_image(reference)
        if parts is None:
            raise InvalidParameter(
                f"{what} must be an image's name, UUID, OWNER/NAME, or its URL on this server.",
                field=field,
            )
        return parts

    def _parse_image(self, reference: str) -> tuple[str | None, str] | None:
        """Split ``{image}``, ``{owner}/{image}`` or an image's URL here into owner and image.

        None where it is none of them, such as another server's URL: it is parsed, never fetched.
        """
        if "://" in reference:
            try:
                own, given = urlsplit(self.base), urlsplit(reference)
            except ValueError:
                return None
            if (given.scheme, given.netloc.lower()) != (own.scheme, own.netloc.lower()):
                return None
            if given.query or given.fragment or not given.path.startswith(own.path):
                return None
            reference = given.path.removeprefix(own.path)
            if not reference.startswith("/api/images/"):
                return None
        parts = reference.removeprefix("/api/images/").rstrip("/").split("/")
        if len(parts) == 1:
            return None, parts[0]
        return (parts[0], parts[1]) if len(parts) == 2 else None

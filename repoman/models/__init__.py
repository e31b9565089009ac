"""The tables. Rows only; rules are in services."""

from repoman.models import image_size
from repoman.models.audit import AuditEntry
from repoman.models.blob import Blob, ImageFile
from repoman.models.group import Group, GroupPermission, Membership
from repoman.models.image import Image, ImageHypervisor, ImageShare
from repoman.models.meta import Base, Sessions, make_engine, now
from repoman.models.storage_sample import StorageSample
from repoman.models.upload import Protocol, Upload
from repoman.models.user import Certificate, User

image_size.watch()

__all__ = [
    "AuditEntry",
    "Base",
    "Blob",
    "Certificate",
    "Group",
    "GroupPermission",
    "Image",
    "ImageFile",
    "ImageHypervisor",
    "ImageShare",
    "Membership",
    "Protocol",
    "Sessions",
    "StorageSample",
    "Upload",
    "User",
    "make_engine",
    "now",
]

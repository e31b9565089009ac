"""The report of `repoman.services.storage_report` as the JSON object of REST.markdown."""

from collections.abc import Iterable

from repoman.models import Image, StorageSample, User
from repoman.presenters import Json, Presenter
from repoman.services import labels
from repoman.services.consumers import Consumer
from repoman.services.storage_report import Checked, Kind, Report, Running


class StoragePresenter:
    """Makes the object, with the URLs and times of ``present``."""

    def __init__(self, present: Presenter) -> None:
        self.urls, self.time = present.urls, present.time

    def report(self, report: Report) -> Json:
        """Show all of it."""
        room = report.room
        return {
            "files": sum(kind.size for kind in report.kinds),
            "files_count": sum(kind.files for kind in report.kinds),
            "free": room.free,
            "size": room.size,
            "reasons": {} if room.reason is None else {"store": room.reason},
            "by_user": [self._consumer(one) for one in report.users],
            "by_group": [self._consumer(one) for one in report.groups],
            "by_format": [_kind(one) for one in report.kinds],
            "largest": self._images(report.largest),
            "oldest": self._images(report.oldest),
            "trash": {
                "images": report.trash.images,
                "versions": report.trash.versions,
                "size": report.trash.size,
            },
            "uploads": [self._upload(one) for one in report.uploads],
            "scrub": self._scrub(report.scrub),
            "history": [self._sample(one) for one in report.history],
        }

    def _consumer(self, consumer: Consumer) -> Json:
        account = consumer.account
        if isinstance(account, User):
            named = {"user": self.urls.user(account), "user_name": account.name}
        else:
            named = {"group": self.urls.group(account), "name": account.name}
        return {**named, "usage": consumer.usage, "quota": consumer.quota}

    def _images(self, images: Iterable[Image]) -> list[Json]:
        """Show images; as in the image's own object, size and format are the first file's."""
        shown = []
        for image in images:
            first = image.current_file(image.hypervisor_names[0])
            uploaded = max((file.uploaded for file in image.files), default=None)
            shown.append(
                {
                    "image": self.urls.image(image),
                    "owner_user_name": image.owner.name,
                    "name": image.name,
                    "size": first and first.blob.size,
                    "format": labels.format_of(image),
                    "uploaded": self.time(uploaded),
                }
            )
        return shown

    def _upload(self, one: Running) -> Json:
        return {
            "user_name": one.user_name,
            "image": self.urls.image_named(one.owner_name, one.image_name),
            "hypervisor": one.upload.hypervisor,
            "protocol": one.upload.protocol,
            "offset": one.arrived,
            "length": one.upload.file_length,
            "created": self.time(one.upload.created),
            "expires": self.time(one.upload.expires),
        }

    def _scrub(self, found: Checked) -> Json:
        return {
            "checked": found.checked,
            "unchecked": found.unchecked,
            "oldest_check": self.time(found.oldest),
            "damaged": found.damaged,
        }

    def _sample(self, sample: StorageSample) -> Json:
        return {
            "taken": self.time(sample.taken),
            "files": sample.files,
            "free": sample.free,
            "size": sample.size,
        }


def _kind(kind: Kind) -> Json:
    return {
        "format": kind.format,
        "compression": kind.compression,
        "size": kind.size,
        "files": kind.files,
    }

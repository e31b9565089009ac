"""Refusals in words for people."""

import pytest

from repoman.errors import (
    ImageNotFound,
    ImageReadOnly,
    QuotaExceeded,
    TooManyUploads,
    UploadNotFound,
    UserOwnsImages,
)
from repoman.pages.words import words
from repoman.security import no_such_image
from repoman.services.own_uploads import no_such_upload


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (no_such_image(), "There is no such image, or it is not shared with you."),
        (
            no_such_upload(),
            "You have no such unfinished upload. It may have ended: look whether the image has "
            "the file.",
        ),
        (
            ImageNotFound("There is no user 'a'; GET /api/users lists them."),
            "There is no user 'a'.",
        ),
        (TooManyUploads("End some (GET /api/uploads lists them)."), "End some."),
        (QuotaExceeded("1073741824 of 2147483648 bytes"), "1.00 GiB of 2.00 GiB"),
        (QuotaExceeded("It has 3221225472 bytes."), "It has 3.00 GiB."),
        (QuotaExceeded("4096 bytes at most."), "4096 bytes at most."),
        (ImageReadOnly("x"), "The image is read-only. Its owner can take that off, by Edit."),
        (
            UserOwnsImages("ann owns 2 images: ?images=delete removes them for good."),
            "ann owns 2 images. Say below what is to become of them.",
        ),
        (UploadNotFound("Whatever else."), "Whatever else."),
    ],
)
def test_what_is_said_to_programs_is_left_out(error, said):
    assert words(error) == said

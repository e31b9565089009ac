"""Refusals in words for people: the API's sentences, without what they say to programs."""

import re
from collections.abc import Mapping

from repoman.errors import RepomanError, UserOwnsImages
from repoman.pages.formats import gib

_FOR_PROGRAMS = re.compile(r"(?:[;.]? \(?)GET /api\S* lists [^.;)]*\)?")
"""Where the API's sentences say what to ask the API for."""

_BYTES = re.compile(r"\b(?:(\d+) of )?(\d{7,}) bytes\b")

_WORDS: Mapping[str, str] = {
    "image-read-only": "The image is read-only. Its owner can take that off, by Edit.",
    "image-expired": "The image has expired. Its owner can set a later time, by Edit.",
    "version-not-found": "This version is no longer there.",
}
"""By the errors' codes, instead of the API's sentence."""

CHANGED_MEANWHILE = (
    "Somebody has changed this since you opened the page. What you typed is still here, and is not "
    "saved: close the form to see what is there now, or save again to put yours in its place."
)

WAYS_ON: Mapping[str, tuple[str, str]] = {
    "image-not-found": ("/images?view=all", "All images that you may see"),
    "user-not-found": ("/users", "All users"),
    "group-not-found": ("/groups?view=all", "All groups"),
    "not-found": ("/images", "Your images"),
}
"""Paths of the pages that list what was not found, with the words of the links to them."""

FIELDS: Mapping[str, str] = {
    "image-exists": "name",
    "group-exists": "name",
    "user-exists": "user_name",
    "email-exists": "email",
}
"""The field that an error is about, by its code, where the error does not say."""


def words(error: RepomanError) -> str:
    """Return the sentence for a page."""
    if isinstance(error, UserOwnsImages):
        return error.detail.partition(":")[0] + ". Say below what is to become of them."
    return _WORDS.get(error.code) or _BYTES.sub(_in_gib, _FOR_PROGRAMS.sub("", error.detail))


def _in_gib(found: re.Match[str]) -> str:
    return " of ".join(gib(int(number)) for number in found.groups() if number)

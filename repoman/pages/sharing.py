"""Who may see an image, in a few words, out of what the API shows of it to this caller."""

from collections.abc import Iterator

from repoman.identity import Identity
from repoman.pages.formats import plural
from repoman.presenters import Json


def audience(shown: Json, caller: Identity) -> list[str]:
    """List whom an image is open to besides its owner, the widest first.

    Whom it is shared with is shown to those who may share it; others know of themselves alone.
    """
    return list(_audience(shown, caller)) or ["owner only"]


def _audience(shown: Json, caller: Identity) -> Iterator[str]:
    if shown["http_file_url"]:
        yield "everybody"
    if shown["group"] and shown["group_access"] != "none":
        verb = {"read": "reads", "write": "writes"}[shown["group_access"]]
        yield f"group {shown['group'].rpartition('/')[2]} {verb}"
    shares = shown.get("shared_with")
    if shares is None:
        if shown["owner_user_name"] != caller.user_name:
            yield "shared with you"
        return
    for kind, one in (("groups", "group"), ("users", "person")):
        if shares[kind]:
            names = [url.rpartition("/")[2] for url in shares[kind]]
            many = "people" if one == "person" else None
            name = f"group {names[0]}" if one == "group" else names[0]
            yield name if len(names) == 1 else plural(len(names), one, many)

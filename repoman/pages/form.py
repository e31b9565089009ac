"""What a page's form sends: fields for the API, and how to ask it and where to go afterwards.

The fields that are the page's own begin with ``_``, as no field of the API does. What ``_before_X``
holds is put before what the field ``X`` does.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from repoman.errors import InvalidParameter
from repoman.pages import tokens

_local_path = re.compile(r"/(?!/)[^\s\\\x00-\x1f\x7f]{0,2000}", re.ASCII)
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Form:
    """A form that was sent.

    ``fields`` are the API's. ``method`` is how to ask it, ``last`` the last part of the path where
    somebody types that, ``etag`` what the form was filled in from, '' where that does not matter.
    ``name`` is the form's on its ``page``, to which the browser goes back when the API refuses;
    else to ``then``, or where that is '' to what the API answers with, told what was ``done``.
    """

    token: str
    fields: dict[str, str]
    method: str
    name: str
    page: str
    then: str
    last: str
    etag: str
    done: str


def read(pairs: Iterable[tuple[str, str]]) -> Form:
    """Sort out what a form sent. Raises `InvalidParameter` for one that no page of ours sends."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        # HTML sends each line break as CR and LF.
        values.setdefault(name, []).append(value.replace("\r\n", "\n"))
    own = {name: found[-1] for name, found in values.items() if name.startswith("_")}
    form = Form(
        token=own.get(tokens.FIELD, ""),
        fields={
            name: own.get(f"_before_{name}", "") + _one(found)
            for name, found in values.items()
            if name not in own
        },
        method=own.get("_method", "POST"),
        name=own.get("_form", ""),
        page=own.get("_page", "/"),
        then=own.get("_then", ""),
        last=own.get("_last", ""),
        etag=own.get("_etag", ""),
        done=own.get("_done", "")[:500],
    )
    if form.method not in METHODS:
        raise InvalidParameter(f"The method must be one of {', '.join(sorted(METHODS))}.")
    for path in filter(None, (form.page, form.then)):
        if not _local_path.fullmatch(path):
            raise InvalidParameter("A form leads to paths on this server alone.")
    return form


def _one(values: list[str]) -> str:
    """Make one value: the first stands for no box ticked where there is more than one.

    The API takes lists with commas.
    """
    return values[0] if len(values) == 1 else ",".join(values[1:])

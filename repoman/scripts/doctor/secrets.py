"""Keeping the database's password out of what is printed."""

import configparser
from urllib.parse import quote, quote_plus, unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

HIDDEN = "***"


def read_url(text: str) -> URL | None:
    """Read a database's URL, None where it is none."""
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        return None


def passwords(url: URL) -> set[str]:
    """Return every password in a URL, as it is and as URLs may spell it."""
    given = [url.password or ""]
    for key in ("password", "sslpassword"):
        value = url.query.get(key, ())
        given += [value] if isinstance(value, str) else value
    spellings = {
        spelt for one in given for spelt in (one, quote(one), quote(one, safe=""), quote_plus(one))
    }
    return {one for one in spellings if one}


def hide(text: str, url_text: str | None) -> str:
    """Put `HIDDEN` in the place of the passwords of a URL, and of a URL that cannot be read."""
    if url_text is None:
        return text
    url = read_url(url_text)
    secrets = passwords(url) if url else {url_text, unquote(url_text)}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def show_url(url: URL) -> str:
    """Write a URL as the settings do, without password and options."""
    url = url.set(drivername=url.get_backend_name())
    return url.set(query={}).render_as_string(hide_password=True)


def explain(error: configparser.Error) -> str:
    """Say what is wrong with an ini file, without the line itself, which may be the password's."""
    match error:
        case configparser.InterpolationError(section=section, option=option):
            return f"[{section}] {option}: a % that is meant is written %%"
        case configparser.ParsingError(errors=errors):
            numbers = ", ".join(str(number) for number, _ in errors)
            return f"line {numbers} is no key = value"
        case configparser.MissingSectionHeaderError(lineno=number):
            return f"line {number} stands before the first [section]"
        case _:
            return str(error)

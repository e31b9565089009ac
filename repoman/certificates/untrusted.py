"""Reading what a client made up: certificates parse lazily, and fail in many ways."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def errors_as(kind: type[ValueError]) -> Iterator[None]:
    """Turn any error into one of this kind.

    cryptography's errors on hostile bytes are of many kinds, not all of them ValueErrors
    (DuplicateExtension, UnsupportedAlgorithm, InvalidVersion, TypeError ...), and come as late as
    with the first look at an attribute.
    """
    try:
        yield
    except kind:
        raise
    except Exception as error:
        raise kind(f"The certificate cannot be accepted. {error}") from error

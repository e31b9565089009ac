"""What all errors have."""

from typing import Any, ClassVar


class RepomanError(Exception):
    """A refusal that a client can understand.

    ``detail`` is a sentence that says what to do; ``extra`` holds further members of the problem
    object, such as ``field``.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra

    def headers(self) -> dict[str, str]:
        """Give the headers that belong to this error besides ``X-Repoman-Error``."""
        return {}

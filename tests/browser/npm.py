"""What comes from npm, for the tests alone; ``package.json`` has the versions."""

from functools import cache
from pathlib import Path

import pytest

MODULES = Path(__file__).with_name("node_modules")


@cache
def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def source(name: str) -> str:
    """Read a file of a package, such as ``axe-core/axe.min.js``; skip the test where it is not."""
    text = _read(MODULES / name)
    return text or pytest.skip(f"{name} is not there: make test installs it with npm")

"""Which steps a test is to run for, on which database."""

import re
from collections.abc import Iterable

import pytest

Step = tuple
"""A step of `tests.crash.faults`, and what the test wants to know of it besides."""


def steps(names: str, wanted: Iterable[Step]):
    """Run a test for each step, on SQLite; on PostgreSQL too where it is about an image's commit.

    ``names`` are those of the arguments that a step's parts are given to, the first of them its
    name.
    """
    found = [(backend, *step) for step in wanted for backend in backends(step[0])]
    ids = [f"{backend}-{step.replace(' ', '-')}" for backend, step, *_ in found]
    return pytest.mark.parametrize(f"backend, {names}", found, ids=ids)


def backends(step: str) -> list[str]:
    """Say on which databases a step is tried: those of files and of uploads' rows on one alone."""
    return ["sqlite", "postgresql"] if re.search(r"commit \w+ (blob|image)", step) else ["sqlite"]

"""The disks that the tests of the inspection look into."""

import pytest

from tests.disks import Disks, NoPrograms


@pytest.fixture(scope="session")
def disks(tmp_path_factory) -> Disks:
    """Real disks, each made once."""
    try:
        return Disks(tmp_path_factory.mktemp("disks"))
    except NoPrograms as reason:
        pytest.skip(f"looks into real disks, and {reason}")

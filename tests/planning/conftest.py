import pytest

from tests.gates.runs import RunMaker


@pytest.fixture
def make() -> RunMaker:
    return RunMaker()

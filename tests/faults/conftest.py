from collections.abc import Iterator

import pytest

from tests.faults.line import Line, running


@pytest.fixture(scope="session")
def _line(rabbitmq_url: str) -> Iterator[Line]:
    """One line for all fault tests; starting it takes longer than breaking it."""
    with running("rabbitmq") as line:
        yield line


@pytest.fixture
def line(_line: Line) -> Iterator[Line]:
    """The line, whole and quiet before and after each fault."""
    _line.heal()
    yield _line
    _line.heal()

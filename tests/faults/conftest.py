from collections.abc import Iterator

import pytest

from stack import rabbitmq
from tests.conftest import NO_RABBITMQ
from tests.faults.line import Line, running


@pytest.fixture(scope="session")
def _line() -> Iterator[Line]:
    """One line for all fault tests; starting it takes longer than breaking it.

    Its RabbitMQ is its own, to be stopped and broken, even where another one answers.
    """
    if not rabbitmq.installed():
        pytest.skip(NO_RABBITMQ)
    with running("rabbitmq") as line:
        yield line


@pytest.fixture
def line(_line: Line) -> Iterator[Line]:
    """The line, whole and quiet before and after each fault."""
    _line.heal()
    yield _line
    _line.heal()

from collections.abc import Iterator

import pytest

from faults.harness.load import Audiences
from faults.harness.service import PATIENT, Line, running
from stack.debian import RABBITMQ
from tests.support.programs import need


@pytest.fixture(scope="session")
def line() -> Iterator[Line]:
    """One line for all faults; starting it takes longer than breaking it.

    Its RabbitMQ is its own, to be stopped and broken, even where another one answers.
    """
    need(RABBITMQ)
    with running(PATIENT) as line:
        yield line


@pytest.fixture(scope="session")
def audiences(line: Line) -> Audiences:
    return Audiences(line)

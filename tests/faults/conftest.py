from collections.abc import Iterator

import pytest

from faults.harness.load import Audiences
from faults.harness.service import PATIENT, Service, running
from stack.debian import RABBITMQ
from tests.support.programs import need


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """One service for all faults: starting it takes longer than breaking it.

    Its RabbitMQ is its own, to be stopped and broken, even where another one answers.
    """
    need(RABBITMQ)
    with running(PATIENT) as service:
        yield service


@pytest.fixture(scope="session")
def audiences(service: Service) -> Audiences:
    return Audiences(service)

"""Fixtures for every test on servers."""

import pytest

from apps.delivery.intake import load_shedding


@pytest.fixture(autouse=True)
def _no_measurement_of_another_test() -> None:
    """Let load shedding measure anew.

    The test before may have ended in the middle of one, when pytest takes the database away.
    """
    load_shedding.forget()

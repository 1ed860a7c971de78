"""A recipient, and requests that one transaction stores."""

from collections.abc import Callable
from functools import partial

import pytest

from apps.delivery.intake import group_commit
from tests.integration.delivery.intake.groups import Answered, ask_together
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop


@pytest.fixture
def ada(shop: Shop) -> None:
    recipient("ada")


@pytest.fixture
def together(
    ada: None, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[Answered]]:
    """``ask_together``, in which nobody stops waiting for the group."""
    monkeypatch.setattr(group_commit, "LONGEST_WAIT", 90.0)
    return partial(ask_together, shop)

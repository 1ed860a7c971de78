"""A mistake of the service loses no occurrence."""

import pytest

from apps.delivery.intake import accept
from apps.schedules.models import Schedule
from tests.integration.schedules.conftest import due, runs
from tests.support.publishers.people import recipient


@pytest.fixture(autouse=True)
def _ada(shop) -> None:
    recipient("ada")


def test_a_run_whose_notification_cannot_be_made_is_tried_again(shop, create, tick, monkeypatch):
    create("odd", notification={"user_id": "ada", "content": {"body": "Hi"}, "reference": "odd"})
    create("good")
    occurrence = due("odd")
    due("good")
    made = accept.notification_row

    def odd(id, publisher_id, draft, *rest):
        if draft.reference == "odd":
            raise RuntimeError("a mistake of ours")
        return made(id, publisher_id, draft, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(accept, "notification_row", odd)
        tick()
    assert [run["state"] for run in runs(shop, "good")] == ["accepted"]
    assert runs(shop, "odd") == []
    assert shop.get("schedules/odd")["failures"] == 1
    Schedule.objects.filter(name="odd").update(due_at=occurrence)
    tick()
    assert [run["state"] for run in runs(shop, "odd")] == ["accepted"]

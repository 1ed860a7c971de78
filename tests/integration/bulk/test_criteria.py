"""Criteria of bulk actions: those that an action has, and how long they are kept."""

import pytest

from apps.bulk import running
from apps.bulk.models import BulkAction
from apps.publishers.models import AuditEvent


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "cancel", "match": {}}, "/match"),
        ({"action": "redrive", "match": {"reference": "a"}}, "/match/reference"),
        ({"action": "release", "match": {"topic": "news"}}, "/match/topic"),
        ({"action": "restore", "match": {}}, "/action"),
        ({"action": "redrive"}, "/match"),
        ({"action": "cancel", "match": {"state": "done"}}, "/match/state"),
    ],
)
def test_criteria_that_an_action_has_not_are_refused(shop, body, pointer):
    problem = shop.post("bulk-actions", body, status=400)
    assert problem["errors"][0]["pointer"] == pointer
    assert not BulkAction.objects.exists()


@pytest.mark.parametrize("ended", ["done", "aborted"])
def test_a_reference_is_kept_until_the_action_ends(shop, ended):
    match = {"reference": "order-4711", "state": "scheduled"}
    begun = shop.post("bulk-actions", {"action": "cancel", "match": match})
    assert begun["match"] == match
    if ended == "aborted":
        shop.post(f"bulk-actions/{begun['id']}/abort", None, status=200)
    running.tick()
    found = shop.get(f"bulk-actions/{begun['id']}")
    assert found["state"] == ended
    assert found["match"] == {"reference": "[not kept]", "state": "scheduled"}
    assert "4711" not in str(list(AuditEvent.objects.values_list("after", flat=True)))

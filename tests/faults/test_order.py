"""An ordering key holds whatever the provider and the workers do: the sandbox's log is in order."""

import pytest

from faults.harness.load import Audiences
from faults.harness.service import Service, until

PEOPLE, ROUNDS = 20, 12


@pytest.fixture(autouse=True)
def _healed(service: Service):
    service.heal()
    yield
    service.heal()


def test_one_recipients_messages_go_out_in_the_order_accepted(
    service: Service, audiences: Audiences
):
    topic = audiences.topic(PEOPLE)
    service.call("PATCH", f"/v1/topics/{topic}", {"retry_policy": {"schedule": [1, 1, 1]}})
    busy, failing, dying = audiences.addresses(PEOPLE)[:3]
    service.sandbox.behave("fcm", "slow", seconds=0.05)
    service.sandbox.behave("fcm", "429", address=busy, times=2, retry_after=1)
    service.sandbox.behave("fcm", "500", address=failing, times=2)
    service.sandbox.behave("fcm", "500", address=dying, times=4)  # its first one is a dead letter
    for number in range(ROUNDS):
        body = {"channels": ["push"], "content": {"title": str(number)}, "ordering_key": "k"}
        last = service.call("POST", f"/v1/topics/{topic}/publish", body)["id"]
        if number == ROUNDS // 2:
            until(lambda: len(titles(service)) >= PEOPLE // 2, "something was sent")
            service.kill("push")
            until(lambda: "push" in service.stage.processes.dead(), "the worker is dead")
            service.start("push")
    path = f"/v1/notifications/{last}"
    until(lambda: service.call("GET", path)["state"] == "done", "everything was sent")
    taken = titles(service)
    assert len(taken) == PEOPLE
    for address, seen in taken.items():
        # What a killed worker had sent comes again, before anything that came after it.
        assert seen == sorted(seen)
        assert len(set(seen)) == ROUNDS - (address == dying)
    assert service.sql("SELECT count(*) FROM delivery_turn") == [(0,)]
    assert service.sql("SELECT count(*) FROM delivery_chunkturn") == [(0,)]


def titles(service: Service) -> dict[str, list[int]]:
    """The numbers that the provider took for each address, in its order."""
    found: dict[str, list[int]] = {}
    for row in reversed(service.sandbox.messages("push", limit=PEOPLE * ROUNDS * 2)):
        if row["accepted"]:
            title = row["content"]["message"]["notification"]["title"]
            found.setdefault(row["address"], []).append(int(title))
    return found

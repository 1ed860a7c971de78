"""An ordering key holds whatever the provider and the workers do: the sandbox's log is in order."""

from tests.faults.line import Line, token

PEOPLE, ROUNDS = 20, 12


def test_one_recipients_messages_go_out_in_the_order_accepted(line: Line):
    topic = line.audience(PEOPLE)
    busy, failing, dying = (token(f"{topic}-{number}") for number in range(3))
    line.sandbox.behave("fcm", "slow", seconds=0.05)
    line.sandbox.behave("fcm", "429", address=busy, times=2, retry_after=1)
    line.sandbox.behave("fcm", "500", address=failing, times=2)
    line.sandbox.behave("fcm", "401", address=dying, times=2)  # a dead letter at once
    since = max((row["seq"] for row in line.sandbox.messages(limit=1)), default=0)
    for number in range(ROUNDS):
        last = line.publish(topic, ordering_key="k", content={"title": str(number)})
        if number == ROUNDS // 2:
            line.begun(last, PEOPLE)
            line.stage.processes.kill("push")
            line.until(lambda: "push" in line.stage.processes.dead(), 10)
            line.stage.processes.restart("push")
    line.settled(last)
    took: dict[str, list[int]] = {}
    for row in line.sandbox.messages("push", since=since, limit=PEOPLE * ROUNDS * 2):
        if row["accepted"]:
            title = row["content"]["message"]["notification"]["title"]
            took.setdefault(row["address"], []).append(int(title))
    assert len(took) == PEOPLE
    for address, titles in took.items():
        # What a killed worker had sent comes again, before anything that came after it.
        assert titles == sorted(titles)
        assert len(set(titles)) == ROUNDS - (address == dying)
    assert line.sql("SELECT count(*) FROM delivery_turn") == [(0,)]
    assert line.sql("SELECT count(*) FROM delivery_chunkturn") == [(0,)]

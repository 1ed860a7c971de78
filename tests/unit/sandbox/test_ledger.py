"""The sandbox's ledger, and the meaning of magic addresses."""

import pytest

from sandbox import ledger as ledger_module
from sandbox.behaviours import Behaviour, Behaviours, read_address
from sandbox.ledger import Ledger


@pytest.mark.parametrize(
    ("provider", "address", "expected"),
    [
        ("fcm", "abc-sandbox-dead-0001", Behaviour("dead")),
        ("fcm", "sandbox-500x2", Behaviour("500", 2)),
        ("fcm", "x:y-sandbox-429x1_3-z", Behaviour("429", 1, "3")),
        ("fcm", "abc-sandbox-deadly-1", None),
        ("fcm", "mysandbox-dead-1", None),
        ("sendgrid", "429x1_3.anna@sandbox.example", Behaviour("429", 1, "3")),
        ("smtp", "Dead+1@Sandbox.Example", Behaviour("dead")),
        ("smtp", "slow_2@sandbox.example", Behaviour("slow", 0, "2")),
        ("smtp", "dead@example.com", None),
        ("twilio", "+15005550429", Behaviour("429")),
        ("twilio", "+15005552500", Behaviour("500", 2)),
        ("twilio", "+15005551408", Behaviour("timeout", 1)),
        ("twilio", "+15005550006", None),
        ("apns", "facade4290103" + "0" * 51, Behaviour("429", 1, "3")),
        ("apns", "FACADE4100000" + "a" * 51, Behaviour("dead")),
        ("apns", "0" * 64, None),
        ("webhook", "https://h/webhook/x?behave=500x2", Behaviour("500", 2)),
        ("webhook", "https://h/webhook/x?a=b&behave=reset&c=d", Behaviour("reset")),
        ("webhook", "https://h/webhook/x", None),
    ],
)
def test_a_magic_address_says_what_it_asks_for(
    provider: str, address: str, expected: Behaviour | None
) -> None:
    assert read_address(provider, address) == expected


def test_a_healed_address_breaks_again_after_clear() -> None:
    behaviours = Behaviours()
    shown = [behaviours.next("twilio", "+15005551500") for _ in range(2)]
    assert shown == [Behaviour("500", 1), None]
    behaviours.clear()
    assert behaviours.next("twilio", "+15005551500") == Behaviour("500", 1)


def test_the_oldest_messages_go_but_counters_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MOST_ENTRIES", 3)
    ledger = Ledger(("fcm",))
    for n in range(5):
        ledger.record("fcm", "push", f"a{n}", delivery_id=f"d{n}", status=200, accepted=True)
    assert [entry.address for entry in ledger.newest()] == ["a4", "a3", "a2"]
    assert ledger.counts()["fcm"]["accepted"] == 5


def test_content_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MOST_BYTES", 40_000)
    monkeypatch.setattr(ledger_module, "MOST_OF_A_BODY", 16 * 1024)
    ledger = Ledger(("fcm",))
    for n in range(5):
        ledger.record("fcm", "push", f"a{n}", status=200, accepted=True, body=b"x" * 20_000)
    kept = list(ledger.newest())
    assert [entry.address for entry in kept] == ["a4", "a3"]
    assert (kept[0].size, len(kept[0].body)) == (20_000, 16 * 1024)


def test_a_page_read_before_a_reset_stays_in_the_past() -> None:
    ledger = Ledger(("fcm",))
    ledger.record("fcm", "push", "a", status=200, accepted=True)
    before = next(ledger.newest()).seq
    ledger.clear()
    ledger.record("fcm", "push", "b", status=200, accepted=True)
    assert [entry.address for entry in ledger.newest(since=before)] == ["b"]

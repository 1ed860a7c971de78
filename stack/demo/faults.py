"""Failures of providers, and the state in which each delivery must end.

The addresses are magic ones of the sandbox: see ``sandbox``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from notifier.domain.states import DeliveryState, may_move
from notifier_client import Contact, Delivery, Device

NO_ANSWER = "no answer"
NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure. ``answers``: of the attempts in order, each a status or ``NO_ANSWER``."""

    name: str
    story: str
    address: Device | Contact
    state: str
    answers: tuple[str, ...]

    @property
    def channel(self) -> str:
        return "push" if isinstance(self.address, Device) else self.address.channel

    def mismatch(self, delivery: Delivery) -> str:
        """Describe how ``delivery`` differs from what is expected; empty if it does not.

        A slow machine may cause more attempts, so ``answers`` are the least that there must be.
        """
        left = iter(answers(delivery))
        if delivery.state == self.state and all(answer in left for answer in self.answers):
            return ""
        expected = f"{', '.join(self.answers)} -> {self.state}"
        return f"{self.story}: {became(delivery)}, and not {expected}"

    def may_come(self, delivery: Delivery) -> bool:
        """Return whether a receipt may still move ``delivery`` to the expected state."""
        return may_move(DeliveryState(delivery.state), DeliveryState(self.state))


def faults(webhook_url: str) -> Sequence[Fault]:
    """Return all failures, each at an address of its own; ``webhook_url``: of the sandbox."""
    return [
        Fault(
            "busy",
            "FCM says 429, Retry-After 2 s",
            Device("android", "demo-sandbox-429x1_2-000000"),
            "accepted",
            ("429", "200"),
        ),
        Fault(
            "failing",
            "Twilio fails twice, then heals",
            Contact("sms", "+15005552500"),
            "delivered",
            ("500", "500", "201"),
        ),
        Fault(
            "down",
            "SendGrid, then SMTP, are busy",
            Contact("email", "503x1.demo@sandbox.example"),
            "delivered",
            ("503", "202"),
        ),
        Fault(
            "hook",
            "a webhook's receiver fails once",
            Contact("webhook", f"{webhook_url}/failing?behave=500x1"),
            "delivered",
            ("500", "204"),
        ),
        Fault(
            "gone",
            "APNs: the app was uninstalled",
            Device("ios", "facade4100000" + "0" * 51),
            "failed",
            ("410",),
        ),
        Fault(
            "silent-push",
            "FCM never answers: sent again",
            Device("web", "demo-sandbox-timeoutx1-000000"),
            "accepted",
            (NO_ANSWER, "200"),
        ),
        Fault(
            "silent-sms",
            "Twilio never answers: not paid twice",
            Contact("sms", "+15005551408"),
            "unknown",
            (NO_ANSWER,),
        ),
    ]


def answers(delivery: Delivery) -> list[str]:
    """Return the answer of each attempt: a status, ``NO_ANSWER`` or ``NOT_REACHED``."""
    return [
        str(attempt.status or (NO_ANSWER if attempt.outcome == "unknown" else NOT_REACHED))
        for attempt in delivery.attempts
    ]


def became(delivery: Delivery) -> str:
    """Describe a delivery's attempts and state for people."""
    return f"{', '.join(answers(delivery))} -> {delivery.state}"

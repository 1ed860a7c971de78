"""The people of the demo. Their addresses are invented: everything goes to the sandbox."""

from collections.abc import Iterator

from notifier_client import Contact, Device, Preference, Recipient, Subscriber

PLATFORMS = ("ios", "android", "web")
#: One person in so many refuses marketing; one in so many has a phone number.
REFUSE_EVERY = 20
PHONE_EVERY = 4


class Crowd:
    """``size`` recipients with a device, an email address, an inbox and, for some, a phone.

    ``run``: a name that separates the people of several runs on one database.
    """

    def __init__(self, run: str, size: int) -> None:
        self.run = run
        self.size = size

    def user_id(self, number: int) -> str:
        return f"user-{self.run}-{number}"

    def people(self) -> Iterator[Recipient]:
        for number in range(self.size):
            contacts = [Contact("email", f"user{number}.{self.run}@example.com")]
            if number % PHONE_EVERY == 0:
                contacts.append(Contact("sms", f"+1202{2_000_000 + number}"))
            yield Recipient(
                self.user_id(number),
                locale="en",
                devices=[_device(self.run, number)],
                contacts=contacts,
                preferences=[Preference(False, category="marketing")] if refuses(number) else [],
            )

    def subscribers(self, *channels: str) -> list[Subscriber]:
        """Return all as subscribers on ``channels``, those with a phone also on sms."""
        return [
            Subscriber(
                user_id=self.user_id(number),
                channels=[*channels, "sms"] if number % PHONE_EVERY == 0 else channels,
            )
            for number in range(self.size)
        ]

    def refusing(self) -> list[str]:
        """Return the ``user_id`` of everybody who refuses marketing."""
        return [self.user_id(number) for number in range(self.size) if refuses(number)]

    def with_phone(self) -> list[str]:
        """Return the ``user_id`` of everybody who has a phone number."""
        return [self.user_id(number) for number in range(0, self.size, PHONE_EVERY)]


def refuses(number: int) -> bool:
    """Return whether the person of this number refuses marketing."""
    return number % REFUSE_EVERY == 1


def _device(run: str, number: int) -> Device:
    platform = PLATFORMS[number % 3]
    if platform == "ios":  # 64 hexadecimal digits, and nothing the sandbox reads as magic
        return Device(platform, f"0{run}{number:0{63 - len(run)}x}", app="com.example.app")
    return Device(platform, f"token-{run}-{number:020d}")

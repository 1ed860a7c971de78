"""The in-app inbox: an address is the recipient's own ``user_id``."""

from notifier.messages import Content

LONGEST = 255  # as long as a user_id may be


class Inbox:
    name = "inbox"

    def parse(self, address: str, platform: str = "") -> str:
        if not address or len(address) > LONGEST or not address.isprintable():
            raise ValueError(
                f"An inbox's address is a user_id: 1 to {LONGEST} characters, all printable."
            )
        return address

    def mask(self, address: str) -> str:
        """A user_id is the company's own name for somebody, shown everywhere."""
        return address

    def check(self, content: Content) -> None:
        if not (content.title or content.body):
            raise ValueError("content.title or content.body is needed for an inbox.")

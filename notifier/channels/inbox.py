"""The in-app inbox: an address is the recipient's own ``user_id``."""

from notifier.domain.ids import user_ids
from notifier.domain.messages import Content, has_visible_text


class Inbox:
    """The in-app inbox channel."""

    name = "inbox"

    def parse(self, address: str, platform: str = "") -> str:
        return user_ids.check(address)

    def fold(self, address: str) -> str:
        return address

    def mask(self, address: str) -> str:
        """Return the ``user_id`` unmasked: it is the company's own name, shown everywhere."""
        return address

    def check(self, content: Content) -> None:
        if not has_visible_text(content):
            raise ValueError(
                "content.title or content.body with something to see is needed for an inbox."
            )

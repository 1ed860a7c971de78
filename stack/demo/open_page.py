"""An open page in the demo: what its stream sends of an inbox, and how soon."""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from notifier_client import InboxClient, InboxEvent, NotifierClient, NotifierError

#: Pop-ups that are posted one after the other.
POP_UPS = 20


class OpenPage(threading.Thread):
    """Reads the stream of one inbox until it is closed, and keeps its events."""

    def __init__(self, inbox: InboxClient) -> None:
        super().__init__(name="open page", daemon=True)
        self._inbox = inbox
        self._events: queue.SimpleQueue[tuple[float, InboxEvent]] = queue.SimpleQueue()

    def run(self) -> None:
        """Read until the stream ends."""
        with suppress(NotifierError):
            for event in self._inbox.stream():
                self._events.put((time.monotonic(), event))

    def wait_for(self, done: Callable[[InboxEvent], bool], patience: float) -> float:
        """Return when (monotonic seconds) the next event that is ``done`` came.

        Raises ``TimeoutError`` after ``patience`` seconds.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                at, event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"an open page got no event within {patience:g} s") from None
            if done(event):
                return at


def play(
    client: NotifierClient, page: InboxClient, phone: InboxClient, user_id: str, patience: float
) -> list[float]:
    """Have an open page get pop-ups, and what is read on a phone.

    ``page`` and ``phone``: clients of the same inbox, that of the page at the process that serves
    streams. Returns the seconds from each pop-up's POST until the page had it.
    """
    with page, phone:
        opened = OpenPage(page)
        opened.start()
        opened.wait_for(lambda event: event.name == "ready", patience)
        seconds = []
        for _ in range(POP_UPS):
            began = time.monotonic()
            client.notify_users(
                [user_id], title="Hi", channels=["inbox"], display_type="popup", priority="high"
            )
            seconds.append(opened.wait_for(_pops_up, patience) - began)
        phone.mark("read")
        opened.wait_for(lambda event: event.data.get("unread") == 0, patience)
    return seconds


def _pops_up(event: InboxEvent) -> bool:
    return event.name == "item" and event.data["display_type"] == "popup"

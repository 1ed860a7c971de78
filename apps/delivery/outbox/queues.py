"""A queue: the work of one channel at one priority."""

from typing import NamedTuple

from notifier.domain import queues


class Queue(NamedTuple):
    """The chunks and due deliveries of one ``channel`` at one ``priority``.

    Without a channel: the audiences of that priority that are still to be cut into chunks.
    """

    channel: str
    priority: str

    @property
    def name(self) -> str:
        """The broker queue of its doorbells."""
        if self.channel:
            return queues.deliver_queue(self.channel, self.priority)
        return queues.fan_out_queue(self.priority)

    @property
    def task(self) -> str:
        """The Celery task that its doorbells run, as operators see it in Flower."""
        if self.channel:
            return f"deliver.{self.channel}.{self.priority}"
        return f"fanout.{self.priority}"

"""A queue: the work of one channel at one priority."""

from typing import NamedTuple

from notifier.domain import queues


class Queue(NamedTuple):
    """Chunks and due deliveries of ``channel`` at ``priority``; without a channel, audiences that
    are still to be cut."""

    channel: str
    priority: str

    @property
    def name(self) -> str:
        """The broker's queue for its doorbells."""
        if self.channel:
            return queues.deliver_queue(self.channel, self.priority)
        return queues.fan_out_queue(self.priority)

    @property
    def task(self) -> str:
        """The Celery task that a doorbell asks for; operators see it in Flower."""
        if self.channel:
            return f"deliver.{self.channel}.{self.priority}"
        return f"fanout.{self.priority}"

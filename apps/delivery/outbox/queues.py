"""Queues: the work of one channel at one priority."""

from typing import NamedTuple

from django.conf import settings

from notifier.domain import queues
from notifier.domain.priorities import Priority

#: Stands for a channel: audiences of topics and groups that are still to be cut into chunks.
FAN_OUT = ""


class Queue(NamedTuple):
    """The chunks and due deliveries of one ``channel`` at one ``priority``.

    Without a channel (``FAN_OUT``): the audiences of that priority.
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


def all_queues() -> list[Queue]:
    """Return all queues, urgent ones first."""
    return [
        Queue(channel, priority)
        for priority in Priority
        for channel in (FAN_OUT, *settings.CHANNELS)
    ]

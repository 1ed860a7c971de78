"""Remote control of the workers, as Flower and ``celery inspect`` use it."""

from celery.app.control import Control as CeleryControl
from kombu import Queue
from kombu.pidbox import Mailbox as KombuMailbox
from kombu.utils.uuid import uuid


class Mailbox(KombuMailbox):
    """A mailbox whose queue has a new name on each connection.

    Commands are broadcast, so nobody needs the name. With Celery's fixed one, a worker that
    connects anew is refused (405, ``ResourceLocked``) until the broker has noticed that its former
    connection is dead, and a node of a cluster may take a minute for that.
    """

    def get_queue(self, hostname: str) -> Queue:
        return super().get_queue(f"{hostname}.{uuid()}")


class Control(CeleryControl):
    Mailbox = Mailbox

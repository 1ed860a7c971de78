"""Remote control of the workers, for Flower and ``celery inspect``."""

from celery.app.control import Control as CeleryControl
from kombu import Queue
from kombu.pidbox import Mailbox as KombuMailbox
from kombu.utils.uuid import uuid


class Mailbox(KombuMailbox):
    """A mailbox whose queue has a new name on each connection.

    Commands are broadcast, so nobody needs the name. With Celery's fixed one, a worker that
    reconnects is refused (405, ``ResourceLocked``) until the broker notices that the former
    connection is dead, which may take a node of a cluster a minute.
    """

    def get_queue(self, hostname: str) -> Queue:
        return super().get_queue(f"{hostname}.{uuid()}")


class Control(CeleryControl):
    """Celery's remote control with our mailbox."""

    Mailbox = Mailbox

"""The consumer of a worker process: its connection to the broker.

The process works without it, on what it finds in the database, so no error of the broker may end
it. Celery gives up on every error that is not on its list of lost connections, among them
``ResourceLocked`` (a queue is declared while the broker still takes a dead connection for alive),
``PreconditionFailed`` (a queue has other arguments), ``NotFound`` (the queue's node is down),
``AccessRefused`` and ``NotAllowed`` (users or virtual hosts are not loaded yet).
"""

import logging
import time
from functools import partial
from typing import Any

from celery.utils.threads import bound_open_broker_sockets  # type: ignore[attr-defined]
from celery.worker import consumer

from apps.core.processes import progress

log = logging.getLogger(__name__)
_Consumer: Any = consumer.Consumer

#: Seconds between two attempts to connect or to consume: the first pause, and the longest.
PAUSE, LONGEST_PAUSE = 1, 2
#: Seconds that the broker has to answer when a worker stops.
ANSWER = 2.0


class Consumer(_Consumer):  # type: ignore[misc]  # celery has no types
    """Celery's consumer, restarted after every error of the broker."""

    class Blueprint(_Consumer.Blueprint):  # type: ignore[misc]  # likewise
        default_steps = [
            step
            for step in _Consumer.Blueprint.default_steps
            # This step declares dozens of queues for tasks with an ETA, which we do not use, at
            # every node before anything is consumed, and tries each absent node four times with
            # pauses.
            if not step.endswith(":DelayedDelivery")
        ]

        def start(self, parent: Any) -> None:
            try:
                super().start(parent)
            except parent.connection_errors:
                raise
            except Exception as error:
                # The broker's own errors are no bugs of ours; any other needs its traceback.
                log.error(
                    "not consuming: %r; trying again in %d s",
                    error,
                    PAUSE,
                    exc_info=not isinstance(error, parent.channel_errors),
                )
                time.sleep(PAUSE)
                raise ConnectionError(repr(error)) from error
            finally:
                progress.rest()  # without a broker it has none, and works all the same

    def loop_args(self) -> Any:
        """Return the arguments of the event loop, which is about to start."""
        if self.hub:
            self.hub.on_tick.add(partial(progress.turn, "consume"))
        return super().loop_args()

    def stop(self) -> None:
        """Stop, after dropping silent connections, at which each step would wait for an answer."""
        for connection in self._connections():
            if not _answers(connection):
                connection.collect()
        super().stop()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        for connection in self._connections():
            connection.collect()  # without a closing handshake, which nobody may answer
        super().on_connection_error_after_connected(exc)

    def _connections(self) -> list[Any]:
        """Return the open connections: for consuming, and for Flower's events."""
        events = self.event_dispatcher.connection if self.event_dispatcher else None
        return [one for one in (self.connection, events) if one and one.connected]

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, with short pauses between attempts: Celery's own grow to 30 s."""
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=PAUSE,
            interval_step=PAUSE,
            interval_max=LONGEST_PAUSE,
        )
        return super().ensure_connected(conn)


def _answers(connection: Any) -> bool:
    bound_open_broker_sockets(connection, ANSWER)
    try:
        connection.channel().close()
    except Exception:
        return False
    return True

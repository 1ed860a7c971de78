"""A connection of the stream: what it has been sent, and what is being written to it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from apps.inbox.selectors import Counts
from apps.inbox.stream.events_of_inboxes import Asked
from apps.inbox.stream.statements import WHOLE

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Connection:
    """An open response of server-sent events.

    - ``user_id``: the person.
    - ``since``: the version up to which it has been sent all, ``None`` for "from now on".
    - ``item_id``: the item up to which it has been sent that version itself.
    - ``counts``: those that it was sent last, ``None`` before it was sent anything.
    - ``expires_at``: when its token does, in seconds of ``time.monotonic``.
    - ``uncounted``: changes were sent since the counts were.
    - ``skipped``: something was left out because the client had not taken what was before it.
    - ``opened``: done once its person's inbox was read, and the response has begun.
    - ``freed``: called with the person where the client has taken all, and something was left out.

    ``abort`` closes the socket at once. Writing takes a task for as long as the client's socket is
    full, and none while nothing happens.
    """

    __slots__ = (
        "_abort",
        "_pending",
        "_send",
        "_start",
        "_task",
        "counts",
        "expires_at",
        "finished",
        "freed",
        "item_id",
        "opened",
        "since",
        "skipped",
        "uncounted",
        "user_id",
        "writing_since",
        "written_at",
    )

    def __init__(
        self,
        user_id: str,
        *,
        since: int | None,
        expires_at: float,
        start: dict[str, Any],
        send: Send,
        abort: Callable[[], None],
    ) -> None:
        self.user_id = user_id
        self.since = since
        self.item_id = WHOLE
        self.expires_at = expires_at
        self.counts: Counts | None = None
        self.uncounted = False
        self.skipped = False
        self.freed: Callable[[str], None] | None = None
        self.finished = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.written_at = self.writing_since = time.monotonic()
        self._start: dict[str, Any] | None = start
        self._send = send
        self._abort = abort
        self._pending: list[bytes] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """True if the client has not taken what was written last."""
        return self._task is not None

    def write(self, data: bytes) -> None:
        """Write events, after those that are being written."""
        if self.finished:
            return
        self._pending.append(data)
        if self._task is None:
            self.writing_since = time.monotonic()
            self._task = asyncio.get_running_loop().create_task(self._flush())

    def finish(self, data: bytes) -> None:
        """Write the last events, and end the response."""
        self.write(data)
        self.finished = True

    @property
    def asked(self) -> Asked | None:
        """The read that it needs, ``None`` where it only wants changes from now on."""
        if self.since is None:
            return None
        return Asked(self.since, self.item_id, self.counts is not None)

    def abort(self) -> None:
        """Let go of a client that does not read; its request ends as if it had left."""
        self.leave()
        self._abort()

    def leave(self) -> None:
        """Write nothing more."""
        self.finished = True
        if self._task is not None:
            self._task.cancel()

    async def _flush(self) -> None:
        try:
            if self._start is not None:
                start, self._start = self._start, None
                await self._send(start)
            while self._pending:
                data, self._pending = b"".join(self._pending), []
                more = not self.finished
                await self._send({"type": "http.response.body", "body": data, "more_body": more})
                self.written_at = time.monotonic()
        except OSError:  # the client has left, which the request's own task notices
            self.finished = True
        finally:
            self._task = None
            if self.skipped and self.freed is not None and not self.finished:
                self.skipped = False
                self.freed(self.user_id)

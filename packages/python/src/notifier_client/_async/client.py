"""The client: a method for each operation of the API."""

from typing import Self

from notifier_client._async.accounts import AsyncAccounts
from notifier_client._async.categories import AsyncCategories
from notifier_client._async.dead_letters import AsyncDeadLetters
from notifier_client._async.groups import AsyncGroups
from notifier_client._async.publishing import AsyncPublishing
from notifier_client._async.recipients import AsyncRecipients
from notifier_client._async.schedules import AsyncSchedules
from notifier_client._async.templates import AsyncTemplates
from notifier_client._async.topics import AsyncTopics
from notifier_client._async.transport import AsyncTransport


class AsyncNotifierClient(
    AsyncPublishing,
    AsyncSchedules,
    AsyncCategories,
    AsyncTopics,
    AsyncRecipients,
    AsyncGroups,
    AsyncTemplates,
    AsyncDeadLetters,
    AsyncAccounts,
):
    """A client of the API at ``base_url`` (without ``/v1``).

    ``api_key``: a key, or a JWT of your identity provider. ``timeout``: seconds for one request,
    from connecting to the last byte of the answer.

    Requests that are safe to repeat are repeated on connection errors, 429, 502, 503 and 504, with
    growing, jittered waits, for at most ``retry_for`` seconds. Publishing is always safe, since it
    carries an Idempotency-Key. Other errors are raised at once, as a ``NotifierError``.

    So a call, repetitions included, is over after ``retry_for`` seconds, or after ``timeout`` where
    that is longer. Methods that make several calls have that for each: lists that are iterated,
    bulk methods, ``redrive_all``.
    """

    def __init__(
        self, base_url: str, api_key: str, *, timeout: float = 15.0, retry_for: float = 30.0
    ) -> None:
        self._http = AsyncTransport(base_url, api_key, timeout=timeout, retry_for=retry_for)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

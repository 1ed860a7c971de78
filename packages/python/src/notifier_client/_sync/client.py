# Generated from _async by `python packages/python/unasync.py`: edit that.
"""The client: a method for each operation of the API."""

from typing import Self

from notifier_client._sync.accounts import Accounts
from notifier_client._sync.categories import Categories
from notifier_client._sync.dead_letters import DeadLetters
from notifier_client._sync.groups import Groups
from notifier_client._sync.publishing import Publishing
from notifier_client._sync.recipients import Recipients
from notifier_client._sync.schedules import Schedules
from notifier_client._sync.templates import Templates
from notifier_client._sync.topics import Topics
from notifier_client._sync.transport import Transport


class NotifierClient(
    Publishing,
    Schedules,
    Categories,
    Topics,
    Recipients,
    Groups,
    Templates,
    DeadLetters,
    Accounts,
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
        self._http = Transport(base_url, api_key, timeout=timeout, retry_for=retry_for)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

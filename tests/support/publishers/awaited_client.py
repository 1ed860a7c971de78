"""The asynchronous client, used as if it were the synchronous one, so that a test tries both."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self

from notifier_client import AsyncInboxClient, AsyncNotifierClient


class Awaiting:
    """Each method of the asynchronous client, awaited on a loop of its own."""

    client: type[Any] = AsyncNotifierClient

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = self.client(*arguments, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._client)

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            found = method(*arguments, **options)
            if isinstance(found, AsyncIterator):
                return self._runner.run(_all(found))
            return self._runner.run(found)

        return call


class AwaitingInbox(Awaiting):
    """The same of the inbox's client."""

    client = AsyncInboxClient


async def _all(rows: AsyncIterator[Any]) -> Any:
    return iter([row async for row in rows])

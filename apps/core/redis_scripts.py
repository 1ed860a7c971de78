"""Lua scripts that run in Redis, so that a decision over shared values is one round trip."""

from collections.abc import Iterable, Sequence
from typing import Any

import redis
from redis.commands.core import Script
from redis.typing import EncodableT

from apps.core.cache import ask_redis


class RedisScript:
    """A Lua script; calling it runs it by its hash, and loads it where Redis does not know it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._script: Script | None = None

    def __call__(self, keys: Sequence[str], arguments: Iterable[EncodableT]) -> Any:
        """Return the script's answer, ``None`` while Redis is away."""
        return ask_redis(lambda client: self._registered(client)(keys, arguments, client))

    def _registered(self, client: redis.Redis) -> Script:
        if self._script is None:
            self._script = client.register_script(self._text)
        return self._script

"""The one place where settings become objects of the core."""

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from django.conf import settings

from apps.delivery.flow import host_breakers
from apps.delivery.sending.cancellation import CancellationWatcher
from apps.delivery.sending.event_loop import Engine
from apps.inbox import services as inbox
from notifier import providers
from notifier.dispatch.dispatcher import Dispatcher
from notifier.domain.backoff import RetryPolicy
from notifier.providers import Route
from notifier.providers.base import Provider

log = logging.getLogger(__name__)
_lock = threading.Lock()


def engine() -> Engine:
    """This process's engine, started on first use."""
    with _lock:  # two threads must not build two
        return _engine()


def routes() -> Sequence[Route]:
    """The providers in the order in which a channel tries them."""
    with _lock:
        return _routes()


def built_providers() -> list[Provider]:
    """Those that this process has built."""
    return [route.provider() for route in routes() if route.built]


def cancellation_watcher() -> CancellationWatcher:
    """This process's cancellation_watcher, started on first use."""
    with _lock:
        return _cancellation_watcher()


def release() -> None:
    """Give back what this process holds and has not begun to send, if it sends anything."""
    if (
        _cancellation_watcher.cache_info().currsize
    ):  # without the lock: this may run in a signal's handler
        _cancellation_watcher().release()


def close() -> None:
    """Close this process's engine if it was started."""
    with _lock:
        if _engine.cache_info().currsize:
            _engine().close()
            _engine.cache_clear()
            _routes.cache_clear()


def warm(channels: Collection[str]) -> None:
    """Start the engine and build these channels' providers, before the first message asks.

    Importing a provider's library takes up to a second, which a one-time password has not.
    """
    engine().call(lambda: _build(channels))


@cache
def _engine() -> Engine:
    return Engine(lambda: Dispatcher(_routes()))


@cache
def _routes() -> list[Route]:
    return providers.routes(settings.PROVIDERS, _own())


def _build(channels: Collection[str]) -> None:
    for route in _routes():
        if route.channel in channels:
            try:
                route.provider()
            except Exception:  # its messages will say so too; the others can be sent
                log.exception("provider %s cannot be built", route.name)


@cache
def _cancellation_watcher() -> CancellationWatcher:
    cancellation_watcher = CancellationWatcher()
    cancellation_watcher.start()
    return cancellation_watcher


def _own() -> Mapping[str, Mapping]:
    """Options that are objects, by provider: the inbox's store is our own table."""
    return {"inbox": {"store": inbox.store}, "webhook": {"hosts": host_breakers.breakers()}}


def retry_policy(channel: str, own: Mapping[str, Any] | None) -> RetryPolicy:
    """A topic's or subscription's own policy as its row keeps it, else the channel's."""
    if own is not None:
        return RetryPolicy.repeating(own["schedule"], own.get("attempts"))
    return RetryPolicy(settings.RETRY_SCHEDULES[channel])


def resend_unknown(channel: str, priority: str) -> bool:
    """Whether a call without an answer is made again."""
    return f"{channel}.{priority}" in settings.RESEND_UNKNOWN

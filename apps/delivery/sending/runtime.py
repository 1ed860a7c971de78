"""Runtime: the providers, event loop and watcher of this process, built from the settings."""

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from functools import cache, partial

from django.conf import settings

from apps.core.processes import progress
from apps.delivery.flow import host_breakers
from apps.delivery.sending.cancellation import CancellationWatcher
from apps.inbox import services as inbox
from notifier import providers
from notifier.dispatch.dispatcher import Dispatcher, ProviderEventLoop
from notifier.domain.backoff import RetryPolicy
from notifier.providers import Route
from notifier.providers.base import Provider

log = logging.getLogger(__name__)
_lock = threading.Lock()
#: The event loop's name among what comes round (``apps.core.processes.progress``).
LOOP = "event-loop"


def event_loop() -> ProviderEventLoop:
    """Return this process's event loop for providers, started on first use."""
    with _lock:  # two threads must not build two
        return _event_loop()


def ask_event_loop() -> None:
    """Have the event loop come round, if it was started: until it does, it is in a turn."""
    with _lock:
        if _event_loop.cache_info().currsize and not progress.is_in_turn(LOOP):
            progress.turn(of=LOOP)
            _event_loop().soon(partial(progress.rest, of=LOOP))


def routes() -> Sequence[Route]:
    """Return the providers in the order in which a channel tries them."""
    with _lock:
        return _routes()


def built_providers() -> list[Provider]:
    """Return the providers that this process has built."""
    return [route.provider() for route in routes() if route.built]


def cancellation_watcher() -> CancellationWatcher:
    """Return this process's cancellation watcher, started on first use."""
    with _lock:
        return _cancellation_watcher()


def release() -> None:
    """Return what this process holds and is not sending yet, if it sends anything."""
    if (
        _cancellation_watcher.cache_info().currsize
    ):  # without the lock: this may run in a signal's handler
        _cancellation_watcher().release()


def close() -> None:
    """Close this process's event loop if it was started."""
    with _lock:
        if _event_loop.cache_info().currsize:
            _event_loop().close()
            _event_loop.cache_clear()
            _routes.cache_clear()


def warm(channels: Collection[str]) -> None:
    """Start the event loop and build these channels' providers before the first message.

    Importing a provider's library takes up to a second, too long for a one-time password.
    """
    event_loop().call(lambda: _build(channels))


@cache
def _event_loop() -> ProviderEventLoop:
    return ProviderEventLoop(lambda: Dispatcher(_routes()))


@cache
def _routes() -> list[Route]:
    return providers.routes(settings.PROVIDERS, _own())


def _build(channels: Collection[str]) -> None:
    for route in _routes():
        if route.channel in channels:
            try:
                route.provider()
            except Exception:  # its messages will fail with this, too; others can be sent
                log.exception("provider %s cannot be built", route.name)


@cache
def _cancellation_watcher() -> CancellationWatcher:
    cancellation_watcher = CancellationWatcher()
    cancellation_watcher.start()
    return cancellation_watcher


def _own() -> Mapping[str, Mapping[str, object]]:
    """Return options that are objects, by provider: the inbox's store is our own table."""
    return {"inbox": {"store": inbox.store}, "webhook": {"hosts": host_breakers.breakers()}}


def retry_policy(channel: str) -> RetryPolicy:
    """Return the channel's policy, for topics and subscriptions without one of their own."""
    return RetryPolicy(settings.RETRY_SCHEDULES[channel])


def resend_unknown(channel: str, priority: str) -> bool:
    """Return whether a call that got no answer is made again."""
    return f"{channel}.{priority}" in settings.RESEND_UNKNOWN

"""Prometheus metrics. Processes of a machine add up their files in ``PROMETHEUS_MULTIPROC_DIR``."""

import threading
from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from apps.delivery.flow import breakers, host_breakers
from apps.delivery.intake import load_shedding
from apps.delivery.monitoring import broker
from apps.delivery.monitoring.dead_letters import DeadLetters
from apps.delivery.outbox.backlog import MOST, backlog
from apps.delivery.outbox.queues import FAN_OUT, Queue
from apps.delivery.state import Result
from notifier.dispatch.dispatcher import Sent
from notifier.domain import queues
from notifier.domain.priorities import Priority
from notifier.providers.base import Provider

# prometheus_client has no type hints here; its collector does not derive from ``Collector``.
_multiprocess_collector = cast(Callable[[CollectorRegistry], Collector], MultiProcessCollector)
_mark_process_dead = cast(Callable[[int, str], None], mark_process_dead)

_BREAKER_STATES = ("closed", "half_open", "open", breakers.PAUSED)
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

ATTEMPTS = Counter(
    "notifier_attempts_total",
    "Calls to providers by the state and reason that the delivery got.",
    ["channel", "priority", "provider", "state", "reason"],
)
RECEIPTS = Counter(
    "notifier_receipts_total",
    "Receipts from providers: taken, or refused for their signature.",
    ["provider", "outcome"],
)
RECEIPT_EVENTS_IGNORED = Counter(
    "notifier_receipt_events_ignored_total",
    "Events of signed receipts that were ignored, by the reason.",
    ["provider", "why"],
)
REPLIES = Counter(
    "notifier_replies_total",
    "Text messages to our senders: stop, start, help, other, and those that changed nothing: "
    "refused for their signature, invalid, ignored (from no phone), repeated.",
    ["provider", "kind"],
)
PROVIDER_SECONDS = Histogram(
    "notifier_provider_seconds",
    "Seconds that one call to a provider took.",
    ["provider", "outcome"],
    buckets=_SECONDS,
)
CALLS = Gauge(
    "notifier_provider_calls",
    "Calls in flight to a provider when a claim was last sent.",
    ["provider"],
    multiprocess_mode="livesum",
)
CALLS_LIMIT = Gauge(
    "notifier_provider_calls_limit",
    "Limit of calls in flight; lower while the provider is slow, failing or shared.",
    ["provider"],
    multiprocess_mode="livesum",
)
_load_lock = threading.Lock()
GIVEN_UP = Counter(
    "notifier_addresses_given_up_total",
    "Contacts disabled because of a provider's answer.",
    ["provider", "reason"],
)
ACCEPT_TO_PROVIDER = Histogram(
    "notifier_accept_to_provider_seconds",
    "Seconds from acceptance or send time to the first call to a provider.",
    ["channel", "priority"],
    buckets=_SECONDS,
)


def observe(
    queue: Queue,
    batch: Sequence[Sent],
    results: Sequence[Result],
    posted_at: Mapping[str, float],
) -> None:
    """Count a batch of recorded attempts.

    ``batch`` and ``results`` correspond to each other. ``posted_at``: time of acceptance or send
    time, in epoch seconds, by notification.
    """
    states = Tally((r.provider, r.state, r.reason) for r in results if r.outcome)
    for (provider, state, reason), number in states.items():
        ATTEMPTS.labels(*queue, provider, state, reason).inc(number)
    lost = Tally((r.provider, r.reason) for r in results if r.disable_contact)
    for (provider, reason), number in lost.items():
        GIVEN_UP.labels(provider, reason).inc(number)
    lasted = defaultdict(list)
    waited = []
    for sent, result in zip(batch, results, strict=True):
        if not result.outcome:
            continue
        lasted[sent.provider, result.outcome].append(sent.duration)
        if result.attempt == 1 and (since := posted_at.get(result.notification_id)) is not None:
            waited.append(max(0.0, sent.started_at - since))
    for labels, seconds in lasted.items():
        _observe(PROVIDER_SECONDS.labels(*labels), seconds)
    _observe(ACCEPT_TO_PROVIDER.labels(*queue), waited)


def observe_load(providers: Iterable[Provider]) -> None:
    """Set the gauges of calls under way and of their limit for each provider."""
    with _load_lock:  # of two threads, the one that reads last must also write last
        for provider in providers:
            CALLS.labels(provider.name).set(provider.under_way)
            CALLS_LIMIT.labels(provider.name).set(provider.limit)


def _observe(histogram: Histogram, seconds: Sequence[float]) -> None:
    """Observe many values at once: one by one costs more than the rest of recording."""
    histogram._sum.inc(sum(seconds))
    for bucket, number in Tally(
        bisect_left(histogram._upper_bounds, one) for one in seconds
    ).items():
        histogram._buckets[bucket].inc(number)


def of_processes() -> bytes:
    """Render what the processes of this machine count, in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_ProcessMetrics())
    return generate_latest(registry)


def exposition() -> bytes:
    """Render all metrics in Prometheus's text format. Queues and backlogs are read now."""
    registry = CollectorRegistry()
    registry.register(_ProcessMetrics())
    registry.register(_Backlog())
    registry.register(DeadLetters())
    registry.register(_Breakers())
    registry.register(_Overload())
    registry.register(_Broker())
    for name in settings.METRICS_COLLECTORS:
        registry.register(import_string(name)())
    return generate_latest(registry)


class _ProcessMetrics(Collector):
    """Metrics of this service's processes. Flower shares the directory and has its own endpoint."""

    def __init__(self) -> None:
        self._all = _multiprocess_collector(CollectorRegistry())

    def collect(self) -> Iterator[Metric]:
        _remove_dead_processes()
        return (metric for metric in self._all.collect() if metric.name.startswith("notifier_"))


def _remove_dead_processes() -> None:
    """Remove the live gauges of processes of this machine that have ended, killed or not."""
    for file in Path(settings.METRICS_DIR).glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not Path("/proc", str(pid)).exists() and Path("/proc/self").exists():
            _mark_process_dead(pid, settings.METRICS_DIR)


class _Backlog(Collector):
    """Backlogs. Each channel and priority has a sample, so that 0 differs from no data."""

    def collect(self) -> Iterator[Metric]:
        labels = ["channel", "priority"]
        number = GaugeMetricFamily(
            "notifier_waiting_deliveries",
            f"Deliveries due and not yet sent, up to {MOST}; a chunk not yet cut counts as one.",
            labels=labels,
        )
        age = GaugeMetricFamily(
            "notifier_oldest_waiting_seconds",
            "Seconds for which the oldest of them has been due.",
            labels=labels,
        )
        waiting = {(one.channel, one.priority): (one.waiting, one.seconds) for one in backlog()}
        for channel in ("", *settings.CHANNELS):
            for priority in Priority:
                deliveries, seconds = waiting.get((channel, priority), (0, 0.0))
                number.add_metric([channel or "fanout", priority], deliveries)
                age.add_metric([channel or "fanout", priority], seconds)
        yield number
        yield age


class _Breakers(Collector):
    """States of the providers' breakers, and hosts of webhooks whose breaker is open."""

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "notifier_breaker_state",
            "0 closed, 1 half open, 2 open, 3 paused by an operator.",
            labels=["provider"],
        )
        guarded = GaugeMetricFamily(
            "notifier_addresses_doubted",
            "1 while a provider reports too many dead addresses to be believed.",
            labels=["provider"],
        )
        for breaker in breakers.breakers():
            gauge.add_metric([breaker.name], _BREAKER_STATES.index(breaker.state))
            guarded.add_metric([breaker.name], breaker.guarded)
        alone = GaugeMetricFamily(
            "notifier_hosts_left_alone",
            "Hosts of webhooks whose breaker is not closed, counted once for each publisher.",
        )
        alone.add_metric([], len(host_breakers.left_alone()))
        yield gauge
        yield guarded
        yield alone


class _Overload(Collector):
    """Load shedding, as this process measures it."""

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "notifier_overload",
            "1 while notifications of this priority for this channel alone are refused with 503; "
            "fanout: those for topics and groups.",
            labels=["channel", "priority"],
        )
        refused = load_shedding.refused(timeout=load_shedding.FRESH_SECONDS)
        for channel in (FAN_OUT, *settings.CHANNELS):
            for priority in load_shedding.REFUSABLE:
                full = Queue(channel, priority.value) in refused
                gauge.add_metric([channel or "fanout", priority], full)
        yield gauge


class _Broker(Collector):
    """The broker and its queues. A queue that does not exist yet is empty."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("notifier_broker_up", "1 when the broker answers.")
        depth = GaugeMetricFamily(
            "notifier_queue_depth", "Messages ready in a broker queue.", labels=["queue"]
        )
        names = queues.names(settings.CHANNELS)
        try:
            depths = broker.depths(names)
        except broker.Down:
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
            for name in names:
                depth.add_metric([name], depths.get(name, 0))
        yield up
        yield depth

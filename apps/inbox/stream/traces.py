"""Spans of new items that were written to open pages."""

from apps.core import clock, tracing
from apps.core.tracing import Kind
from apps.inbox.stream.events import Sampled


class SentTraces:
    """The items of sampled notifications that were written after one read."""

    def __init__(self) -> None:
        self._versions: dict[Sampled, list[int]] = {}

    def add(self, sampled: Sampled, version: int) -> None:
        """Note that an item was written to a connection, and the version of its inbox."""
        self._versions.setdefault(sampled, []).append(version)

    def record(self) -> None:
        """Record a span for each notification, from the first inbox that had it until now."""
        if tracing.tracer is None:
            return
        now = tracing.now()
        for one in tracing.first(self._versions):
            versions = self._versions[one]
            since = clock.to_local(min(versions) / 1_000_000)
            about: dict[str, str | int] = {
                "notifier.notification.id": str(one.id),
                "notifier.channel": "inbox",
            }
            if len(versions) > 1:
                about["messaging.batch.message_count"] = len(versions)
            begun = tracing.within(one.place)
            tracing.tracer.record("stream", begun, since, now, about, kind=Kind.PRODUCER)

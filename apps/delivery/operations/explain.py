"""Explain in sentences why a recipient got a notification or did not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Q
from django.utils.formats import date_format

from apps.delivery.fanout.local_time import LocalTimes
from apps.delivery.flow import availability
from apps.delivery.intake.drafts import SKIP
from apps.delivery.models import (
    Chunk,
    ChunkKind,
    Delivery,
    Notification,
    NotificationKind,
)
from apps.delivery.operations import descriptions, digest_members
from apps.delivery.operations.evidence import Sentence, at
from apps.delivery.operations.reasons import category_of
from apps.delivery.operations.step_evidence import StepEvidence
from apps.delivery.state.steps.plan import Step
from apps.preferences.categories import catalogue
from apps.preferences.consent import opt_outs
from apps.preferences.models import (
    Contact,
    ContactState,
    Preference,
    Recipient,
    Suppression,
)
from apps.preferences.quiet_hours import schedules
from apps.topics.models import SubscriptionState
from apps.topics.selectors import names_of_topics
from notifier.domain.categories import CategoryKind
from notifier.domain.states import WAITING, DeliveryState

VERDICTS = YES, PERHAPS, NOT_YET, NO = "yes", "perhaps", "not_yet", "no"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one recipient, or bare endpoint, and one notification.

    ``verdict``: one of ``VERDICTS``; ``headline`` is its sentence.
    ``sentences``: about the notification. ``channels``: about each channel that it was posted for,
    or on which the recipient has a contact.
    """

    verdict: str
    headline: str
    sentences: list[Sentence]
    channels: dict[str, list[Sentence]]


def explain(whom: Recipient | Contact, notification: Notification) -> Explanation:
    """Explain whether and why a recipient or bare endpoint got it, on each channel."""
    explainer = _Explainer(whom, notification)
    channels = [name for name in (*notification.channels, notification.fallback_channel) if name]
    if isinstance(whom, Contact):  # a bare endpoint is on one channel
        channels = [whom.channel]
    chosen = {name: list(explainer.channel_sentences(name)) for name in channels}
    for step in explainer.steps:
        found = chosen.setdefault(step.channel, [])
        if step.channel not in channels:
            found += explainer.delivery_sentences(step)
        found += explainer.absence_sentences(step)
    not_requested = {
        channel: [Sentence(f"{channel} is not among the channels it was posted for.")]
        for channel in sorted({contact.channel for contact in explainer.contacts.values()})
        if channel not in chosen
    }
    return Explanation(
        *explainer.verdict(), list(explainer.notification_sentences()), chosen | not_requested
    )


class _Explainer(StepEvidence):
    """Sentences about one recipient, or bare endpoint, and one notification."""

    # -- The notification itself --------------------------------------------------------------

    def notification_sentences(self) -> Iterator[Sentence]:
        """Describe the notification."""
        row = self.notification
        yield Sentence(
            f"{row.publisher} posted it {at(row.created_at)} to {self._audience()}, "
            f"at {row.priority} priority, on {_and(row.channels)}."
        )
        yield from self.replay_sentences()
        if row.kind == NotificationKind.PUBLISHED and (name := category_of(row)):
            yield Sentence(_category(name, row.category_kind))
        if row.fallback_channel:
            yield Sentence(
                f"Recipients whom none of these reached within {row.fallback_after} seconds get it "
                f"on {row.fallback_channel}."
            )
        yield from self.step_sentences()
        if row.kind == NotificationKind.CONFIRMATION:
            yield Sentence("It asks the owner of an address to confirm a subscription.")
        if row.send_at_local:
            rest = "is not sent to" if row.local_time_passed == SKIP else "was sent at once to"
            yield Sentence(
                f"Each recipient gets it at {row.send_at_local.replace('T', ' ')} in their time "
                f"zone; it {rest} those for whom that had passed.",
                "scheduled",
            )
        elif row.send_at is not None and row.is_scheduled():
            verb = "is" if row.send_at > self.now and not row.cancelled_at else "was"
            yield Sentence(f"It {verb} to be sent {at(row.send_at)}, not before.", "scheduled")
        if row.cancelled_at:
            yield Sentence(f"It was cancelled {at(row.cancelled_at)}.", "cancelled")
        if row.expires_at:
            verb = "expires" if row.expires_at > self.now else "expired"
            if not row.cancelled_at or row.expires_at <= self.now:
                yield Sentence(f"It {verb} {at(row.expires_at)}.")
        if row.topic and row.topic.paused_at and not self._end():
            yield Sentence(
                f"The topic {row.topic} was paused {at(row.topic.paused_at)}: "
                "what was not sent by then is held back.",
                "paused",
            )
        if any(chunk.kind == ChunkKind.WHOLE for chunk in self.open_chunks) and not self._end():
            yield Sentence("Its audience is still being cut into chunks.", "sending")

    def _end(self) -> str:
        """Return why nothing of it is sent any more, whatever its rows say; empty if it may be."""
        if self.notification.cancelled_at:
            return f"the notification was cancelled {at(self.notification.cancelled_at)}"
        if self.notification.expires_at and self.notification.expires_at <= self.now:
            return f"the notification expired {at(self.notification.expires_at)}"
        return ""

    def _audience(self) -> str:
        if self.notification.topic:
            return f"the topic {self.notification.topic}"
        if self.notification.group_id:
            return f"the group {self.group}" if self.group else "a group that is gone"
        return "named recipients"

    # -- One channel --------------------------------------------------------------------------

    def channel_sentences(self, channel: str) -> Iterator[Sentence]:
        """Describe the deliveries on a channel, or why there is none."""
        made = [delivery for delivery in self.deliveries if delivery.channel == channel]
        for delivery in made:
            yield from self._delivery_sentences(delivery)
        if not made:
            yield self._absence_sentence(channel)

    def delivery_sentences(self, step: Step) -> Iterator[Sentence]:
        """Describe the deliveries of a step."""
        for delivery in self.deliveries:
            if delivery.step == step.number:
                yield from self._delivery_sentences(delivery)

    def _delivery_sentences(self, delivery: Delivery) -> Iterator[Sentence]:
        contact = self.contacts.get(delivery.contact_id or 0)
        place = f"to {contact.masked}" if contact else "to no address"
        if delivery.instead_of:
            place = "to another address, in place of the one that was given up"
        words = self.reasons.get(delivery.pk, "")
        state = descriptions.describe(delivery.state, delivery.reason, delivery.attempts, words)
        yield Sentence(f"The delivery {place} {state}.", delivery.state)
        if delivery.state in WAITING and (over := self._end()):
            yield Sentence(
                f"It may still arrive, but is not tried again: {over}."
                if delivery.state == DeliveryState.SENDING
                else f"It is not sent any more: {over}.",
                "cancelled",
            )
        if delivery.state == DeliveryState.DEAD:
            instead = any(other.instead_of == delivery.pk for other in self.deliveries)
            yield Sentence(
                "Another one is sent in its place." if instead else self.dead_end,
                "dead",
            )
        if delivery.state == DeliveryState.SUPPRESSED:
            yield from self._refusal_sentences(delivery, contact)
        due = self.due[delivery.pk]
        if delivery.told_in:
            closes = at(due) if due else ""
            yield Sentence(digest_members.in_words(delivery, due, closes), delivery.state)
        if delivery.next_attempt_at and not self._end():
            verb = "is" if delivery.next_attempt_at > self.now else "was"
            nth = "next" if delivery.attempts else "first"
            yield Sentence(
                f"Its {nth} attempt {verb} due {at(delivery.next_attempt_at)}.", "retrying"
            )
            if delivery.reason == "quiet_hours":
                zone = schedules.zone_of(self.time_zone)
                there = date_format(delivery.next_attempt_at.astimezone(zone), "l, H:i")
                yield Sentence(f"Where they are ({zone.key}) that is on {there}.")
        if delivery.state in WAITING and delivery.provider in self.paused:
            since = at(self.paused[delivery.provider])
            yield Sentence(f"An operator paused {delivery.provider} {since}.", "paused")
        for attempt in self.attempts.get(delivery.pk, ()):
            status = f", status {attempt.status}" if attempt.status else ""
            detail = f": “{attempt.detail}”" if attempt.detail else ""
            yield Sentence(
                f"Attempt {attempt.number} {at(attempt.started_at)} through {attempt.provider}: "
                f"{attempt.outcome}{descriptions.because(attempt.reason)}{status}{detail}.",
                attempt.outcome,
            )
        for receipt in self.receipts.get(delivery.pk, ()):
            detail = f": “{receipt.detail}”" if receipt.detail else ""
            reason = descriptions.because(receipt.reason)
            yield Sentence(
                f"{receipt.provider} reported {at(receipt.at)}: {receipt.event}{reason}{detail}.",
                receipt.event,
            )

    def _refusal_sentences(self, delivery: Delivery, contact: Contact | None) -> Iterator[Sentence]:
        """Yield the current rows that explain why a delivery was suppressed."""
        if delivery.reason == "preference":
            refusing = list(_refusing(self.recipient_id, delivery, self.notification))
            topics = names_of_topics(preference.topic_id for preference in refusing)
            for preference in refusing:
                scope = _scope(preference, topics)
                yield Sentence(f"They refuse {scope} (set {at(preference.updated_at)}).")
        elif delivery.reason == "no_address":
            gone = [c for c in self.contacts.values() if c.channel == delivery.channel]
            for other in gone:
                if other.state == ContactState.ACTIVE:
                    yield Sentence(f"{other.masked} is active now, and was not then.")
                    continue
                state = f"is {other.state}{descriptions.because(other.disabled_reason)}"
                yield Sentence(f"{other.masked} {state}, {at(other.updated_at)}.")
        elif contact is not None:
            for row in _suppressing(contact):
                why = descriptions.because(row.reason)
                yield Sentence(f"{row.masked} was suppressed {at(row.created_at)}{why}.")
            for stopped in opt_outs.of_address(contact.channel, bytes(contact.address_index)):
                undone = f", and undid that {at(stopped.resumed_at)}" if stopped.resumed_at else ""
                when = at(stopped.opted_out_at)
                yield Sentence(f"{stopped.masked} wrote STOP to {stopped.sender} {when}{undone}.")

    def _absence_sentence(self, channel: str) -> Sentence:
        """Explain why there is no delivery on a channel that it was posted for."""
        fallback = channel == self.notification.fallback_channel
        outside = self._exclusion(channel)
        if outside and not (fallback and self.notification.topic_id is None and self.deliveries):
            return Sentence(outside)
        if self.notification.cancelled_at:
            return Sentence("It was cancelled before it was sent to them.", "cancelled")
        if self._end() and self.open_chunks:
            return Sentence("It expired before it was sent to them.", "expired")
        if fallback and (chunk := self._fallback_to_come()):
            return Sentence(
                f"It is due {at(chunk.ready_at)}, unless another channel reaches them before.",
                "queued",
            )
        if fallback and self.deliveries:
            return self.fallback_sentence()
        if self.notification.topic and self.notification.topic.paused_at and self.open_chunks:
            return Sentence("It is sent to them when the topic is resumed.", "paused")
        if self.open_chunks and not availability.available([channel]):
            return Sentence(f"No provider is set up for {channel}: it waits for one.", "paused")
        if self.open_chunks and self._is_paused(channel):
            return Sentence(f"An operator paused every provider of {channel}.", "paused")
        if self.open_chunks and self.notification.send_at_local:
            due = datetime.fromtimestamp(LocalTimes(self.notification).due(self.time_zone), UTC)
            zone = schedules.zone_of(self.time_zone)
            return Sentence(f"It is due {at(due)}: that is their time in {zone.key}.", "queued")
        if self.open_chunks:
            since = min(chunk.ready_at for chunk in self.open_chunks)
            when = f"due {at(since)}" if since > self.now else f"waiting, ready {at(since)}"
            return Sentence(f"It has not been sent to them yet: it is {when}.", "queued")
        return Sentence(
            "They are in its audience now, and were not when it was cut: the subscription, the "
            "membership or the contact is newer, or was ended and renewed."
        )

    def _fallback_to_come(self) -> Chunk | None:
        name = "" if self.has_acknowledged else self.notification.fallback_channel
        return next((c for c in self.open_chunks if name and c.channel == name), None)

    def _is_paused(self, channel: str) -> bool:
        names = [name for name, one in settings.PROVIDERS.items() if one["channel"] == channel]
        return bool(names) and all(name in self.paused for name in names)

    def _exclusion(self, channel: str) -> str:
        """Return why the recipient is not in the audience on a channel; empty if they are."""
        if self.notification.topic_id is not None:
            return self._not_subscribed(channel)
        if self.notification.group_id is not None:
            if self.membership is None:
                return "They are not a member of the group."
            if self.membership.created_at > self.notification.created_at:
                return f"They joined the group {at(self.membership.created_at)}, after it."
            return ""
        named = any(
            self.recipient_id in (chunk.recipient_ids or ())
            or any(contact in self.contacts for contact in chunk.contact_ids or ())
            for chunk in self.open_chunks
        )
        if named or self.deliveries:
            return "" if named else f"It was posted to none of their addresses on {channel}."
        return "They were not among the recipients it was posted to."

    def _not_subscribed(self, channel: str) -> str:
        subscription = self.subscriptions.get(channel)
        topic = self.notification.topic
        if subscription is None:
            others = [name for name in self.subscriptions if name != channel]
            but = f", only on {_and(others)}" if others else ""
            return f"They are not subscribed to {topic} on {channel}{but}."
        if subscription.state == SubscriptionState.PENDING:
            return (
                f"They subscribed to {topic} on {channel} {at(subscription.created_at)} and have "
                "not confirmed it."
            )
        if subscription.state == SubscriptionState.UNSUBSCRIBED:
            return f"They unsubscribed from {topic} on {channel} {at(subscription.updated_at)}."
        if subscription.created_at > self.notification.created_at and not self.open_chunks:
            return (
                f"They subscribed to {topic} on {channel} {at(subscription.created_at)}, "
                "after it was posted."
            )
        return ""

    # -- The verdict --------------------------------------------------------------------------

    def verdict(self) -> tuple[str, str]:
        """Return the verdict and its headline."""
        name = self.name
        by_state: dict[str, list[str]] = defaultdict(list)
        for delivery in self.deliveries:
            by_state[delivery.state].append(delivery.channel)
        if DeliveryState.DELIVERED in by_state:
            return YES, f"Yes: {name} has it on {_and(by_state[DeliveryState.DELIVERED])}."
        if DeliveryState.ACCEPTED in by_state:
            channels = _and(by_state[DeliveryState.ACCEPTED])
            return YES, f"Yes, as far as known: the provider accepted it for {name} on {channels}."
        if DeliveryState.SENDING in by_state:
            return NOT_YET, f"Not yet: it is being sent to {name} right now."
        if DeliveryState.UNKNOWN in by_state:
            channels = _and(by_state[DeliveryState.UNKNOWN])
            return PERHAPS, f"Perhaps: it was sent to {name} on {channels}, but not answered."
        if over := self._end():
            return NO, f"No: {name} did not get it, and {over}."
        if any(state in WAITING for state in by_state):
            return NOT_YET, f"Not yet: it waits to be sent to {name}."
        meant = any(not self._exclusion(channel) for channel in self.notification.channels)
        if meant and not self.deliveries and self.open_chunks:
            return NOT_YET, f"Not yet: it has not been sent to {name}."
        if self._fallback_to_come():
            channel = self.notification.fallback_channel
            return NOT_YET, f"Not yet: {name} may still get it on {channel}."
        if later := self.steps_to_come():
            channels = _and([step.channel for step in later])
            return NOT_YET, f"Not yet: {name} may still get it on {channels}."
        return NO, f"No: {name} did not get it."


def _refusing(person: int, delivery: Delivery, notification: Notification) -> Iterable[Preference]:
    """Return the refusal that decided, if they still have it; all that may, if it is not known."""
    refusals = Preference.objects.filter(recipient=person, allowed=False)
    if delivery.refused_by is None:  # decided by the version before
        topical = Q(topic_id=None) | Q(topic_id=notification.topic_id)
        return refusals.filter(topical, Q(channel="") | Q(channel=delivery.channel))
    scope, _, channel = delivery.refused_by.partition(":")
    if scope == "topic":
        return refusals.filter(channel=channel, topic_id=notification.topic_id)
    category = category_of(notification) if scope == "category" else ""
    return refusals.filter(channel=channel, topic_id=None, category=category)


def _category(name: str, kind: str) -> str:
    category = catalogue.get(name)
    kind = kind or category.kind
    exempt = ": preferences do not apply to it" if kind == CategoryKind.CRITICAL else ""
    return f"Its category is “{category.title()}”, which is {kind}{exempt}."


def _scope(preference: Preference, topics: Mapping[int, str]) -> str:
    what = "everything"
    if preference.category:
        what = f"the category “{catalogue.get(preference.category).title()}”"
    if preference.topic_id:
        what = f"the topic {topics.get(preference.topic_id, 'that is gone')}"
    where = f" on {preference.channel}" if preference.channel else ""
    return f"{what}{where}"


def _suppressing(contact: Contact) -> Iterable[Suppression]:
    return Suppression.objects.filter(channel=contact.channel, address_index=contact.address_index)


def _and(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

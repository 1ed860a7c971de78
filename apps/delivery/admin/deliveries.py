"""Admin of deliveries: state and reason, every attempt and receipt, and redrive."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol, cast
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import OuterRef, Q, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.content.models import TemplateVersion
from apps.core.delivery_ids import number_of, public_id
from apps.delivery import selectors
from apps.delivery.admin import digests
from apps.delivery.models import (
    OF_PUBLISHERS,
    DeadLetter,
    Delivery,
    Notification,
    NotificationKind,
)
from apps.delivery.operations import dead_letters, descriptions, reasons, search
from apps.operators import markup
from apps.operators.bulk import ActsOnAll, BulkButton
from apps.operators.large_lists import ReadOnly, Search
from apps.operators.list_filters import BoundedFilter, choice, linked, usual
from apps.operators.panels import Button, Panel, Panelled
from apps.operators.people import HidesPeople, may_see_people
from apps.preferences.channels import all_channels
from apps.preferences.models import Recipient
from apps.preferences.selectors import masked_addresses, recipient_ids, user_ids_of
from notifier.domain.priorities import Priority
from notifier.domain.states import DeliveryState


class Made(Protocol):
    """A notification with what ``attach_templates`` sets: the template it was made from, if any."""

    template_version_id: int | None
    made_from: TemplateVersion | None


class Named(Protocol):
    """A delivery with what ``attach_names`` sets; empty where it is not known."""

    recipient_id: int | None
    contact_id: int | None
    user_id: str
    masked: str
    notification_made: Made | None


#: Parameters of lists of one notification or one person, which leave nothing out.
WHOLE = ("notification_id", "recipient_id")


def by_kind(field: str, left_out: str, value: Any = None) -> type[BoundedFilter]:
    """Return a filter by the kind of a notification, which leaves status traffic out by default."""
    return usual(
        field,
        lambda: NotificationKind.values,
        "kind",
        shown=OF_PUBLISHERS,
        name="what publishers sent",
        left_out=left_out,
        narrowed_by=WHOLE,
        value=value,
    )


#: A subquery for each row, which no plan turns into a scan of all notifications.
_KIND = Subquery(Notification.objects.filter(pk=OuterRef("notification_id")).values("kind"))
_OF_PERSON = linked("recipient_id", "recipient", of=Recipient)


@admin.register(Delivery)
class DeliveryAdmin(HidesPeople, Panelled, ActsOnAll, ReadOnly):
    """List of deliveries, newest first.

    No index serves the filters by state and reason: it would cost every delivery too much.
    """

    list_display = (
        "public_id",
        "made",
        "person",
        "address",
        "channel",
        "template",
        "priority",
        "status",
        "why",
        "provider",
        "attempts",
    )
    list_filter = (
        linked("notification_id"),
        _OF_PERSON,
        choice("state", lambda: DeliveryState),
        choice("channel", all_channels),
        choice("provider", lambda: settings.PROVIDERS),
        choice("reason", lambda: descriptions.REASONS),
        choice("priority", lambda: Priority),
        by_kind(
            "notification__kind",
            "Deliveries of status events and confirmations are left out.",
            _KIND,
        ),
    )
    of_people = ("person", "address", _OF_PERSON)
    search_fields = ("id",)
    search_help_text = (
        "An id of a delivery or a notification; for those who may see people a recipient's "
        "user_id, or else an address: address:ada@example.com where that is somebody's user_id"
    )
    fields = (
        "public_id",
        "notification_id",
        "channel",
        "priority",
        "provider",
        "provider_message_id",
        "next_attempt_at",
        "created_at",
        "updated_at",
    )
    readonly_fields = ("public_id", "notification_id")
    bulk = BulkButton(
        "release",
        "Try now",
        ["delivery.change_delivery"],
        filtered=True,
    )

    def search(self, request: HttpRequest, term: str) -> Search:
        return _find(term.strip(), people=may_see_people(request))

    def with_page(self, rows: list[Delivery]) -> list[Delivery]:
        attach_names(rows)
        made = Notification.objects.defer("content").in_bulk({row.notification_id for row in rows})
        attach_templates(made.values())
        for row in rows:
            cast(Named, row).notification_made = cast(Made, made.get(row.notification_id))
        return rows

    @admin.display(description="delivery")
    def public_id(self, row: Delivery) -> str:
        return row.public_id

    @admin.display(description="created")
    def made(self, row: Delivery) -> SafeString | str:
        return markup.moment(row.created_at)

    @admin.display(description="recipient")
    def person(self, row: Named) -> SafeString | str:
        return _person(row)

    @admin.display(description="address")
    def address(self, row: Named) -> str:
        return row.masked

    @admin.display(description="template")
    def template(self, row: Named) -> SafeString | str:
        return template_link(row.notification_made)

    @admin.display(description="state")
    def status(self, row: Delivery) -> SafeString | str:
        return markup.badge(row.state)

    @admin.display(description="reason")
    def why(self, row: Delivery) -> str:
        return row.reason.replace("_", " ")

    def panels(self, request: HttpRequest, row: Delivery) -> Sequence[Panel]:
        seen = may_see_people(request)
        words = reasons.in_words([row]).get(row.pk, "")
        description = f"It {descriptions.describe(row.state, row.reason, row.attempts, words)}."
        links: list[str] = [
            markup.link(
                markup.page("delivery_notification_change", row.notification_id), "The notification"
            )
        ]
        if row.told_in:
            told_in = markup.page("delivery_delivery_change", row.told_in)
            links.append(markup.link(told_in, f"Told in {public_id(row.told_in)}"))
        masked = ""
        if seen:
            [named] = attach_names([row])
            masked = named.masked
            if named.user_id:
                query = {"user_id": named.user_id, "notification": row.notification_id}
                links += [_person(named), markup.link(markup.page("why", **query), "Why?")]
        status = markup.lines([markup.badge(row.state), description, masked, *links])
        told = digests.told_by(row.pk)
        return [
            Panel("State", status),
            Panel("Receipts", receipts_table([row.pk], details=seen)),
            Panel("Attempts", attempts_table([row.pk], details=seen), wide=True),
            *([Panel("Told in it", told, wide=True)] if told else []),
        ]

    def buttons(self, request: HttpRequest, row: Delivery) -> Sequence[Button]:
        if row.state != DeliveryState.DEAD or not request.user.has_perm(
            "delivery.change_deadletter"
        ):
            return ()
        # One whose notification was sent again is no dead letter any more.
        letter = DeadLetter.objects.filter(pk=row.told_in or row.pk)
        return [Button("redrive", "Redrive", "main")] if letter.exists() else ()

    def do_redrive(self, request: HttpRequest, row: Delivery) -> None:
        done = dead_letters.redrive(None, [row.public_id])
        if done.redriven:
            self.audit(request, "redrive", row)
            messages.success(request, "It is tried again now.")
        elif done.busy:
            messages.warning(request, "Something else was changing it: redrive it again.")
        elif done.gone:
            messages.error(request, "Its content is deleted: nobody can send it again.")
        else:
            messages.warning(request, "It is no dead letter any more.")


def attach_names(rows: Iterable[Delivery]) -> list[Named]:
    """Set ``user_id`` and ``masked`` on deliveries, and return them."""
    named = [cast(Named, row) for row in rows]
    user_ids = user_ids_of(row.recipient_id for row in named)
    masked = masked_addresses(row.contact_id for row in named)
    for row in named:
        row.user_id = user_ids.get(row.recipient_id, "")
        row.masked = masked.get(row.contact_id, "")
    return named


def attach_templates(rows: Iterable[Notification]) -> None:
    """Set ``made_from`` on notifications."""
    made = [cast(Made, row) for row in rows]
    ids = {row.template_version_id for row in made if row.template_version_id is not None}
    versions = TemplateVersion.objects.select_related("template").in_bulk(ids)
    for row in made:
        row.made_from = versions.get(row.template_version_id or 0)


def template_link(row: Made | None) -> SafeString | str:
    """Render the template and version that a notification was made from."""
    version = None if row is None else row.made_from
    if version is None:
        return ""
    name = f"{version.template.name} {version.number}"
    return markup.link(markup.page("content_template_change", version.template_id), name)


def attempts_table(delivery_ids: Iterable[int], *, details: bool = True) -> SafeString:
    """Render the attempts of deliveries, oldest first.

    ``details``: with what the providers said, which may name the person or the address.
    """
    found = selectors.attempts(delivery_ids)
    return markup.table(
        (
            *("", "started", "provider", "duration", "outcome", "reason", "status"),
            *(["provider's answer"] if details else []),
        ),
        (
            (
                attempt.number,
                markup.moment(attempt.started_at),
                attempt.provider,
                f"{attempt.duration_ms:,} ms",
                markup.badge(attempt.outcome),
                attempt.reason.replace("_", " "),
                attempt.status or "",
                *([attempt.detail] if details else []),
            )
            for attempts in found.values()
            for attempt in attempts
        ),
        "No provider was called.",
    )


def receipts_table(delivery_ids: Iterable[int], *, details: bool = True) -> SafeString:
    """Render the receipts of deliveries, oldest first; ``details`` as ``attempts_table``."""
    found = selectors.receipts(delivery_ids)
    return markup.table(
        ("at", "provider", "event", "reason", *(["provider's detail"] if details else [])),
        (
            (
                markup.moment(row.at),
                row.provider,
                markup.badge(row.event),
                row.reason,
                *([row.detail] if details else []),
            )
            for rows in found.values()
            for row in rows
        ),
        "No receipt has come.",
    )


def _person(row: Named) -> SafeString | str:
    if not row.user_id:
        return ""
    return markup.link(markup.page("preferences_recipient_change", row.recipient_id), row.user_id)


def _find(term: str, *, people: bool) -> Search:
    if (key := number_of(term)) is not None:
        return Search(Q(pk=key))
    with suppress(ValueError):
        return Search(Q(notification_id=UUID(term)))
    if not people:
        return Search(Q(pk__in=[]))
    if found := recipient_ids([term]):
        return Search(Q(recipient_id__in=list(found.values())))
    ids, cut = search.deliveries_at(term.removeprefix("address:"))
    return Search(Q(pk__in=ids), cut=cut)

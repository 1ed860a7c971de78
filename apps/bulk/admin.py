"""Admin of bulk actions: begin one from a list, see how far it is, abort it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from apps.bulk import running
from apps.bulk.models import ActionKind, BulkAction
from apps.core import clock
from apps.delivery.admin import deliveries, lost_addresses
from apps.delivery.models import OF_PUBLISHERS
from apps.delivery.operations import search
from apps.operators import markup
from apps.operators.large_lists import ReadOnly
from apps.operators.list_filters import ALL, choice, moment_of
from apps.operators.panels import Button, Panel, Panelled, reason_of
from apps.operators.people import may_see_people
from apps.preferences.admin.suppressions import SuppressionAdmin
from apps.publishers.models import Publisher

#: Permissions that an operator needs to begin and to abort an action.
PERMISSIONS: Mapping[str, Sequence[str]] = {
    ActionKind.REDRIVE: ("delivery.change_deadletter",),
    ActionKind.RELEASE: ("delivery.change_delivery",),
    ActionKind.CANCEL: ("delivery.change_notification", "delivery.change_deadletter"),
    ActionKind.RESTORE: lost_addresses.RESTORING,
    ActionKind.LIFT: SuppressionAdmin.bulk.permissions,
}
#: The filter of deliveries by the kind of their notifications.
_KIND = "notification__kind"
#: The filters of the lists that actions are begun from. Any other one in use refuses the action:
#: it would be done to more than the list shows.
FILTERS: Mapping[str, Sequence[str]] = {
    ActionKind.REDRIVE: ("publisher_id", "topic_id", "channel", "provider", "reason"),
    ActionKind.RELEASE: (
        "notification_id",
        "recipient_id",
        "channel",
        "provider",
        "reason",
        "priority",
        _KIND,
    ),
    ActionKind.CANCEL: ("publisher_id", "topic_id", "priority", "kind", "q"),
    ActionKind.LIFT: ("channel", "reason", "provider", "error", "publisher_id", "since", "until"),
}
#: The rows that each is done to, and what it does to them.
ROWS: Mapping[str, str] = {
    ActionKind.REDRIVE: "dead letters",
    ActionKind.RELEASE: "deliveries that wait for another attempt",
    ActionKind.CANCEL: "notifications",
    ActionKind.RESTORE: "contacts and suppressions",
    ActionKind.LIFT: "suppressions",
}
WARNINGS: Mapping[str, str] = {
    ActionKind.REDRIVE: "They are tried again now.",
    ActionKind.RELEASE: "They are tried now.",
    ActionKind.CANCEL: "What has not been sent of them will not be sent; digests are none of them. "
    "This cannot be undone.",
    ActionKind.RESTORE: "They are sent to again.",
    ActionKind.LIFT: "They are sent to again. Opt-outs and complaints are none of them.",
}
#: Questions that an operator has to answer first, by action.
ASKS: Mapping[str, str] = {ActionKind.LIFT: "Why may they be sent to again?"}
#: The age at which what was counted is to be counted anew.
LONGEST_ASKED = timedelta(hours=1)
#: Actions that need a filter: none of them is done to everything.
_NEVER_ALL = (ActionKind.CANCEL, ActionKind.LIFT)
_SALT = "bulk.confirmation"
#: Filters that say what an action does anyway.
_IMPLIED = (
    (ActionKind.RELEASE, "state", "retrying"),
    (ActionKind.CANCEL, "cancelled_at__isnull", "yes"),
)
#: The pages that actions are begun from.
_LISTS: Mapping[str, str] = {
    ActionKind.REDRIVE: "delivery_deadletter_changelist",
    ActionKind.RELEASE: "delivery_delivery_changelist",
    ActionKind.CANCEL: "delivery_notification_changelist",
    ActionKind.RESTORE: "lost_addresses",
    ActionKind.LIFT: "preferences_suppression_changelist",
}
#: Parameters of a list that are no filters.
_PLACES = ("before", "after", "p", "o")
_TIMES = ("since", "until")
#: Fields that are written, which a form also sends empty.
_WRITTEN = ("error", *_TIMES)
_NUMBERS = ("publisher_id", "topic_id", "recipient_id")


@admin.register(BulkAction)
class BulkActionAdmin(Panelled, ReadOnly):
    """Bulk actions, newest first, with their progress."""

    list_display = ("requested", "action", "what", "publisher", "asked_by", "status", "progress")
    list_filter = (choice("action", lambda: ActionKind.values),)
    fields = ("id", "action", "asked_by", "requested_at")
    moment = "requested_at"

    def find(self, term: str) -> Q:
        return Q(pk=term)

    def with_page(self, rows: list[BulkAction]) -> list[BulkAction]:
        names = dict(
            Publisher.objects.filter(pk__in={row.publisher_id for row in rows}).values_list(
                "pk", "name"
            )
        )
        for row in rows:
            row.publisher_name = names.get(row.publisher_id or 0, "everybody's")  # type: ignore[attr-defined]
        return rows

    @admin.display(description="requested")
    def requested(self, row: BulkAction) -> SafeString | str:
        return markup.moment(row.requested_at)

    @admin.display(description="of")
    def what(self, row: BulkAction) -> str:
        return _said(row.match) or "all"

    @admin.display(description="publisher")
    def publisher(self, row: Any) -> str:
        return str(row.publisher_name)

    @admin.display(description="state")
    def status(self, row: BulkAction) -> SafeString | str:
        return markup.badge(row.state)

    @admin.display(description="progress")
    def progress(self, row: BulkAction) -> str:
        return _progress(row)

    def panels(self, request: HttpRequest, row: BulkAction) -> Sequence[Panel]:
        counts = ((name.replace("_", " "), f"{number:,}") for name, number in row.counts.items())
        times = {"begun": row.started_at, "finished": row.finished_at}
        status = markup.lines(
            [
                markup.badge(row.state),
                _progress(row),
                *(markup.words(name, markup.moment(at)) for name, at in times.items() if at),
                *([f"aborted by {row.aborted_by}"] if row.aborted_by else []),
            ]
        )
        return [
            Panel("Progress", status),
            Panel("What became of them", markup.table(("", "rows"), counts, "Nothing yet.")),
            Panel("What it is done to", markup.words(_said(row.match) or "all")),
        ]

    def unfinished(self, row: BulkAction) -> bool:
        return row.finished_at is None

    def buttons(self, request: HttpRequest, row: BulkAction) -> Sequence[Button]:
        if row.finished_at is not None or not _may(request, row.action):
            return ()
        warning = "What was done stays done. No further row is touched."
        return [Button("abort", "Abort it", "bad", warning)]

    def do_abort(self, request: HttpRequest, row: BulkAction) -> None:
        if running.abort(request, row.pk):
            messages.success(request, "It is aborted: what was done stays done.")
        else:
            messages.warning(request, "It was done already.")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(_begin))
        return [path("begin/<str:action>/", view, name="begin_bulk_action"), *super().get_urls()]


def _begin(request: HttpRequest, action: str) -> HttpResponse:
    """Begin an action on all that the list matches, by the filters in its query string.

    The first call asks: it counts what matches, and its page has the button that confirms it.
    """
    if action not in PERMISSIONS:
        raise Http404
    if not _may(request, action):
        raise PermissionDenied
    confirmed = _confirmed(request, action)
    if confirmed is None:
        restoring = action == ActionKind.RESTORE
        match = lost_addresses.cause(request) if restoring else _match(request, action)
        if match is not None:
            return _confirmation(request, action, match)
        messages.error(request, "Nothing was begun: the filter is not one that it can be done by.")
        return HttpResponseRedirect(reverse(f"admin:{_LISTS[action]}"))
    why = reason_of(request)
    if action in ASKS and not why:
        messages.error(request, "Nothing was begun: say why.")
        return HttpResponseRedirect(reverse(f"admin:{_LISTS[action]}"))
    row = running.begin(
        request,
        action,
        confirmed["match"] | ({"why": why} if action in ASKS else {}),
        confirmed["publisher_id"],
        datetime.fromisoformat(confirmed["asked_at"]),
    )
    if not request.user.has_perm("bulk.view_bulkaction"):
        messages.success(request, "It is begun, and goes on in the background.")
        return HttpResponseRedirect(reverse(f"admin:{_LISTS[action]}"))
    messages.success(request, "It is begun. This page shows how far it is.")
    return HttpResponseRedirect(reverse("admin:bulk_bulkaction_change", args=[row.pk]))


def _confirmation(request: HttpRequest, action: str, match: dict[str, Any]) -> HttpResponse:
    """Show how many rows an action would be done to; what comes later is none of them.

    The button sends what was counted, signed: by then the filter may find something else.
    """
    # Of suppressions it is who asked for them, and not whose rows are lifted.
    owner = None if action == ActionKind.LIFT else match.pop("publisher_id", None)
    row = BulkAction(action=action, match=match, publisher_id=owner, requested_at=clock.moment())
    number = running.count(row)
    shown = "too many to be counted in time" if number is None else f"{number:,}"
    counted = {
        "action": action,
        "match": match,
        "publisher_id": owner,
        "asked_at": row.requested_at.isoformat(),
        "operator": request.user.pk,
    }
    context = {
        "title": f"{action.capitalize()} all that match",
        "counted": f"{ROWS[action].capitalize()} that match: {shown}",
        "match": _said(match) or "all",
        "publisher": owner and Publisher.objects.filter(pk=owner).first(),
        "warning": WARNINGS[action],
        "asks": ASKS.get(action),
        "confirmed": signing.dumps(counted, salt=_SALT),
        "back": f"{reverse(f'admin:{_LISTS[action]}')}?{request.META['QUERY_STRING']}",
    }
    page = admin.site.each_context(request) | context
    return render(request, "operators/confirm_bulk.html", page)


def _confirmed(request: HttpRequest, action: str) -> dict[str, Any] | None:
    """Return what a confirmation's page counted, ``None`` where it is to be counted first."""
    try:
        found: dict[str, Any] = signing.loads(
            request.POST.get("confirmed", ""), salt=_SALT, max_age=LONGEST_ASKED
        )
    except signing.BadSignature:
        return None
    mine = (found["action"], found["operator"]) == (action, request.user.pk)
    return found if mine else None


def _match(request: HttpRequest, action: str) -> dict[str, Any] | None:
    """Return the criteria in the query string, ``None`` where one is not understood.

    A filter with an empty text is one: the list shows what has an empty text there.
    """
    found: dict[str, Any] = {}
    people = may_see_people(request)
    for name, text in request.GET.dict().items():
        if name in _PLACES or (action, name, text) in _IMPLIED:
            continue
        if name == "q" and not text.strip():
            continue
        if name in _WRITTEN and not text:
            continue
        if name not in FILTERS[action] or "\0" in text:
            return None
        if name == "recipient_id" and not people:
            return None  # the list of such an operator has no such filter
        if name in _NUMBERS and not (text.isascii() and text.isdecimal() and len(text) < 19):
            return None
        if name == "notification_id" and not _is_uuid(text):
            return None
        if name in _TIMES:
            try:
                text = moment_of(text).isoformat()
            except ValueError:
                return None
        found[name] = int(text) if name in _NUMBERS else text
    if action == ActionKind.RELEASE:
        kind = found.pop(_KIND, None)
        if kind is None and not found.keys() & set(deliveries.WHOLE):
            found["kinds"] = list(OF_PUBLISHERS)  # the list leaves the others out
        elif kind not in (None, ALL):
            found["kinds"] = [kind]
    if found.get("kind") == ALL:
        return None
    if "q" in found:
        if search.title_words(found["q"]):
            return None  # a look through titles may end before all are found
        # Later the same words may find something else. And the row outlives a person who is
        # searched, whom it must not name.
        named = search.searched(found.pop("q").strip(), people=people)
        if not named:
            return None
        found |= named
    return found if found or action not in _NEVER_ALL else None


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _may(request: HttpRequest, action: str) -> bool:
    return request.user.has_perms(PERMISSIONS[action])


def _said(match: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in match.items())


def _progress(row: BulkAction) -> str:
    if row.total is None:
        return f"{row.done:,}" if row.started_at is None else f"{row.done:,} of an unknown number"
    return f"{row.done:,} of {row.total:,}"

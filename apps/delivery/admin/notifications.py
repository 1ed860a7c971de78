"""Admin of notifications: progress by state and channel, and cancel."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from rest_framework.serializers import ValidationError

from apps.api.problems import Problem, as_problem
from apps.content.admin import PreviewForm
from apps.content.compiled_templates import compiled_template
from apps.content.models import TemplateVersion
from apps.delivery import sealed_content, selectors
from apps.delivery import state as delivery_state
from apps.delivery.admin import hosts, lost_addresses, providers, why_page
from apps.delivery.admin.charts import page as charts
from apps.delivery.admin.deliveries import Made, attach_templates, by_kind, template_link
from apps.delivery.admin.held import page as held
from apps.delivery.intake import accept, template_sends
from apps.delivery.intake.earlier import editing, replaying
from apps.delivery.models import Notification, NotificationKind
from apps.delivery.operations import search, steps
from apps.delivery.selectors import NotificationState
from apps.delivery.sending import cancellation
from apps.operators import markup
from apps.operators.bulk import ActsOnAll, BulkButton
from apps.operators.large_lists import ReadOnly, Search
from apps.operators.list_filters import by_publisher, choice, linked, present
from apps.operators.panels import Button, Panel, Panelled, reason_of
from apps.operators.people import may_see_people
from apps.preferences import selectors as selectors_of_people
from apps.preferences.models import Group
from apps.publishers import audit
from notifier.domain.priorities import Priority
from notifier.security.crypto import DecryptionError


class OfPublisher(by_publisher()):  # type: ignore[misc]  # a class made by a function
    """Filter by publisher. An index serves it for published ones; other kinds need a search."""

    def __init__(self, request: HttpRequest, *rest: Any) -> None:
        super().__init__(request, *rest)
        self.indexed = "kind" not in request.GET

    def condition(self) -> Q | None:
        found: Q | None = super().condition()
        if found is None or not self.indexed:
            return found
        return found & Q(kind=NotificationKind.PUBLISHED)


#: Permission to see titles, and to search by them.
TITLES = "delivery.read_title"
#: Permissions to cancel all that match, and to send again.
MANY = ("delivery.change_notification", "delivery.change_deadletter")


class _Listed(Protocol):
    """A row of the list with what ``with_page`` sets: its counts by state, and its group."""

    states: Mapping[str, int]
    group: Group | None


@admin.register(Notification)
class NotificationAdmin(Panelled, ActsOnAll, ReadOnly):
    """List of notifications, newest first, with counts that are kept as deliveries move."""

    list_display = (
        "posted",
        "publisher",
        "reference",
        "audience",
        "template",
        "priority",
        "status",
        "progress",
    )
    list_filter = (
        OfPublisher,
        linked("topic_id"),
        choice("priority", lambda: Priority),
        by_kind("kind", "Status events and confirmations are left out."),
        present("cancelled_at", "cancelled"),
    )
    list_select_related = ("publisher", "topic")
    search_fields = ("id",)
    search_help_text = (
        "An id; or a reference, or the name of a topic, recipient (for those who may see people) "
        "or template, the first that there is: template:shipped asks for one of them, and "
        "title:words for words of a title (for those who may read titles)"
    )
    fields = (
        "id",
        "publisher",
        "topic",
        "kind",
        "priority",
        "channels",
        "fallback_channel",
        "fallback_after",
        "reference",
        "metadata",
        "collapse_key",
        "created_at",
        "send_at",
        "send_at_local",
        "local_time_passed",
        "expires_at",
        "cancelled_at",
    )

    bulk = BulkButton(
        "cancel",
        "Cancel",
        MANY,
        filtered=True,
    )

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        titles = ["title"] if request.user.has_perm(TITLES) else []
        return [*super().get_list_display(request), *titles]

    def search(self, request: HttpRequest, term: str) -> Search:
        words = search.title_words(term)
        if words and request.user.has_perm(TITLES):
            found = search.titled(words)
            return Search(Q(pk__in=found.ids), cut=found.cut)
        return Search(*search.notifications_like(term.strip(), people=may_see_people(request)))

    def with_page(self, rows: list[Notification]) -> list[Notification]:
        attach_templates(rows)
        counts = selectors.state_counts(row.pk for row in rows)
        groups = Group.objects.in_bulk({row.group_id for row in rows if row.group_id is not None})
        for row in rows:
            listed = _listed(row)
            listed.states = counts.get(row.pk, {})
            listed.group = None if row.group_id is None else groups.get(row.group_id)
        return rows

    @admin.display(description="posted")
    def posted(self, row: Notification) -> SafeString | str:
        return markup.moment(row.created_at)

    @admin.display(description="audience")
    def audience(self, row: Notification) -> SafeString | str:
        if row.topic:
            return markup.link(markup.page("topics_topic_change", row.topic_id), row.topic)
        group = _listed(row).group
        return f"group {group}" if group else "named recipients"

    @admin.display(description="template")
    def template(self, row: Made) -> SafeString | str:
        return template_link(row)

    @admin.display(description="title")
    def title(self, row: Notification) -> str:
        """Return the title that was posted; a template's depends on the recipient."""
        if row.template_version_id is None:
            with suppress(DecryptionError):
                return sealed_content.unseal(row.pk, bytes(row.content)).title
        return ""

    @admin.display(description="state")
    def status(self, row: Notification) -> SafeString | str:
        if row.cancelled_at:
            return markup.badge("cancelled")
        if row.kind != NotificationKind.PUBLISHED:
            return markup.badge(row.kind)
        return markup.badge("scheduled") if row.is_scheduled() and not _listed(row).states else ""

    @admin.display(description="deliveries")
    def progress(self, row: Notification) -> SafeString:
        return markup.bar(_listed(row).states)

    def panels(self, request: HttpRequest, row: Notification) -> Sequence[Panel]:
        progress = selectors.progress(row)
        total: dict[str, int] = {}
        for states in progress.counts.values():
            for state, number in states.items():
                total[state] = total.get(state, 0) + number
        by_channel = markup.table(
            ("channel", "deliveries"),
            ((channel, markup.bar(states)) for channel, states in progress.counts.items()),
            "No deliveries yet.",
        )
        look = markup.link(
            markup.page("delivery_delivery_changelist", notification_id=row.pk), "All deliveries"
        )
        links = [look]
        if seen := may_see_people(request):
            why = markup.page("why", notification=row.pk)
            links.append(markup.link(why, "Why did somebody (not) get it?"))
        status = markup.lines([markup.badge(progress.state), markup.bar(total), *links])
        return [
            Panel("Progress", status),
            Panel("By channel", by_channel),
            *_steps(row, progress),
            *(_acknowledged(row) if seen else []),
            *_replays(row),
        ]

    def buttons(self, request: HttpRequest, row: Notification) -> Sequence[Button]:
        if not request.user.has_perm("delivery.change_notification"):
            return ()
        progress = selectors.progress(row)
        state = progress.state
        if state in (NotificationState.CANCELLED, NotificationState.DONE):
            if row.kind != NotificationKind.PUBLISHED or not replaying.may_be(progress.counts):
                return ()
            if not request.user.has_perms(MANY):
                return ()
            warning = "Those whom it has not reached are sent it now, as a new notification."
            label = "Send it again to those who did not get it"
            return [Button("replay", label, "main", warning)]
        warning = "Deliveries that have not been sent will not be sent. This cannot be undone."
        found = [Button("cancel", "Cancel what has not been sent", "bad", warning)]
        if state == NotificationState.SCHEDULED and not (row.send_at_local or row.ordering_key):
            zone = timezone.get_current_timezone_name()
            label = f"Send it then ({zone})"
            move = Button("move", label, asks=f"New time ({zone})", answer="datetime-local")
            found.insert(0, move)
        return found

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        switch = "provider/<str:provider>/<str:verb>/"
        return [
            path(switch, view(providers.switch), name="provider_switch"),
            path("host/close/", view(hosts.close), name="host_close"),
            path("why/", view(why_page.why), name="why"),
            path(
                "test-send/<int:version>/",
                view(require_POST(self.send_to_oneself)),
                name="test_send",
            ),
            path("lost-addresses/", view(lost_addresses.page), name="lost_addresses"),
            path("held/", view(held.page), name="held"),
            path("end-held/", view(held.end), name="end_held"),
            path("charts/", view(charts.everything), name="charts"),
            path("charts/<str:name>/", view(charts.provider), name="provider_charts"),
            *super().get_urls(),
        ]

    def do_move(self, request: HttpRequest, row: Notification) -> None:
        """Send it at another time, which the operator wrote in the admin's time zone."""
        try:
            send_at = parse_datetime(reason_of(request))
        except ValueError:
            send_at = None
        if send_at is None:
            messages.error(request, "It was not moved: write a time as 2026-11-28T10:00.")
            return
        if timezone.is_naive(send_at):
            send_at = timezone.make_aware(send_at)
        try:
            editing.edit(request, row.pk, {"send_at": send_at})
        except (Problem, ValidationError) as error:
            messages.error(request, f"It was not moved: {_said(error)}")
        else:
            shown = timezone.localtime(send_at)
            messages.success(request, f"It will be sent at {shown:%Y-%m-%d %H:%M}.")

    def do_replay(self, request: HttpRequest, row: Notification) -> HttpResponse | None:
        """Replay what ended undelivered; not what was cancelled, unless all of it was."""
        choice = replaying.Choice(
            replaying.STATES if row.cancelled_at is not None else replaying.USUAL
        )
        try:
            replay = replaying.prepare(row.publisher_id, row.pk, choice)
        except Problem as problem:
            messages.error(request, f"It was not sent again: {problem.sentence}")
            return None
        [new] = accept.accept(row.publisher_id, [replay.draft])
        replay.take_over()
        self.audit(request, "replay", row, after={"replay": str(new.id)})
        messages.success(request, "It is sent again: this is the new notification.")
        return HttpResponseRedirect(reverse("admin:delivery_notification_change", args=[new.id]))

    def send_to_oneself(self, request: HttpRequest, version: int) -> HttpResponse:
        """Send a version of a template to the recipient with the operator's own email address."""
        if not request.user.has_perm("content.change_template"):
            raise PermissionDenied
        rows = TemplateVersion.objects.select_related("template__publisher")
        # A deleted one is sent no more, and another template may have its name.
        row = rows.filter(pk=version, template__deleted_at=None).first()
        if row is None:
            raise Http404
        form = PreviewForm(compiled_template(row.pk).channels(), request.POST)
        user_ids = selectors_of_people.user_ids_of_email(cast(User, request.user).email)
        if not form.is_valid():
            said = " ".join(error for errors in form.errors.values() for error in map(str, errors))
        elif len(user_ids) > 1:
            said = "More than one recipient has the email address of your account."
        elif not user_ids:
            said = (
                "No recipient has the email address of your account: a superuser writes it there, "
                "and the service that knows people registers it."
            )
        else:
            channel, variables = form.cleaned_data["channel"], form.cleaned_data["variables"]
            try:
                with transaction.atomic():
                    sent = template_sends.send(row, channel, variables, user_ids[0])
                    audit.record(
                        request,
                        "test_send",
                        "template",
                        row.template.name,
                        publisher_id=row.template.publisher_id,
                        after={"version": row.number, "channel": channel},
                    )
            except (Problem, ValidationError) as error:
                said = cast(Problem, as_problem(error)).sentence
            else:
                messages.success(request, f"It is on its way to {user_ids[0]}, in their language.")
                return HttpResponseRedirect(markup.page("delivery_notification_change", sent))
        messages.error(request, said)
        return HttpResponseRedirect(markup.page("content_preview", row.pk))

    def do_cancel(self, request: HttpRequest, row: Notification) -> None:
        if delivery_state.cancel(row.pk):
            self.audit(request, "cancel", row)

        def report() -> None:
            if under_way := cancellation.wait_until_stopped([row.pk]):
                messages.warning(
                    request,
                    f"What was not sent yet is cancelled. {under_way} being sent right now may "
                    "have reached their provider.",
                )
            else:
                messages.success(request, "What was not sent yet is cancelled.")

        # After the commit: until then no worker sees the cancellation.
        transaction.on_commit(report)


def _said(error: Problem | ValidationError) -> str:
    """Return the sentence of an error of the API."""
    if isinstance(error, Problem):
        return error.sentence
    [found] = list(error.detail.values())[:1] if isinstance(error.detail, dict) else [error.detail]
    return str(found[0] if isinstance(found, list) else found)


def _replays(row: Notification) -> list[Panel]:
    """Link to the notification that it sends again, and to those that send it again."""
    ids = [*([row.replay_of] if row.replay_of else []), *replaying.replays_of(row)]
    links = [markup.link(markup.page("delivery_notification_change", key), str(key)) for key in ids]
    title = "It sends again" if row.replay_of else "It was sent again"
    return [Panel(title, markup.lines(links))] if links else []


def _steps(row: Notification, progress: selectors.Progress) -> list[Panel]:
    """Show what became of the steps of the fallback."""
    progress_of = steps.progress_of_steps(row, progress.counts)
    shown = (
        (
            step.number,
            step.channel,
            "the same people" if step.group is None else f"group {step.group or '(deleted)'}",
            f"not {step.unless}",
            f"{step.after_seconds} s later",
            markup.badge(step.state),
            markup.moment(step.due_at),
            markup.bar(step.counts) if step.counts else "",
        )
        for step in progress_of
    )
    headers = ("step", "channel", "to", "if", "after", "state", "due", "deliveries")
    return [Panel("Steps of its fallback", markup.table(headers, shown))] if progress_of else []


def _acknowledged(row: Notification) -> list[Panel]:
    """Show who acknowledged it."""
    acknowledged = steps.acknowledged([row]).get(row.pk, [])
    people = (
        (one.user_id or "(not shown)", markup.moment(one.acknowledged_at)) for one in acknowledged
    )
    table = markup.table(("recipient", "at"), people)
    return [Panel("Acknowledged by", table)] if acknowledged else []


def _listed(row: Notification) -> _Listed:
    return cast(_Listed, row)

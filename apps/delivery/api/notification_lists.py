"""Pages of a publisher's notifications, by what is known of them."""

from operator import attrgetter
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.delivery.api import presenters
from apps.delivery.api.notification_serializers import NotificationOut
from apps.delivery.models import Notification
from apps.delivery.operations import search
from apps.delivery.operations.search import Wanted
from apps.delivery.selectors import NotificationState
from apps.preferences.selectors import recipient_ids
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import ListEndpoint

_CRITERIA = ("reference", "topic", "category", "since", "until")


def page(view: ListEndpoint, request: Request, query: dict[str, Any]) -> Response:
    """Respond with a page of the notifications that ``NotificationsQuery`` selects."""
    state = NotificationState(query["state"]) if "state" in query else None
    wanted = Wanted(state=state, **{name: query[name] for name in _CRITERIA if name in query})
    if "user_id" in query:
        return _page_of_person(view, request, query, wanted)
    rows, rest = search.notifications(publisher_of(request).id, wanted)
    return view.paginate(
        request,
        rows,
        NotificationOut,
        query=query,
        sought=rest,
        keep=None if state is None else lambda rows: search.in_state(rows, state, _itself),
        prepare=presenters.with_progress,
    )


def _page_of_person(
    view: ListEndpoint, request: Request, query: dict[str, Any], wanted: Wanted
) -> Response:
    """Respond with a page of the notifications that have deliveries to the person."""
    user_id, state = query["user_id"], wanted.state
    recipient_id = recipient_ids([user_id]).get(user_id, 0)
    rows, rest = search.notifications_to(recipient_id, publisher_of(request).id, wanted)
    return view.paginate(
        request,
        rows,
        NotificationOut,
        query=query,
        sought=rest,
        keep=None
        if state is None
        else lambda rows: search.in_state(rows, state, attrgetter("notification")),
        of="person",
        prepare=lambda page: presenters.with_progress(search.notifications_of(page)),
    )


def _itself(row: Notification) -> Notification:
    return row

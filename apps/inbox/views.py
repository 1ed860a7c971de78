"""A person's own inbox: list, count, change and delete items."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.openapi import ProblemDetails
from apps.api.pagination import CursorPage, read_query
from apps.api.problems import CONTENT_TYPE, Problem
from apps.inbox import changes, selectors
from apps.inbox.authentication import EndUserAuthentication, end_user
from apps.inbox.presenters import shown
from apps.inbox.serializers import (
    CountsOut,
    InboxChangedOut,
    InboxChangeIn,
    InboxItemOut,
    InboxQuery,
    StreamQuery,
    TicketOut,
)
from apps.inbox.statuses import Change
from apps.inbox.stream import tickets
from apps.preferences.selectors import recipient_ids
from apps.publishers.api.endpoint import Endpoint, ListEndpoint

TAG = "Inbox"
_FILTERS = ("status", "archived", "snoozed", "severity", "source")


class InboxEndpoint(Endpoint):
    """A view for the person whose token it is."""

    authentication_classes = [EndUserAuthentication]
    permission_classes = [IsAuthenticated]

    def recipient_id(self, request: Request) -> int | None:
        """Return the person's id as a recipient, ``None`` while nobody has registered them."""
        user_id = end_user(request).user_id
        return recipient_ids([user_id]).get(user_id)


_BESIDE_ITEMS = {
    "unread": {
        "type": "integer",
        "description": "unread items in the whole inbox, whatever the filters",
    },
    "unseen": {"type": "integer", "description": "those of them that were not on the screen yet"},
    "last_event_id": {
        "type": "string",
        "description": "what the stream is to go on from (`since`): whatever changed after this "
        "page was read",
    },
}


class InboxPage(CursorPage):
    """A page of items, with what is unread in the inbox, and where its stream goes on."""

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        page["required"] = [*page["required"], *_BESIDE_ITEMS]
        page["properties"] |= _BESIDE_ITEMS
        return page


class InboxView(InboxEndpoint, ListEndpoint):
    """The items of the inbox."""

    pagination_class = InboxPage
    ordering = "-id"

    @extend_schema(
        operation_id="list_inbox",
        tags=[TAG],
        parameters=[InboxQuery],
        responses=InboxItemOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List your inbox, newest first, without expired, archived and snoozed items."""
        query = read_query(request, InboxQuery)
        recipient_id = self.recipient_id(request)
        filters = {name: query[name] for name in _FILTERS if name in query}
        # Before the items: what changes meanwhile is sent again, and nothing is missed.
        version = selectors.version(recipient_id)
        page = self.paginate(
            request,
            selectors.items(recipient_id, **filters),
            InboxItemOut,
            query=query,
            prepare=lambda rows: [shown(row) for row in rows],
        )
        counts = selectors.counts(recipient_id)
        return Response({**page.data, **counts._asdict(), "last_event_id": str(version)})


class InboxStatus(InboxEndpoint):
    """The status of items."""

    @extend_schema(
        operation_id="change_inbox",
        tags=[TAG],
        request=InboxChangeIn,
        responses=InboxChangedOut,
        examples=[
            OpenApiExample("two were read", {"ids": [41, 42], "status": "read"}, request_only=True),
            OpenApiExample("all of them", {"all": True, "status": "read"}, request_only=True),
            OpenApiExample(
                "later",
                {"ids": [41], "status": "snoozed", "snoozed_until": "2026-12-01T09:00:00Z"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Mark, archive, snooze, restore or delete items: up to 1,000, or all in the inbox.

        An id that is not in your inbox does not affect the others; it is listed as unknown.
        """
        wanted = self.body(request, InboxChangeIn)
        recipient_id = self.recipient_id(request)
        to, until = Change(wanted["status"]), wanted.get("snoozed_until")
        if "ids" in wanted:
            changed, unknown = changes.change(recipient_id, wanted["ids"], to, until)
        else:
            changed, unknown = changes.change_all(recipient_id, to, until), []
        return Response({"changed": changed, "unknown": unknown})


class InboxUnread(InboxEndpoint):
    """The numbers of unread and unseen items."""

    @extend_schema(operation_id="count_unread", tags=[TAG], responses=CountsOut)
    def get(self, request: Request) -> Response:
        """Count the items that you have not read, and those that you have not seen."""
        return Response(selectors.counts(self.recipient_id(request))._asdict())


class InboxItemView(InboxEndpoint):
    """One item."""

    @extend_schema(operation_id="delete_inbox_item", tags=[TAG], responses={204: None})
    def delete(self, request: Request, item_id: int) -> Response:
        """Delete an item and its content."""
        changed, _ = changes.change(self.recipient_id(request), [item_id], Change.DELETED)
        if not changed:
            raise Problem("not-found", f"There is no item {item_id} in your inbox (any more).")
        return Response(status=204)


class StreamTicket(InboxEndpoint):
    """Tickets for the stream."""

    @extend_schema(
        operation_id="create_stream_ticket", tags=[TAG], request=None, responses={201: TicketOut}
    )
    def post(self, request: Request) -> Response:
        """Get a ticket that opens the stream once, within a minute.

        For `EventSource`, which cannot send the token: it goes into the URL, `?ticket=…`.
        """
        person = end_user(request)
        issued = tickets.issue(person.user_id, person.token_expires_at)
        return Response(issued._asdict(), status=201)


class InboxStream(InboxEndpoint):
    """The stream, which another process serves."""

    @extend_schema(
        operation_id="stream_inbox",
        tags=[TAG],
        parameters=[StreamQuery],
        responses={
            (200, "text/event-stream"): OpenApiTypes.STR,
            (404, CONTENT_TYPE): OpenApiResponse(
                ProblemDetails, description="The proxy has sent it to the API's process."
            ),
            (429, CONTENT_TYPE): OpenApiResponse(
                ProblemDetails, description="You, or your page's origin, have too many streams."
            ),
        },
    )
    def get(self, request: Request) -> Response:
        """Hear at once what changes in your inbox, as server-sent events.

        `ready`, `item`, `deleted`, `counts`, `resync`, `expired` and `restart`: docs/api/stream.md
        has what is in each.
        """
        read_query(request, StreamQuery)
        raise Problem(
            "not-found",
            "The stream is served by a process of its own (`stream` in the Procfile), and this "
            "request has come to the API's. Have the proxy send /v1/inbox/stream there.",
        )
